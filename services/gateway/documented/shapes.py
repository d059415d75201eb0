"""Shapes: the models of the documented surface as data, and the names that .NET gives them in XML.

Owns the vocabulary (scalars, fields, models, lists) and the envelopes. Never reads or writes a byte: formats/ does,
from these. The naming rule was checked against every root element in the documentation (tests/contract).
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from enum import Enum

from services.gateway.documented.statuses import StatusSet

SMS_CONNECTOR = "http://schemas.datacontract.org/2004/07/SMSConnector"
WEB_API = "http://schemas.datacontract.org/2004/07/WebAPI82830"
ARRAYS = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"
SERIALIZATION = "http://schemas.microsoft.com/2003/10/Serialization/"
XML_SCHEMA = "http://www.w3.org/2001/XMLSchema"


class Scalar(Enum):
    STRING = "string"
    INTEGER = "integer"  # .NET's Int32
    BOOLEAN = "boolean"
    DATE = "date"  # an instant; read and written as ISO 8601
    STATUS = "status"  # of the answer it stands in: a number in JSON, a name in XML
    STATUS_NAME = "status name"  # the same as a string, in both


@dataclass(frozen=True, slots=True, eq=False)
class ListOf:
    item: Scalar | Model


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """`aliases`: other names that are read for this one, where the documentation left the real name open.

    `read_only`: without a setter in .NET, so absent from XML. `doc` is the documentation's own sentence.
    """

    name: str
    type: Type
    nullable: bool = False
    aliases: tuple[str, ...] = ()
    read_only: bool = False
    doc: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """`fields` in the order of JSON; XML sorts them. `title` is the name that help pages use.

    `flat` names a field whose own fields may as well stand beside it.
    """

    name: str
    fields: tuple[Field, ...]
    xml_namespace: str = SMS_CONNECTOR
    title: str = ""
    flat: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class BareString:
    """A body that is one string and no object. `name` is what it is called once read."""

    name: str


Type = Scalar | ListOf | Model

XML_NAMES = {Scalar.STRING: "string", Scalar.INTEGER: "int", Scalar.BOOLEAN: "boolean", Scalar.DATE: "dateTime"}
TITLES = {Scalar.STRING: "String", Scalar.INTEGER: "Int32", Scalar.BOOLEAN: "Boolean", Scalar.DATE: "DateTime"}


def api_return(statuses: StatusSet, result: Type) -> Model:
    """`APIReturn<TStatus, TResult>`: Status has no setter, so XML lacks it."""
    fields = (
        Field("StatusEnum", Scalar.STATUS),
        Field("Status", Scalar.STATUS_NAME, nullable=True, read_only=True),
        Field("Result", result, nullable=True),
    )
    return Model(
        name=f"APIReturnOf{statuses.name}{xml_name(result)}{digest(SMS_CONNECTOR, namespace(result))}",
        fields=fields,
        title=f"APIReturnOf{statuses.name}And{title(result)}",
    )


def status_string(statuses: StatusSet) -> Model:
    """`StatusString<TStatus>`: as `api_return` of a string, with Status in XML too."""
    fields = (
        Field("StatusEnum", Scalar.STATUS),
        Field("Status", Scalar.STATUS_NAME, nullable=True),
        Field("Result", Scalar.STRING, nullable=True),
    )
    return Model(
        name=f"StatusStringOf{statuses.name}{digest(SMS_CONNECTOR)}",
        fields=fields,
        title=f"StatusStringOf{statuses.name}",
    )


def digest(*namespaces: str) -> str:
    """Eight characters that DataContractSerializer puts after a generic type's name: its arguments' namespaces, hashed."""
    text = f" {len(namespaces)}" + "".join(f" {each}" for each in namespaces)
    md5 = hashlib.md5(text.encode(), usedforsecurity=False).digest()
    return b64encode(md5[:6]).decode().replace("/", "_S").replace("+", "_P")


def xml_name(shape: Type) -> str:
    match shape:
        case Model():
            return shape.name
        case ListOf():
            return f"ArrayOf{xml_name(shape.item)}"
        case _:
            return XML_NAMES[shape]


def namespace(shape: Type) -> str:
    match shape:
        case Model():
            return shape.xml_namespace
        case ListOf(item=Model() as item):
            return item.xml_namespace
        case ListOf():
            return ARRAYS
        case _:
            return XML_SCHEMA


def title(shape: Type) -> str:
    match shape:
        case Model():
            return shape.title or shape.name
        case ListOf():
            return f"IEnumerableOf{title(shape.item)}"
        case _:
            return TITLES[shape]
