"""Answers: a status and a result into JSON as Json.NET wrote it, or XML as DataContractSerializer did.

Owns the body of every documented answer and error. A long list is written in parts, so that page after page passes
through and none is kept. Never decides a status.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache

import orjson

from services.gateway.documented.operation import Operation
from services.gateway.documented.shapes import ListOf, Model, Scalar, Type
from services.gateway.documented.statuses import Status
from services.gateway.formats.negotiation import Format
from services.gateway.formats.values import date_text
from services.gateway.formats.xml_text import escape, list_start, root_start, write_element, write_items, write_xml

STATUS_TYPES = (Scalar.STATUS, Scalar.STATUS_NAME)
JSON_TYPES = (Scalar.STRING, Scalar.INTEGER, Scalar.BOOLEAN)


def render(format: Format, operation: Operation, status: Status, result: object = None) -> bytes:
    """The whole body of an operation that answers one.

    `result` by the documented names: a dict for a model, a list, a str, an int; None where there is none, which reads as
    "", 0 or an empty list, so that a client of fixed types never meets null.
    """
    answer = operation.answer
    if result is None:
        result = _nothing(answer.result)
    if not isinstance(answer.shape, Model):
        assert isinstance(answer.shape, Scalar)
        return write(format, answer.shape, result if status is Status.Success else status.name)
    values = result if answer.result is answer.shape else {"Result": result}
    assert isinstance(values, dict)
    statuses = {field.name: status for field in answer.shape.fields if field.type in STATUS_TYPES}
    return write(format, answer.shape, values | statuses)


def _nothing(shape: Type | None) -> object:
    match shape:
        case Scalar.STRING:
            return ""
        case Scalar.INTEGER:
            return 0
        case ListOf():
            return []
        case Model() if any(field.type in STATUS_TYPES for field in shape.fields):
            return {}
        case _:
            return None


class ListAnswer:
    """A successful answer whose Result is a list, in parts: `head`, then `items` of each page, then `tail`."""

    def __init__(self, format: Format, operation: Operation) -> None:
        shape, result = operation.answer.shape, operation.answer.result
        assert isinstance(shape, Model), operation.route
        assert isinstance(result, ListOf), operation.route
        self._format = format
        self._list = result
        self._separator = b""
        self.head, self.tail = _around(format, operation, shape, result)

    def items(self, values: list[object]) -> bytes:
        if not values:
            return b""
        if self._format is Format.XML:
            return write_items(self._list, values).encode()
        separator, self._separator = self._separator, b","
        return separator + orjson.dumps(_plain(self._list, values))[1:-1]


@cache
def _around(format: Format, operation: Operation, shape: Model, result: ListOf) -> tuple[bytes, bytes]:
    """What stands before and after the items."""
    if format is Format.XML:
        status = write_element("StatusEnum", Scalar.STATUS, Status.Success)
        return (root_start(shape) + list_start("Result", result)).encode(), f"</Result>{status}</{shape.name}>".encode()
    return render(format, operation, Status.Success).removesuffix(b"]}"), b"]}"  # Result is the last


def render_error(format: Format, message: str, detail: str = "") -> bytes:
    """What ASP.NET answers where no operation is to blame: 400, 404, 405, 413, 415, 500, 503."""
    if format is Format.XML:
        more = f"<MessageDetail>{escape(detail)}</MessageDetail>" if detail else ""
        return f"<Error><Message>{escape(message)}</Message>{more}</Error>".encode()
    return orjson.dumps({"Message": message} | ({"MessageDetail": detail} if detail else {}))


def write(format: Format, shape: Model | Scalar, value: object) -> bytes:
    """Any value of any shape as one body: answers, and the samples of requests."""
    if format is Format.XML:
        return write_xml(shape, value).encode()
    return orjson.dumps(_plain(shape, value))


def _plain(shape: Type, value: object) -> object:
    """`value` as JSON knows it: fields in the model's order and none missing, dates as text, a status as its number."""
    if value is None or shape in JSON_TYPES:
        return value
    if isinstance(shape, Model):
        assert isinstance(value, Mapping)
        of = value.get
        return {name: of(name) if as_is else _plain(type_, of(name)) for name, type_, as_is in _fields(shape)}
    if isinstance(shape, ListOf):
        assert isinstance(value, list)
        if shape.item in JSON_TYPES:
            return value
        return [_plain(shape.item, item) for item in value]
    if isinstance(value, Status):
        return int(value) if shape is Scalar.STATUS else value.name
    assert isinstance(value, date)
    return date_text(value)


@cache
def _fields(shape: Model) -> list[tuple[str, Type, bool]]:
    """Name and type of each, and whether its values are JSON's own."""
    return [(field.name, field.type, field.type in JSON_TYPES) for field in shape.fields]
