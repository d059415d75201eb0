"""The wire as the documentation shows it: a request written, and an answer read, without any of the gateway's own code.

Owns what is exact: names, order, namespaces, nil, dates with the UK's offset. All of it comes from tests/contract/documented.json and from the pages'
prose. An answer that differs is an AssertionError that says where.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

import defusedxml.ElementTree

from tests.contract.documented import DOCUMENTED

SMS = "http://schemas.datacontract.org/2004/07/SMSConnector"
WEB_API = "http://schemas.datacontract.org/2004/07/WebAPI82830"
ARRAYS = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"
SERIALIZATION = "http://schemas.microsoft.com/2003/10/Serialization/"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
NIL = f"{{{INSTANCE}}}nil"

LONDON = ZoneInfo("Europe/London")
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{0,6}[1-9])?([+-]\d\d:\d\d)")
DAY = re.compile(r"\d{4}-\d\d-\d\dT00:00:00")  # a day of birth is no moment, so it has no offset
MAY_BE_NULL = {  # the id of a parent that is the root, and what an entry was not given
    "ParentID",
    *("Title", "FirstName", "Surname", "Address1", "Address2", "Address3", "City", "County", "Postcode", "Gender"),
    *("DateOfBirth", "Reference", "Email", "User1", "User2", "User3"),
}
# An object that there is none of, and who was not let in. That a success is not refused is for the good call to see.
NULL_WHERE_REFUSED = {".Result", ".Firstname", ".Surname", ".PhoneNumber", ".Company", ".Token"}

# By number. The documentation knows the first; the others, once released, never move.
STATUSES = (
    *(
        "Success",
        "SessionExpired",
        "PermissionDenied",
        "NotFound",
        "InvalidPhoneNumber",
        "InvalidSender",
        "MessageEmpty",
        "MessageTooLong",
    ),
    *(
        "OptedOut",
        "WrongState",
        "Duplicate",
        "LimitReached",
        "InvalidRequest",
        "InvalidCredentials",
        "InvalidDate",
        "InvalidRule",
    ),
    *("AlreadyLinked", "NoRecipients", "TooMany"),
)

Doc = dict[str, Any]
BY_ROUTE: Mapping[str, Doc] = {doc["route"]: doc for doc in DOCUMENTED}
assert len(BY_ROUTE) == 46

# Requests


def model_namespace(doc: Doc) -> str:
    """The one that the documentation's page shows: LogonRequest alone is in another."""
    return WEB_API if doc["body"]["model"] == "LogonRequest" else SMS


def to_json(values: object, dice: random.Random | None = None) -> bytes:
    """With `dice`: names in whatever case and order."""
    return json.dumps(_shuffled(values, dice) if dice else values).encode()


def _shuffled(values: object, dice: random.Random) -> object:
    match values:
        case Mapping():
            items = [(odd_case(str(name), dice), _shuffled(value, dice)) for name, value in values.items()]
            dice.shuffle(items)
            return dict(items)
        case list():
            return [_shuffled(value, dice) for value in values]
        case _:
            return values


def odd_case(name: str, dice: random.Random) -> str:
    return "".join(dice.choice((letter.lower(), letter.upper())) for letter in name)


def to_xml(doc: Doc, values: Any, dice: random.Random | None = None, namespace: str | None = None) -> bytes:
    """As a client's DataContractSerializer writes it; with `dice`, as no serializer would: elements in any order, under a prefix."""
    if doc["body"]["model"] == "string":
        if dice is None:
            return f'<string xmlns="{SERIALIZATION}">{escape(values)}</string>'.encode()
        return f'<?xml version="1.0"?>\n<s:string xmlns:s="{SERIALIZATION}">{escape(values)}</s:string>'.encode()
    prefix = f"q{dice.randrange(100)}:" if dice else ""
    declared = f"xmlns{':' if prefix else ''}{prefix.rstrip(':')}"
    inner = "".join(_elements(doc["body"]["fields"], values, prefix, dice))
    root = prefix + doc["body"]["model"]
    attributes = f'xmlns:i="{INSTANCE}" {declared}="{namespace or model_namespace(doc)}"'
    return f"<{root} {attributes}>{inner}</{root}>".encode()


def _elements(
    fields: list[list[Any]], values: Mapping[str, Any], prefix: str, dice: random.Random | None
) -> Iterator[str]:
    order = sorted(values)
    if dice:
        dice.shuffle(order)
    inner = {name: rest for name, _, *rest in fields}
    types = {name: type_ for name, type_, *_ in fields}
    for field in order:
        value, name = values[field], prefix + (odd_case(field, dice) if dice else field)
        if value is None:
            yield f'<{name} i:nil="true"/>'
        elif isinstance(value, list):
            item = prefix + types[field].removeprefix("Collection of ")
            items = ("".join(_elements(inner[field][0], each, prefix, dice)) for each in value)
            yield f"<{name}>{''.join(f'<{item}>{each}</{item}>' for each in items)}</{name}>"
        elif isinstance(value, Mapping):
            yield f"<{name}>{''.join(_elements(inner[field][0], value, prefix, dice))}</{name}>"
        else:
            yield f"<{name}>{escape(str(value))}</{name}>"


def to_form(values: Any, dice: random.Random | None = None) -> bytes:
    """`ListEntries[0].PhoneNumber=...`; one string alone is a field without a name, as ASP.NET has it."""
    pairs = list(_pairs("", values)) if isinstance(values, Mapping) else [("", values)]
    if dice:
        pairs = [(odd_case(name, dice), value) for name, value in pairs]
        dice.shuffle(pairs)
    return urlencode(pairs).encode()


def _pairs(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _pairs(f"{path}.{name}" if path else name, inner)
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from _pairs(f"{path}[{n}]", inner)
    elif value is not None:
        yield path, str(value)


def target(route: str, params: Mapping[str, object], dice: random.Random | None = None) -> str:
    """Path and query; parameters of the query that `params` lacks are left out."""
    path, _, query = route.partition(" ")[2].partition("?")
    segments = [
        quote(str(params[segment[1:-1]]), safe="")
        if segment.startswith("{")
        else (odd_case(segment, dice) if dice else segment)
        for segment in path.split("/")
    ]
    names = [name for name in re.findall(r"(\w+)=", query) if name in params]
    pairs = [(odd_case(name, dice) if dice else name, str(params[name])) for name in names]
    return f"/{'/'.join(segments)}" + (f"?{urlencode(pairs)}" if pairs else "")


# Answers


def read_json(doc: Doc, text: str) -> Any:
    """The answer's plain values, by their names."""
    value = json.loads(text, object_pairs_hook=_object)
    if doc["answer"]["model"] == "string":
        assert isinstance(value, str)
        return value
    return _json_object(doc["answer"]["fields"], value, "")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), f"a name twice: {names}"
    return dict(pairs)


def _json_object(fields: list[list[Any]], value: Any, path: str) -> dict[str, Any]:
    assert isinstance(value, dict), f"{path}: an object is expected"
    assert list(value) == [name for name, *_ in fields], f"{path}: {list(value)}"
    return {field[0]: _json_value(field, value[field[0]], f"{path}.{field[0]}") for field in fields}


def _json_value(field: list[Any], value: Any, path: str) -> Any:
    name, type_, *inner = field
    if value is None:
        assert name in MAY_BE_NULL or path in NULL_WHERE_REFUSED, f"{path} is null"
    elif name == "StatusEnum" or type_ == "integer":
        assert type(value) is int, f"{path}: {value!r}"
    elif type_ == "boolean":
        assert type(value) is bool, f"{path}: {value!r}"
    elif type_.startswith("Collection of "):
        assert isinstance(value, list), f"{path}: {value!r}"
        if inner:
            return [_json_object(inner[0], each, path) for each in value]
        assert all(isinstance(each, str) for each in value), path
    elif inner:
        return _json_object(inner[0], value, path)
    else:
        assert isinstance(value, str), f"{path}: {value!r}"
        if type_ == "date":
            _require_date(name, value)
    return value


def read_xml(doc: Doc, text: str) -> Any:
    """The same values as `read_json` gives of the same answer, but for Status and StatusEnum, which are names here."""
    assert not text.startswith("<?"), "a declaration, which ASP.NET did not write"
    root = defusedxml.ElementTree.fromstring(text)
    if doc["answer"]["model"] == "string":
        assert root.tag == f"{{{SERIALIZATION}}}string"
        return root.text or ""
    assert root.tag == f"{{{SMS}}}{doc['answer']['xml_root']}"
    fields = doc["answer"]["fields"]
    if doc["answer"]["model"].startswith("APIReturnOf"):  # Status has no setter there, so the serializer leaves it out
        fields = [field for field in fields if field[0] != "Status"]
    return _xml_object(fields, root, "")


def _xml_object(fields: list[list[Any]], element: Element, path: str) -> dict[str, Any]:
    names = sorted(name for name, *_ in fields)
    assert [child.tag for child in element] == [f"{{{SMS}}}{name}" for name in names], f"{path}: {list(element)}"
    assert not (element.text or "").strip(), f"{path}: text among elements"
    by_name = {field[0]: field for field in fields}
    return {n: _xml_value(by_name[n], child, f"{path}.{n}") for n, child in zip(names, element, strict=True)}


def _xml_value(field: list[Any], element: Element, path: str) -> Any:
    name, type_, *inner = field
    text = element.text or ""
    if NIL in element.attrib:
        assert name in MAY_BE_NULL or path in NULL_WHERE_REFUSED, f"{path} is nil"
        assert (element.attrib[NIL], text, len(element)) == ("true", "", 0), path
        return None
    assert not element.attrib, f"{path}: {element.attrib}"
    if type_.startswith("Collection of "):
        item = f"{{{SMS if inner else ARRAYS}}}{type_.removeprefix('Collection of ')}"
        assert {child.tag for child in element} <= {item}, f"{path}: {list(element)}"
        return [_xml_object(inner[0], child, path) if inner else child.text or "" for child in element]
    if inner:
        return _xml_object(inner[0], element, path)
    assert not len(element), f"{path}: elements in a plain value"
    if type_ == "boolean":
        assert text in ("true", "false"), f"{path}: {text!r}"
        return text == "true"
    if type_ == "date":
        _require_date(name, text)
    return int(text) if type_ == "integer" else text


def _require_date(name: str, text: str) -> None:
    if name == "DateOfBirth":
        assert DAY.fullmatch(text), f"{name}: {text}"
        return
    found = DATE.fullmatch(text)
    assert found, f"{name}: {text}"
    at = datetime.fromisoformat(text)
    assert at.utcoffset() == at.astimezone(LONDON).utcoffset(), f"{name}: {text} has not the UK's offset"
