"""Arrivals: when the parts of a long text are a text, and when a text is one that is here already. Plain functions and values; no I/O, no clock.

A part is told from a repeat by its carrier's id where it has one, else by its body; a reference that a handset uses again makes a new text as soon as
a part of it differs from what is here. Never drops what might be a person's: what cannot be told apart is kept.
See docs/reference/inbound.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

import orjson

from libs.common.contracts.messaging import ArrivedText
from libs.common.ids import uuid7
from services.messaging.carriers.carrier import Arrived

WAIT_S = 180  # for the other parts, from the first one on
REMEMBERED = timedelta(days=1)  # how long parts and texts without ids are kept to know their repeats
# Without ids: a part again within this long after the text's first is a repeat. Networks try again within minutes, and a handset that sends the same
# words anew counts its reference on (TS 23.040, 9.2.3.24.1).
SAME_PART_WITHIN = timedelta(hours=1)
SAME_TEXT_WITHIN = timedelta(seconds=5)  # without ids, by the carrier's clock

Key = tuple[str, str, int, int]  # number, header, reference and number of parts: what parts of one text share


@dataclass(slots=True)
class Assembly:
    """One long text: the parts that are here. `announced`: it was told, whole or not."""

    text: UUID
    first_at: datetime
    announced: bool = False
    parts: dict[int, Arrived] = field(default_factory=dict)

    def is_repeat(self, arrived: Arrived, now: datetime) -> bool:
        here = self.parts.get(arrived.part)
        if here is None or here.body != arrived.body:
            return False
        if here.carrier_id and arrived.carrier_id:
            return here.carrier_id == arrived.carrier_id
        return now - self.first_at < SAME_PART_WITHIN


@dataclass(slots=True)
class Gathered:
    """What a batch comes to. `kept`: parts to write down, each with its text; `told`: texts that are announced with it, which were not before."""

    texts: list[ArrivedText] = field(default_factory=list)
    kept: list[tuple[Assembly, Arrived]] = field(default_factory=list)
    told: list[UUID] = field(default_factory=list)


def is_part(arrived: Arrived) -> bool:
    """One that says it is the third of two is taken for a text of its own."""
    return arrived.parts > 1 and 1 <= arrived.part <= arrived.parts


def storable(arrived: Arrived) -> Arrived:
    """As PostgreSQL's text can hold it, which has no null character. A body is kept as octets."""
    names = (arrived.carrier_id, arrived.number, arrived.to)
    if not any("\0" in name for name in names):
        return arrived
    carrier_id, number, to = (name.replace("\0", "\ufffd") for name in names)
    return replace(arrived, carrier_id=carrier_id, number=number, to=to)


def key(arrived: Arrived) -> Key:
    return arrived.number, arrived.to, arrived.concat, arrived.parts


def gather(carrier: str, batch: Iterable[Arrived], known: Mapping[Key, Sequence[Assembly]], now: datetime) -> Gathered:
    """Puts each part of the batch to its text; what is whole by it is announced, and so is what came too late for its text."""
    gathered = Gathered()
    by_key = {key: list(assemblies) for key, assemblies in known.items()}
    for arrived in batch:
        assemblies = by_key.setdefault(key(arrived), [])
        if any(assembly.is_repeat(arrived, now) for assembly in assemblies):
            continue
        assembly = _place(assemblies, arrived)
        if assembly is None:
            assembly = Assembly(uuid7(), now)
            assemblies.append(assembly)
        assembly.parts[arrived.part] = arrived
        gathered.kept.append((assembly, arrived))
        if assembly.announced:
            gathered.texts.append(late(carrier, arrived))
        elif len(assembly.parts) == arrived.parts:
            assembly.announced = True
            gathered.told.append(assembly.text)
            gathered.texts.append(joined(carrier, assembly))
    return gathered


def _place(assemblies: Sequence[Assembly], arrived: Arrived) -> Assembly | None:
    """The text it belongs to: the oldest that lacks it, one that still waits before one that waited in vain."""
    lacking = [assembly for assembly in assemblies if arrived.part not in assembly.parts]
    return min(lacking, key=lambda assembly: (assembly.announced, assembly.first_at, assembly.text), default=None)


def waited_in_vain(known: Mapping[Key, Sequence[Assembly]], now: datetime) -> list[Assembly]:
    deadline = now - timedelta(seconds=WAIT_S)
    return [
        assembly
        for assemblies in known.values()
        for assembly in assemblies
        if not assembly.announced and assembly.first_at < deadline
    ]


def joined(carrier: str, assembly: Assembly) -> ArrivedText:
    """The text of the parts that are here, in order; it goes by the first one's id and time."""
    parts = [assembly.parts[part] for part in sorted(assembly.parts)]
    body = repaired("".join(part.body for part in parts))
    return text(carrier, parts[0], body, incomplete=len(parts) < parts[0].parts)


def late(carrier: str, arrived: Arrived) -> ArrivedText:
    """A part whose text was announced without it: alone, under an id that a carrier which gives all parts one cannot have given the text."""
    return ArrivedText(
        id=uuid7(),
        carrier=carrier,
        carrier_id=f"{arrived.carrier_id}#{arrived.part}" if arrived.carrier_id else "",
        number=arrived.number,
        to=arrived.to,
        body=repaired(arrived.body),
        at=arrived.at,
        incomplete=True,
    )


def text(carrier: str, arrived: Arrived, body: str, *, incomplete: bool = False) -> ArrivedText:
    return ArrivedText(
        id=uuid7(),
        carrier=carrier,
        carrier_id=arrived.carrier_id,
        number=arrived.number,
        to=arrived.to,
        body=body,
        at=arrived.at,
        incomplete=incomplete,
    )


def repaired(body: str) -> str:
    """`body` with its surrogate pairs whole, and U+FFFD for each half that has no other."""
    if body.isascii():
        return body
    return body.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def digest(carrier: str, arrived: Arrived) -> bytes:
    """What two arrivals of one text without an id share."""
    said = "\0".join((carrier, arrived.number, arrived.to, arrived.body))
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).digest()


def first_ones(
    arrived: Sequence[tuple[bytes, Arrived]], kept: Mapping[bytes, Sequence[datetime]]
) -> Iterator[tuple[bytes, Arrived]]:
    """Those that are no repeat of one that is kept, within SAME_TEXT_WITHIN before or after it. A repeat of a repeat is measured from what was kept,
    so that a person who goes on is heard again."""
    times = {digest: list(at) for digest, at in kept.items()}
    for digest_, one in arrived:
        here = times.setdefault(digest_, [])
        if all(abs(one.at - at) > SAME_TEXT_WITHIN for at in here):
            here.append(one.at)
            yield digest_, one


def raw(batch: Sequence[Arrived]) -> str:
    """The batch as JSON, for raw_arrivals. A body with half a surrogate pair, which JSON in UTF-8 cannot hold, as hexadecimal UTF-16."""
    items = [[a.carrier_id, a.number, a.to, a.body, a.at, *_place_in_text(a)] for a in batch]
    try:
        return orjson.dumps(items).decode()
    except TypeError:
        for item, arrived in zip(items, batch, strict=True):
            item[3] = _readable(arrived.body)
        return orjson.dumps(items).decode()


def _place_in_text(arrived: Arrived) -> tuple[int, ...]:
    return (arrived.part, arrived.parts, arrived.concat) if arrived.parts > 1 else ()


def _readable(body: str) -> str | dict[str, str]:
    try:
        body.encode()
    except UnicodeEncodeError:
        return {"utf16": body.encode("utf-16-be", "surrogatepass").hex()}
    return body
