"""Values: one field's worth of a request, from what stands on the wire to what Python means by it, and dates back.

Owns the rules of strings, integers, booleans and dates, the same for JSON, XML, forms and paths. Never echoes a value
in an error: it may be a token or somebody's number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from services.gateway.documented.shapes import BareString, Field, ListOf, Model, Scalar, Type

STRING = Scalar.STRING
LONDON = ZoneInfo("Europe/London")
INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STANDARD_TIME_YEAR = 1848  # before it London's own time was 75 s behind Greenwich, and ISO 8601 holds no seconds there

NULL_ITEM = "an item cannot be null"
INTEGER_TEXT = re.compile(r"[+-]?[0-9]{1,10}")
# A space before the offset is a + that a client forgot to escape in a query.
ISO_DATE = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?)(Z|[ +-][0-9]{2}:?[0-9]{2})?)?"
)
# Json.NET's old form: milliseconds since 1970 in UTC. What may follow says where the writer was, not when.
MICROSOFT_DATE = re.compile(r"/Date\((-?[0-9]{1,15})(?:[+-][0-9]{4})?\)/")


class BadRequest(Exception):
    """What the caller sent cannot be read. `status` is HTTP's; `message` and `detail` are written for the caller."""

    def __init__(self, status: int, message: str, detail: str = "") -> None:
        super().__init__(status, message, detail)
        self.status = status
        self.message = message
        self.detail = detail


class BadValue(Exception):
    """A value that its field cannot hold. `path` grows from the inside out: `ListEntries[4].DateOfBirth`."""

    def __init__(self, why: str, path: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.path = path

    def within(self, outer: str) -> BadValue:
        dot = "." if outer and self.path and not self.path.startswith("[") else ""
        return BadValue(self.why, outer + dot + self.path)

    def as_bad_request(self) -> BadRequest:
        return BadRequest(400, "The request is invalid.", f"{self.path or 'The body'}: {self.why}.")


def read(shape: Type | BareString, raw: object) -> object:
    """`raw` is what JSON or form decoding gave; an object becomes a dict by the model's own names.

    A name that was not given is not in the dict, a null is None. Unknown names are ignored. Raises BadValue.
    Nothing between two tags or after `Folder=` is null too, unless the field is a string.
    """
    if raw is None or (raw == "" and isinstance(shape, Scalar) and shape is not Scalar.STRING):
        return None
    match shape:
        case Scalar():
            return SCALARS[shape](raw)
        case BareString():
            return {shape.name: read_string(raw)}
        case ListOf():
            return _read_list(shape, raw)
        case Model():
            return _read_object(shape, raw)


def _read_list(shape: ListOf, raw: object) -> list[object]:
    if not isinstance(raw, list):
        raise BadValue("a list is expected")
    values: list[object] = []
    try:
        for item in raw:
            if item is None:
                raise BadValue(NULL_ITEM)
            values.append(read(shape.item, item))  # one by one: the index of a bad one is the length so far
    except BadValue as bad:
        raise bad.within(f"[{len(values)}]") from None
    return values


def _read_object(model: Model, raw: object) -> dict[str, object]:
    if not isinstance(raw, dict):
        raise BadValue("an object is expected")
    known = names(model)
    values: dict[str, object] = {}
    name = ""
    try:
        for key, value in raw.items():
            field = known.get(key) or known.get(key.lower())
            if field is None:
                continue
            name = field.name
            if name in values:
                raise BadValue("given twice")
            # One look at the class spares nine in ten values of an import the way through read().
            if value.__class__ is str and field.type is STRING and "\0" not in value:
                values[name] = value
            else:
                values[name] = read(field.type, value)
    except BadValue as bad:
        raise bad.within(name) from None
    return values


@cache
def names(model: Model) -> Mapping[str, Field]:
    """Every name a request may use for the model's fields: its own, and that and the aliases in lower case."""
    fields = [*model.fields, *flat_fields(model)]
    known = {alias.lower(): field for field in fields for alias in (field.name, *field.aliases)}
    return known | {field.name: field for field in fields}


def flat_fields(model: Model) -> tuple[Field, ...]:
    """The fields of the inner object that may stand beside it."""
    inner = next((field.type for field in model.fields if field.name == model.flat), None)
    return inner.fields if isinstance(inner, Model) else ()


def fold_flat(model: Model, values: dict[str, object]) -> dict[str, object]:
    """Puts fields that stood beside their object into it."""
    beside = {field.name: values.pop(field.name) for field in flat_fields(model) if field.name in values}
    if beside:
        inner = values.get(model.flat)
        values[model.flat] = beside | inner if isinstance(inner, dict) else beside
    return values


def read_string(raw: object) -> str:
    """Numbers pass as their digits: clients do write numbers as numbers."""
    if isinstance(raw, str):
        if "\0" in raw:
            raise BadValue("holds a null character")
        return raw
    if isinstance(raw, int) and not isinstance(raw, bool):
        return str(raw)
    raise BadValue("a string is expected")


def read_integer(raw: object) -> int:
    if isinstance(raw, str) and INTEGER_TEXT.fullmatch(raw.strip()):
        raw = int(raw)
    if not isinstance(raw, int) or isinstance(raw, bool):
        raise BadValue("an integer is expected")
    if not INT32_MIN <= raw <= INT32_MAX:
        raise BadValue("an integer of 32 bits is expected")
    return raw


def read_boolean(raw: object) -> bool:
    if isinstance(raw, str):
        raw = {"true": True, "false": False, "1": True, "0": False}.get(raw.strip().lower())
    if not isinstance(raw, bool):
        raise BadValue("true or false is expected")
    return raw


def read_date(raw: object) -> datetime:
    """Keeps the offset as written, so that `.date()` is the day the caller wrote. Without one it is UK time."""
    if not isinstance(raw, str):
        raise BadValue("a date is expected")
    text = raw.strip()
    try:
        if iso := ISO_DATE.fullmatch(text):
            day, time, offset = iso.groups(default="")
            value = datetime.fromisoformat(f"{day}T{time or '00:00'}{offset.replace(' ', '+')}")
            if not offset:
                value = value.replace(tzinfo=LONDON if value.year >= STANDARD_TIME_YEAR else UTC)
            if value.year in (1, 9999):
                value.astimezone(UTC)  # 0001-01-01T00:00+01:00 is before all years: found here rather than in a service
            return value
        if microsoft := MICROSOFT_DATE.fullmatch(text):
            return uk_time(EPOCH + timedelta(milliseconds=int(microsoft[1])))
    except (ValueError, OverflowError):
        pass  # well-formed, but no such day or hour
    raise BadValue("a date such as 2025-10-24T15:19:51+01:00 is expected")


SCALARS: Mapping[Scalar, Callable[[object], object]] = {
    Scalar.STRING: read_string,
    Scalar.INTEGER: read_integer,
    Scalar.BOOLEAN: read_boolean,
    Scalar.DATE: read_date,
}


def date_text(value: date) -> str:
    """As Json.NET writes a date in the UK: with offset, without trailing zeros of the second; a day alone without offset."""
    if not isinstance(value, datetime):
        return f"{value.isoformat()}T00:00:00"
    text = uk_time(value).isoformat()
    return text[:-6].rstrip("0") + text[-6:] if value.microsecond else text


def uk_time(value: datetime) -> datetime:
    return value.astimezone(LONDON if value.year >= STANDARD_TIME_YEAR else UTC)
