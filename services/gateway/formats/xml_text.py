"""XML text: values as DataContractSerializer wrote them, behind ASP.NET's XmlWriter (no declaration, no indent).

Owns element order (ordinal by name), nil, namespaces and escapes. Checked against the documentation's samples in
tests/contract; what they do not show follows the serializer's known habits, each named where it is written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from enum import Enum
from functools import cache

from services.gateway.documented.shapes import ARRAYS, SERIALIZATION, Field, ListOf, Model, Scalar, Type
from services.gateway.formats.values import date_text

INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"

# What may not stand in text, or would not survive a reader. ASP.NET's writer does not check characters, so those that
# XML 1.0 forbids even as references went out as references; a bare carriage return would be read as a line feed.
SPECIAL = re.compile("[&<>\x00-\x08\x0b-\x1f\ufffe\uffff]")
ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def write_xml(shape: Model | Scalar, value: object) -> str:
    """A whole document. `value` holds a model's fields by name; what is missing is nil."""
    if isinstance(shape, Model):
        return f"{root_start(shape)}{_fields(shape, value)}</{shape.name}>"
    assert shape is Scalar.STRING, shape
    return f'<string xmlns="{SERIALIZATION}">{escape(str(value))}</string>'


def root_start(model: Model) -> str:
    return f'<{model.name} xmlns:i="{INSTANCE}" xmlns="{model.xml_namespace}">'


def write_element(name: str, shape: Type, value: object) -> str:
    if value is None:
        return f'<{name} i:nil="true" />'
    if isinstance(shape, Model):
        return f"<{name}>{_fields(shape, value)}</{name}>"
    if isinstance(shape, ListOf):
        assert isinstance(value, list)
        return f"{list_start(name, shape)}{write_items(shape, value)}</{name}>" if value else f"<{name} />"
    return f"<{name}>{_text(shape, value)}</{name}>"


def list_start(name: str, shape: ListOf) -> str:
    """Strings are foreign to the models' namespace; d2p1 is XmlWriter's own name for the first prefix at depth two."""
    return f'<{name} xmlns:d2p1="{ARRAYS}">' if isinstance(shape.item, Scalar) else f"<{name}>"


def write_items(shape: ListOf, values: list[object]) -> str:
    name = shape.item.name if isinstance(shape.item, Model) else "d2p1:string"
    if shape.item is Scalar.STRING and values and all(values):  # numbers by the thousand
        texts = [str(value) for value in values]
        if not SPECIAL.search("".join(texts)):
            return f"<{name}>{f'</{name}><{name}>'.join(texts)}</{name}>"
    return "".join([write_element(name, shape.item, value) for value in values])


def _fields(model: Model, values: object) -> str:
    assert isinstance(values, Mapping)
    return "".join([write_element(field.name, field.type, values.get(field.name)) for field in _in_order(model)])


@cache
def _in_order(model: Model) -> tuple[Field, ...]:
    written = (field for field in model.fields if not field.read_only)
    return tuple(sorted(written, key=lambda field: field.name))


def _text(shape: Scalar, value: object) -> str:
    if shape is Scalar.STRING:
        return escape(str(value))
    if isinstance(value, date):
        return date_text(value)
    if isinstance(value, Enum):
        return value.name
    return "true" if value is True else "false" if value is False else str(value)


def escape(text: str) -> str:
    return SPECIAL.sub(lambda found: ENTITIES.get(found[0]) or f"&#x{ord(found[0]):X};", text)
