"""Opt-outs: reads what texts wish and obeys it as they are stored, in the same transaction; answers who stopped or started again.

Owns the order of a transaction: numbers are locked, then read, then changed, so that of two wishes the second always sees the first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from libs.common.bus import Asked
from libs.common.contracts.inbound import ReadReinstates, ReadStops
from libs.common.contracts.messaging import HeadersUsed
from libs.common.db import Tx
from services.inbound.consents import store as consents
from services.inbound.consents.rules import of_changes
from services.inbound.optouts import addressing, answers, contacts, policies, reviews, store
from services.inbound.optouts.addressing import Addressed, Party, Said
from services.inbound.optouts.contacts import Change, Contact, Standing, State, Wished
from services.inbound.optouts.rules import Wish
from services.inbound.replies.rules import Answer


@dataclass(frozen=True)
class Header:
    """Who has a header, and what a STOP to it may name."""

    parties: Sequence[Party] = ()
    names: Mapping[str, set[int]] = field(default_factory=dict)


NOBODYS = Header()


async def headers(tx: Tx, keys: Collection[str], naming: Collection[str]) -> dict[str, Header]:
    """What the meaning of a text to these headers depends on. `naming`: those to which a text seems to name a service."""
    parties = await policies.parties(tx, keys)
    services = await policies.services(tx, naming) if naming else {}
    return {key: Header(found, addressing.names_of(found, services.get(key, ()))) for key, found in parties.items()}


async def obey(tx: Tx, said: Sequence[Said], headers: Mapping[str, Header]) -> dict[UUID, Addressed]:
    """Finds whose each wish is and does it; to whom each was addressed."""
    if not said:
        return {}
    numbers = {one.number for one in said}
    await store.lock(tx, numbers)
    standings, uses = (
        await store.standings(tx, numbers),
        await store.uses(tx, {(one.header_key, one.number) for one in said}),
    )
    addressed, changes = {}, []
    for one in sorted(said, key=lambda one: one.id):  # each sees what those before it did
        header = headers.get(one.header_key, NOBODYS)
        to = addressing.address(
            one, header.parties, header.names, uses.get((one.header_key, one.number), ()), standings
        )
        wished = [wish for party in to.parties for wish in addressing.wishes(one, party, standings)]
        addressed[one.id] = to
        changes += contacts.act_upon(standings, wished)
    await record(tx, changes, standings)
    return addressed


async def hear(tx: Tx, said: Sequence[Said], party: Party) -> None:
    """What came before it was known that this company has the number, too."""
    numbers = {one.number for one in said}
    await store.lock(tx, numbers)
    standings = await store.standings(tx, numbers)
    changes: list[Change] = []
    for one in said:
        changes += contacts.act_upon(standings, addressing.wishes(one, party, standings))
    await record(tx, changes, standings)


async def act(tx: Tx, wished: Sequence[Wished]) -> None:
    """A person's doing. The numbers are locked."""
    standings = await store.standings(tx, {one.number for one in wished})
    await record(tx, contacts.act_upon(standings, wished), standings)


async def record(tx: Tx, changes: Sequence[Change], standings: Mapping[Contact, Standing]) -> None:
    if not changes:
        return
    await store.save(tx, changes, standings)
    await reviews.keep_up(tx, changes)
    await consents.record(tx, of_changes(changes))
    for event in contacts.announcements(changes):
        tx.emit(event)


async def answers_to(
    tx: Tx, said: Mapping[UUID, tuple[Said, str]], addressed: Mapping[UUID, Addressed]
) -> list[Answer]:
    """How the wishes (each with its text's words) are answered, if they are."""
    asked = {id_: one for id_, one in said.items() if one[0].reading.wish is not Wish.SOFT and addressed[id_].parties}
    if not asked:
        return []
    confirmed = await store.confirmed(tx, [one for one, _ in asked.values()])
    found = []
    for id_, (one, body) in sorted(asked.items()):
        if answer := answers.answer(one, body, addressed[id_], confirmed):
            found.append(answer)
            if one.reading.wish is not Wish.HELP:
                wish = answers.plain(one.reading.wish)
                confirmed[one.header_key, one.number, answer.company_id] = answers.Confirmation(wish, one.at)
                await store.note_confirmed(tx, one, answer.company_id)
    return found


async def on_headers_used(tx: Tx, event: HeadersUsed) -> None:
    await store.note_uses(tx, event)


async def read_stops(tx: Tx, asked: Sequence[Asked[ReadStops]]) -> Sequence[bytes]:
    return await store.changed(tx, State.STOPPED, asked)


async def read_reinstates(tx: Tx, asked: Sequence[Asked[ReadReinstates]]) -> Sequence[bytes]:
    return await store.changed(tx, State.REINSTATED, asked)
