"""Bodies: what a client posted, in JSON, XML or form encoding, as one dict by the model's own names.

Owns charsets, the limits of a form, and the choice of reader; how many bytes a body has is held by whoever receives it. Whatever is wrong with a
body is a BadRequest that says what and where; nothing else is ever raised for bytes from outside (tests/unit/gateway holds it to that).
"""

from __future__ import annotations

import codecs
import json
from urllib.parse import parse_qsl

import orjson

from services.gateway.documented.operation import Operation
from services.gateway.documented.shapes import BareString, Model
from services.gateway.formats.negotiation import REQUEST_MEDIA_TYPES, Format, content_type
from services.gateway.formats.values import BadRequest, BadValue, fold_flat, read
from services.gateway.formats.xml_body import DEPTH_MAX, read_xml

# Charsets of requests. A table, since Python has codecs that take quadratic time, and some that are none for texts.
CHARSETS = {name: name for name in ("", "utf-8", "utf-16", "utf-16le", "utf-16be", "iso-8859-1", "us-ascii")}
CHARSETS |= {"utf8": "utf-8", "windows-1252": "windows-1252"}

FORM_FIELDS_MAX = 20_000  # of one form: an import of 100,000 entries is no form's work
FORM_STEPS_MAX = 4  # ListEntries[0].PhoneNumber has three


def read_body(operation: Operation, content_type_header: str, body: bytes, query_string: bytes) -> dict[str, object]:
    """What `operation` was asked with; {} where it takes no body. Raises BadRequest.

    Some clients and proxies drop the body of a DELETE, so its names are looked for in the query too.
    """
    if operation.body is None:
        return {}
    if operation.method == "DELETE" and not body:
        return parse("application/x-www-form-urlencoded", query_string, operation.body)
    return parse(content_type_header, body, operation.body)


def parse(content_type_header: str, body: bytes, shape: Model | BareString) -> dict[str, object]:
    """The values given, by the shape's own names. A body without a Content-Type is tried as JSON. Raises BadRequest."""
    format, charset = content_type(content_type_header)
    if not body.strip():
        return {}
    if format is None or charset not in CHARSETS:
        raise BadRequest(415, "The Content-Type is not supported.", f"Use one of {', '.join(REQUEST_MEDIA_TYPES)}.")
    try:
        if format is Format.XML:
            values = read_xml(body, shape, CHARSETS[charset])
        elif format is Format.FORM:
            values = read(shape, _form(_decode(body, CHARSETS[charset]), shape))
        else:
            values = read(shape, _json(body, CHARSETS[charset]))
    except BadValue as bad:
        raise bad.as_bad_request() from None
    if not isinstance(values, dict):
        return {}  # null: as good as nothing
    return fold_flat(shape, values) if isinstance(shape, Model) else values


def _decode(body: bytes, charset: str) -> str:
    try:
        return body.decode(charset or "utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise BadRequest(400, "The request is invalid.", f"The body is not {charset or 'utf-8'}.") from None


def _json(body: bytes, charset: str) -> object:
    body = body.removeprefix(codecs.BOM_UTF8)
    text = body if charset in ("", "utf-8") else _decode(body, charset)
    try:
        value = orjson.loads(text)  # stops at 1,024 levels; nothing of ours follows what the shape does not know
    except orjson.JSONDecodeError as error:
        raise BadRequest(400, "The body is not well-formed JSON.", f"{error}.") from None
    try:
        NAMES_ONCE.decode(text if isinstance(text, str) else text.decode())
    except RecursionError:  # it stops a little earlier
        raise BadRequest(400, "The body is not well-formed JSON.", "It is nested too deep.") from None
    return value


def _require_once(pairs: list[tuple[str, object]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        raise BadRequest(400, "The request is invalid.", "An object gives the same name twice.")


# orjson keeps the last of two equal names, and does not tell. This second look costs an import of 100,000 entries a third of a second.
# Numbers are of no interest to it: len takes one of any length, int stops at 4,300 digits.
NAMES_ONCE = json.JSONDecoder(object_pairs_hook=_require_once, parse_int=len)


def _form(text: str, shape: Model | BareString) -> object:
    """A form as JSON would have it, names in lower case: `ListEntries[0].User1` and `ListEntries[0][User1]` alike."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=FORM_FIELDS_MAX)
    except ValueError:
        detail = f"The form is not UTF-8, or has more than {FORM_FIELDS_MAX} fields."
        raise BadRequest(400, "The request is invalid.", detail) from None
    if isinstance(shape, BareString):  # ASP.NET's way to post one string is a field without a name
        given = [value for name, value in pairs if name.lower() in ("", shape.name.lower())]
        if len(given) > 1:
            raise BadValue("given twice")
        return given[0] if given else None
    form: dict[str, object] = {}
    for name, value in pairs:
        path = name.lower().replace("]", "").replace("[", ".")
        if path.count(".") > DEPTH_MAX:
            raise BadRequest(400, "The request is invalid.", f"Names are nested deeper than {DEPTH_MAX}.")
        *outer, last = path.split(".", FORM_STEPS_MAX)
        node = form
        for step in outer:
            inner = node.setdefault(step, {})
            if not isinstance(inner, dict):
                raise BadValue("given twice", name)
            node = inner
        if last in node:
            raise BadValue("given twice", name)
        node[last] = value
    return {name: _lists(value) for name, value in form.items()}


def _lists(node: object) -> object:
    """An object whose names are all numbers is a list, in their order."""
    if not isinstance(node, dict):
        return node
    values = {name: _lists(value) for name, value in node.items()}
    if all(name.isascii() and name.isdecimal() and len(name) < 10 for name in values):
        return [values[name] for name in sorted(values, key=int)]
    return values
