"""Samples: what the documentation shows of each operation's request and answer, made from the table.

Numbers as ASP.NET's sample generator did, so that the documentation's own pages come out (tests/contract). Written by
the code that writes real answers, so that a sample cannot promise what an answer does not keep.
"""

from __future__ import annotations

import re
from datetime import datetime

import orjson

from services.gateway.documented.operation import Operation
from services.gateway.documented.shapes import BareString, Field, ListOf, Model, Scalar, Type
from services.gateway.documented.statuses import Status
from services.gateway.formats.answers import write
from services.gateway.formats.negotiation import Format
from services.gateway.formats.values import LONDON

SAMPLE_DATE = datetime(2025, 10, 24, 15, 19, 51, 154043, tzinfo=LONDON)


def request_sample(format: Format, operation: Operation) -> str:
    """A body for `operation`, or "" if it takes none."""
    match operation.body:
        case None:
            return ""
        case BareString():
            return _sample(format, Scalar.STRING)
        case Model():
            return _sample(format, operation.body)


def answer_sample(format: Format, operation: Operation) -> str:
    """What a success looks like, or "" if nothing is answered."""
    shape = operation.answer.shape
    if shape is None:
        return ""
    assert isinstance(shape, Model | Scalar)
    return _sample(format, shape)


def _sample(format: Format, shape: Model | Scalar) -> str:
    body = write(format, shape, sample_value(shape))
    if format is Format.XML:
        return indent_xml(body.decode())
    return orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode()


def sample_value(shape: Type) -> object:
    match shape:
        case Model():
            return _sample_object(shape)
        case ListOf():
            return [sample_value(shape.item)] * 2
        case _:
            return _sample_scalar(shape, 1)


def _sample_object(model: Model) -> dict[str, object]:
    """One counter an object, advanced by each value that has a setter and cannot be null, whether it shows it or not."""
    values: dict[str, object] = {}
    number = 0
    for field in model.fields:
        if not isinstance(field.type, Scalar):
            values[field.name] = sample_value(field.type)
        elif _counts(field):
            number += 1
            values[field.name] = _sample_scalar(field.type, number)
        else:
            values[field.name] = _sample_scalar(field.type, 1)
    return values


def _counts(field: Field) -> bool:
    """A nullable value of .NET comes from a generator of its own. Strings are no such values, though they may be null."""
    if field.type in (Scalar.STRING, Scalar.STATUS_NAME):
        return not field.read_only
    return not field.nullable and field.type is not Scalar.STATUS


def _sample_scalar(scalar: Scalar, number: int) -> object:
    match scalar:
        case Scalar.STRING:
            return f"sample string {number}"
        case Scalar.INTEGER:
            return number
        case Scalar.BOOLEAN:
            return True
        case Scalar.DATE:
            return SAMPLE_DATE
        case Scalar.STATUS | Scalar.STATUS_NAME:
            return Status.Success


def indent_xml(text: str) -> str:
    """Two spaces a level, for XML whose elements hold either elements or text, as ours do."""
    lines: list[str] = []
    depth = 0
    for piece in re.findall(r"<[^/>][^>]*(?<!/)>[^<]*</[^>]*>|<[^>]*>", text):
        depth -= piece.startswith("</")
        lines.append("  " * depth + piece)
        depth += "</" not in piece and not piece.endswith("/>")
    return "\n".join(lines)
