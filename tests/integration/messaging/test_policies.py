"""Policies and the guard against repetition, on a real database, by two copies at once."""

from __future__ import annotations

import asyncio
from datetime import time

import pytest

from libs.common.contracts.auth import SEND
from libs.common.contracts.base import Code
from libs.common.contracts.policies import Policy, PolicyChanged, ReadPolicy, SetPolicy
from services.messaging.policies import store
from services.messaging.policies.rules import Policy as Rules
from services.messaging.policies.rules import repetition_key
from tests.harness import client, eventually, grant, heard
from tests.integration.messaging.conftest import Messaging, number

COMPANY = 4100


async def test_a_company_that_chose_nothing_has_the_defaults(messaging: Messaging) -> None:
    assert await messaging.gateway.ask(ReadPolicy(), grant(COMPANY)) == Policy()


async def test_a_policy_is_replaced_whole_and_is_the_companys_own(messaging: Messaging) -> None:
    chosen = Policy(
        near_gsm=True,
        in_doubt="retry_once",
        opt_out_check="refuse",
        quiet_from=time(21),
        quiet_until=time(8),
        time_zone="Europe/Dublin",
        repetition_max=3,
        verification_countries=["GB", "IE"],
    )
    await messaging.gateway.ask(SetPolicy(policy=chosen), grant(COMPANY + 1, SEND))
    assert await messaging.gateway.ask(ReadPolicy(), grant(COMPANY + 1)) == chosen
    assert await messaging.gateway.ask(ReadPolicy(), grant(COMPANY + 2)) == Policy()
    assert messaging.process.db is not None
    async with messaging.process.db.reading() as tx:
        every = await store.all(tx)
    assert (every[COMPANY + 1].quiet_from, every[COMPANY + 1].repetition_max) == (time(21), 3)

    await messaging.gateway.ask(SetPolicy(policy=Policy(near_gsm=True)), grant(COMPANY + 1, SEND))
    assert await messaging.gateway.ask(ReadPolicy(), grant(COMPANY + 1)) == Policy(near_gsm=True)


async def test_who_may_not_send_may_not_set_it_and_the_command_line_says_whose(messaging: Messaging) -> None:
    assert await messaging.gateway.refused(SetPolicy(policy=Policy()), grant(COMPANY)) == Code.PERMISSION_DENIED
    async with client(messaging.gateway.infra, "console") as console:
        assert await console.refused(SetPolicy(policy=Policy())) == Code.INVALID_REQUEST
        await console.ask(SetPolicy(policy=Policy(opt_out_check="off"), company_id=COMPANY + 3))
        assert (await console.ask(ReadPolicy(company_id=COMPANY + 3))).opt_out_check == "off"
    nonsense = SetPolicy(policy=Policy(quiet_from=time(21)))
    assert await messaging.gateway.refused(nonsense, grant(COMPANY, SEND)) == Code.INVALID_REQUEST


async def test_what_others_go_by_is_told_with_each_change(messaging: Messaging) -> None:
    company_id = COMPANY + 5
    async with heard(messaging.gateway.infra, PolicyChanged) as told:
        for check in ("refuse", "off"):
            await messaging.gateway.ask(SetPolicy(policy=Policy(opt_out_check=check)), grant(company_id, SEND))

        def theirs() -> list[PolicyChanged]:
            return [event for event in told if isinstance(event, PolicyChanged) and event.company_id == company_id]

        async def both() -> bool:
            return len(theirs()) == 2

        await eventually(both)

    assert [(event.opt_out_check, event.revision) for event in theirs()] == [("refuse", 1), ("off", 2)]


async def too_many(messaging: Messaging, *texts: tuple[int, str, str], most: int = 20) -> list[bool]:
    assert messaging.process.db is not None
    async with messaging.process.db.transaction() as tx:
        return await store.too_many(tx, texts, {company: Rules(repetition_max=most) for company, _, _ in texts})


async def test_the_twenty_first_of_the_same_within_an_hour_is_one_too_many(messaging: Messaging) -> None:
    same = (COMPANY, number(41), "Your code")
    assert await too_many(messaging, *[same] * 15) == [False] * 15
    assert await too_many(messaging, *[same] * 7, (COMPANY, number(42), "Your code")) == [False] * 5 + [True] * 2 + [
        False
    ]
    assert await too_many(
        messaging, same, (COMPANY, number(41), "Another"), (COMPANY + 1, number(41), "Your code")
    ) == [
        True,
        False,
        False,
    ]


async def test_a_text_that_was_refused_is_not_counted_and_an_hour_frees_each_by_itself(messaging: Messaging) -> None:
    same = (COMPANY, number(43), "Hello")
    assert await too_many(messaging, *[same] * 2, most=3) == [False] * 2
    assert messaging.process.db is not None
    hour_ago = "UPDATE repetitions SET times = ARRAY(SELECT t - interval '61 minutes' FROM unnest(times) t)"
    async with messaging.process.db.transaction() as tx:
        await tx.execute(hour_ago)
    assert await too_many(messaging, *[same] * 5, most=3) == [False] * 3 + [True] * 2
    assert await too_many(messaging, same, most=3) == [True]
    async with messaging.process.db.transaction() as tx:
        await tx.execute(hour_ago)
    assert await too_many(messaging, *[same] * 4, most=3) == [False] * 3 + [True]


async def test_a_hundred_at_once_count_as_a_hundred(messaging: Messaging) -> None:
    same, other = (COMPANY, number(44), "At once"), (COMPANY, number(45), "At once")
    answers = await asyncio.gather(*(too_many(messaging, *[same, other][:: 1 if n % 2 else -1]) for n in range(50)))
    assert sum(refused for one in answers for refused in one) == 100 - 2 * 20


async def test_what_was_undone_was_not_counted(messaging: Messaging) -> None:
    same = (COMPANY, number(46), "Undone")
    database = messaging.process.db
    assert database is not None

    async def cut_off() -> None:
        async with database.transaction() as tx:
            await store.too_many(tx, [same] * 20)
            raise ConnectionError

    with pytest.raises(ConnectionError):
        await cut_off()
    assert await too_many(messaging, *[same] * 20) == [False] * 20


async def test_what_nothing_is_known_of_for_an_hour_is_forgotten(messaging: Messaging) -> None:
    assert messaging.process.db is not None
    async with messaging.process.db.transaction() as tx:
        await tx.execute("TRUNCATE repetitions")
    await too_many(messaging, (COMPANY, number(47), "Old"), (COMPANY, number(48), "Old but busy"))
    async with messaging.process.db.transaction() as tx:
        await tx.execute("UPDATE repetitions SET made_at = made_at - interval '2 hours'")
        old = repetition_key(COMPANY, number(47), "Old")
        await tx.execute("UPDATE repetitions SET times = ARRAY[now() - interval '2 hours'] WHERE key = $1", old)
        assert await store.prune_repetitions(tx, 100) == 1
        assert await tx.fetchval("SELECT count(*) FROM repetitions WHERE key = $1", old) == 0
