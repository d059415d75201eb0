"""One call on the wire: asked in an encoding, answered in a format, read back by the independent reader.

Owns the request's bytes and the checks that hold for every answer of the documented surface. Knows no operation by name.
"""

from __future__ import annotations

import random
from typing import Any

import httpx

from tests.conformance.good import Call
from tests.conformance.wire import BY_ROUTE, STATUSES, read_json, read_xml, target, to_form, to_json, to_xml
from tests.conformance.world import World

ACCEPTS = {"JSON": "application/json", "XML": "application/xml"}
CONTENT_TYPES = {"JSON": "application/json", "XML": "application/xml", "form": "application/x-www-form-urlencoded"}


async def asked(
    world: World, route: str, call: Call, encoding: str, answered: str, dice: random.Random | None = None, **xml: str
) -> httpx.Response:
    """`dice`: the request is written oddly, in ways that mean the same."""
    doc = BY_ROUTE[route]
    headers = {"accept": ACCEPTS[answered]}
    content = b""
    if doc["body"]:
        write: Any = {"JSON": to_json, "form": to_form}.get(encoding)
        content = write(call.body, dice) if write else to_xml(doc, call.body, dice, **xml)
        headers["content-type"] = CONTENT_TYPES[encoding]
    method = route.partition(" ")[0]
    answer = await world.platform.http.request(
        method, target(route, call.params, dice), content=content, headers=headers
    )
    require_private(answer.headers)
    return answer


def require_private(headers: Any) -> None:
    """Tokens stand in documented URLs: no answer may be kept by a cache or named by a page that it leads to."""
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"


def read_answer(route: str, answer: httpx.Response, answered: str) -> Any:
    """The plain values of a 200."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == f"{ACCEPTS[answered]}; charset=utf-8"
    return read_text(route, answer.text, answered)


def read_text(route: str, text: str, answered: str) -> Any:
    return (read_json if answered == "JSON" else read_xml)(BY_ROUTE[route], text)


def status_of(value: Any, answered: str) -> str:
    """The name of the status that an answer tells, which its number and its other name must agree with."""
    if isinstance(value, str):
        return value  # api/Test: the name alone
    if "StatusEnum" not in value:
        return str(value["Status"])
    name = STATUSES[value["StatusEnum"]] if answered == "JSON" else str(value["StatusEnum"])
    assert value.get("Status", name) == name
    assert name in STATUSES
    return name


def result_of(value: Any) -> Any:
    return value["Result"] if isinstance(value, dict) and "Result" in value else value
