"""Where a number stands with a company, scope by scope, and what a wish makes of it.

Owns the order of wishes: the newest by id holds, whatever order they are handled in. Plain STOP and START are one track, what only looks like a STOP
and a person's word that it was none another beneath it. Plain functions and values; no I/O, no clock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from libs.common.batches import in_messages
from libs.common.contracts.inbound import ContactsReinstated, ContactsStopped, ContactState


class Act(StrEnum):
    """What is done to a contact. As in contact_changes.wish."""

    STOP = "stop"
    START = "start"
    SOFT = "soft"  # perhaps a STOP
    KEEP = "keep"  # a person has read it: it was none


class State(StrEnum):
    STOPPED = "stopped"
    SOFT = "soft"  # no marketing until a person has read why
    REINSTATED = "reinstated"
    CLEAR = "clear"  # nobody ever stopped it


Contact = tuple[int, str, str]  # company_id, number and scope


@dataclass(frozen=True, slots=True)
class Wished:
    """One act upon one contact. `id` orders it; `text_id` is the text it stood in, or else `user_id` did it (0: an operator), for `reason`."""

    company_id: int
    number: str
    scope: str
    header: str
    act: Act
    at: datetime
    id: UUID
    text_id: UUID | None = None
    user_id: int | None = None
    reason: str = ""

    @property
    def contact(self) -> Contact:
        return self.company_id, self.number, self.scope


@dataclass(frozen=True, slots=True)
class Standing:
    """`id`, `header` and `at` are of the wish that it stands by; `sequence` counts every wish, late ones too."""

    sequence: int = 0
    plain: Act | None = None
    plain_id: UUID | None = None
    soft: bool = False
    soft_id: UUID | None = None
    id: UUID | None = None
    header: str = ""
    at: datetime | None = None

    @property
    def state(self) -> State:
        if self.plain is Act.STOP:
            return State.STOPPED
        if self.soft:
            return State.SOFT
        return State.REINSTATED if self.plain is Act.START else State.CLEAR


NEW = Standing()


@dataclass(frozen=True, slots=True)
class Change:
    """A wish, its number in its contact's sequence, and whether it changed anything: what came later than a newer one does not."""

    wished: Wished
    sequence: int
    told: bool


def just_after(text_id: UUID) -> UUID:
    """The place in the order of wishes right behind this text: before any that has come since."""
    return UUID(int=text_id.int + 1)


def applies(standing: Standing, wished: Wished) -> bool:
    """Whether the wish is newer than what it would undo. A START undoes both tracks, so it must be newer than both."""
    newest_plain = standing.plain_id is None or wished.id > standing.plain_id
    newest_soft = standing.soft_id is None or wished.id > standing.soft_id
    match wished.act:
        case Act.STOP:
            return newest_plain
        case Act.START:
            return newest_plain and newest_soft
        case Act.SOFT:
            return newest_soft and (newest_plain or standing.plain is Act.STOP)
        case Act.KEEP:
            return newest_soft and standing.soft


def after(standing: Standing, wished: Wished) -> Standing:
    """Where the contact stands after this wish."""
    counted = replace(standing, sequence=standing.sequence + 1)
    if not applies(standing, wished):
        return counted
    if wished.act is Act.STOP:
        counted = replace(counted, plain=wished.act, plain_id=wished.id)
    elif wished.act is Act.START:
        counted = replace(counted, plain=wished.act, plain_id=wished.id, soft=False)
    else:
        counted = replace(counted, soft=wished.act is Act.SOFT, soft_id=wished.id)
        if counted.state is State.STOPPED:
            return counted  # it stands by its STOP
    return replace(counted, id=wished.id, header=wished.header, at=wished.at)


def act_upon(standings: dict[Contact, Standing], wished: Iterable[Wished]) -> list[Change]:
    """Applies the wishes in the order of their ids to `standings`, which it changes."""
    changes = []
    for one in sorted(wished, key=lambda one: one.id):
        before = standings.get(one.contact, NEW)
        standings[one.contact] = now = after(before, one)
        changes.append(Change(one, now.sequence, applies(before, one)))
    return changes


def announcements(changes: Iterable[Change]) -> list[ContactsStopped | ContactsReinstated]:
    """What to tell: events a company and kind, each contact at most once in one. What is queued is cancelled by a STOP that a START follows, too."""
    stopped: dict[int, dict[tuple[Contact, bool], ContactState]] = defaultdict(dict)
    reinstated: dict[int, dict[tuple[Contact, bool], ContactState]] = defaultdict(dict)
    for change in changes:
        if change.told:
            wished, soft = change.wished, change.wished.act in (Act.SOFT, Act.KEEP)
            kind = stopped if wished.act in (Act.STOP, Act.SOFT) else reinstated
            kind[wished.company_id][wished.contact, soft] = ContactState(
                number=wished.number,
                header=wished.header,
                sequence=change.sequence,
                at=wished.at,
                scope=wished.scope,
                soft=soft,
            )
    return [*_events(ContactsStopped, stopped), *_events(ContactsReinstated, reinstated)]


def _events(
    event: type[ContactsStopped] | type[ContactsReinstated],
    told: Mapping[int, Mapping[tuple[Contact, bool], ContactState]],
) -> list[ContactsStopped | ContactsReinstated]:
    return [
        event(company_id=company_id, items=list(some))
        for company_id, states in told.items()
        for some in in_messages(list(states.values()), lambda _: 0)
    ]
