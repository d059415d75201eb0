"""How the gateway's tests ask documented operations, in JSON and in XML."""

from __future__ import annotations

import itertools
from typing import Any
from xml.etree import ElementTree as ET

from tests.platform import Platform

_names = itertools.count(1)

SMS = "{http://schemas.datacontract.org/2004/07/SMSConnector}"
ARRAYS = "{http://schemas.microsoft.com/2003/10/Serialization/Arrays}"


async def ask(world: Platform, operation: str, **body: Any) -> dict[str, Any]:
    answer = await world.http.post(f"/api/{operation}", json=body)
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()
    return result


async def get(world: Platform, path: str) -> dict[str, Any]:
    answer = await world.http.get(f"/api/{path}")
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()
    return result


async def xml(world: Platform, operation: str, body: str) -> ET.Element:
    headers = {"content-type": "application/xml", "accept": "application/xml"}
    answer = await world.http.post(f"/api/{operation}", content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/xml")
    return ET.fromstring(answer.text)


async def get_xml(world: Platform, path: str) -> ET.Element:
    answer = await world.http.get(f"/api/{path}", headers={"accept": "text/xml"})
    assert answer.status_code == 200, answer.text
    return ET.fromstring(answer.text)


def contract(model: str, namespace: str = "SMSConnector", **fields: object) -> str:
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in sorted(fields.items()))
    return f'<{model} xmlns="http://schemas.datacontract.org/2004/07/{namespace}">{inner}</{model}>'


async def a_list(world: Platform, token: str, numbers: list[str]) -> int:
    title = f"List {next(_names)}"
    list_id = (await ask(world, "Phonelists/CreateList", SessionToken=token, Title=title, Folder=0))["Result"]
    entries = [{"PhoneNumber": number, "FirstName": "Ann"} for number in numbers]
    added = await ask(world, "Phonelists/AddMultipleEntries", SessionToken=token, ListID=list_id, ListEntries=entries)
    assert added["Status"] == "Success", added
    return int(list_id)
