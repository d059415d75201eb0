"""The ledger of consents: written once, by people, imports and texts; what was withdrawn elsewhere stops here."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from libs.common.clock import now
from libs.common.contracts.auth import SEND
from libs.common.contracts.base import Code
from libs.common.contracts.consents import Consent, How, Kind, NewConsent, ReadConsents, RecordConsents
from libs.common.contracts.inbound import ContactsStopped
from libs.common.ids import uuid7
from tests.harness import eventually, grant, heard
from tests.integration.inbound.conftest import ALICE, AT, BOB, World, arrived


def consent(number: str = ALICE, kind: Kind = Kind.WITHDRAWN, at: datetime = AT, **more: Any) -> NewConsent:
    return NewConsent(**{"id": uuid7(), "number": number, "kind": kind, "how": How.IMPORT, "at": at} | more)


async def ledger(world: World, company_id: int, number: str | None = None) -> list[Consent]:
    return (await world.gateway.ask(ReadConsents(number=number), grant(company_id))).items


async def test_who_when_how_and_to_which_words_is_written_and_read_again(world: World) -> None:
    company_id, _ = await world.company()
    other_id, _ = await world.company()
    given = consent(kind=Kind.GIVEN, how=How.WEB_FORM, wording="Text me offers. Stop any time.", reference="form 4711")
    told = await world.gateway.ask(RecordConsents(items=[given, consent(BOB)]), grant(company_id, SEND, user_id=9))
    assert (told.recorded, told.repeated, told.stopped) == (2, 0, 0)

    [one] = await ledger(world, company_id, "07700 900001")
    assert one.model_dump(exclude={"key", "recorded_at"}) == given.model_dump() | {"user_id": 9, "text_id": None}
    assert now() - one.recorded_at < timedelta(minutes=1)
    assert [each.number for each in await ledger(world, company_id)] == [ALICE, BOB]
    assert await ledger(world, other_id) == []
    assert await world.stops(company_id) == []  # nobody asked for that


async def test_a_repeat_writes_nothing_more_whoever_repeats_it(world: World) -> None:
    company_id, _ = await world.company()
    items = [consent(), consent(BOB)]
    asks = [RecordConsents(items=items, stops=True) for _ in range(5)]
    told = await asyncio.gather(*(world.gateway.ask(ask, grant(company_id, SEND)) for ask in asks))
    assert sorted(one.recorded for one in told) == [0, 0, 0, 0, 2]
    assert len(await ledger(world, company_id)) == 2


async def test_one_bad_consent_and_none_is_written(world: World) -> None:
    company_id, _ = await world.company()
    for bad, code in (
        (consent("nobody"), Code.INVALID_NUMBER),
        (consent(at=now() + timedelta(days=1)), Code.INVALID_DATE),
    ):
        ask = RecordConsents(items=[consent(), bad], stops=True)
        assert await world.gateway.refused(ask, grant(company_id, SEND)) == code
    assert await world.gateway.refused(RecordConsents(items=[consent()]), grant(company_id)) == Code.PERMISSION_DENIED
    assert await world.console.refused(RecordConsents(items=[consent()])) == Code.INVALID_REQUEST
    assert await ledger(world, company_id) == []
    assert await world.stops(company_id) == []


async def test_opt_outs_of_another_service_are_stops_here_and_messaging_hears_of_them(world: World) -> None:
    company_id, _ = await world.company()
    async with heard(world.infra, ContactsStopped) as events:
        ask = RecordConsents(items=[consent(), consent(BOB)], stops=True, company_id=company_id)
        assert (await world.console.ask(ask)).stopped == 2

        async def told() -> bool:
            return {item.number for e in events if isinstance(e, ContactsStopped) for item in e.items} == {ALICE, BOB}

        await eventually(told)
    assert sorted(await world.stops(company_id)) == [ALICE, BOB]
    assert len(await ledger(world, company_id)) == 2  # once each: the stop it made is no consent of its own
    assert [one.user_id for one in await ledger(world, company_id)] == [0, 0]


async def test_an_old_opt_out_of_elsewhere_does_not_undo_a_start_that_was_texted_here(world: World) -> None:
    company_id, header = await world.company()
    await world.bring(arrived("START", header))
    ask = RecordConsents(items=[consent(at=now() - timedelta(days=30)), consent(BOB, at=now())], stops=True)
    await world.gateway.ask(ask, grant(company_id, SEND))
    assert await world.stops(company_id) == [BOB]

    await world.bring(arrived("START", header, BOB))
    assert await world.stops(company_id) == []


async def test_a_given_consent_opts_nobody_in(world: World) -> None:
    company_id, header = await world.company()
    await world.bring(arrived("STOP", header))
    ask = RecordConsents(items=[consent(kind=Kind.GIVEN, at=now())], stops=True)
    await world.gateway.ask(ask, grant(company_id, SEND))
    assert await world.stops(company_id) == [ALICE]


async def test_a_stop_and_a_start_by_text_are_in_the_ledger_with_their_own_words(world: World) -> None:
    company_id, header = await world.company()
    stop, start = arrived("Stop please", header), arrived("START", header)
    await world.bring(stop)
    await world.bring(start, arrived("Stop knowing me so well!", header))

    found = await ledger(world, company_id, ALICE)
    assert [(one.kind, one.how, one.wording, one.text_id, one.user_id) for one in found] == [
        (Kind.WITHDRAWN, How.TEXT, "Stop please", stop.id, None),
        (Kind.GIVEN, How.TEXT, "START", start.id, None),
    ]


async def test_the_ledger_comes_in_pages_and_is_whole(world: World) -> None:
    company_id, _ = await world.company()
    await world.gateway.ask(RecordConsents(items=[consent() for _ in range(25)]), grant(company_id, SEND))
    keys: list[int] = []
    more = True
    while more:
        page = await world.gateway.ask(ReadConsents(after=keys[-1] if keys else 0, limit=10), grant(company_id))
        keys, more = keys + [one.key for one in page.items], page.more
    assert len(keys) == 25 == len(set(keys))
    assert keys == sorted(keys)


@pytest.mark.parametrize("sql", ["UPDATE consents SET at = now()", "DELETE FROM consents", "TRUNCATE consents"])
async def test_nothing_that_is_written_is_changed_or_removed(world: World, sql: str) -> None:
    assert world.process.db is not None
    async with world.process.db.reading() as tx:
        with pytest.raises(asyncpg.RaiseError, match="never changed"):
            await tx.execute(sql)
