"""Verifications on the real database: sent, checked, counted, limited, watched."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.messaging import State
from libs.common.contracts.verification import (
    CancelVerification,
    CheckResult,
    CheckVerification,
    ReadVerification,
    RefuseUnusedPrefixes,
    Scope,
    SetVerificationLimit,
    StartVerification,
    VerificationInfo,
    VerificationState,
    WatchVerifications,
)
from libs.common.ids import uuid7
from libs.common.service import Process
from services.messaging.__main__ import SERVICE
from services.messaging.app import Messaging as App
from services.messaging.settings import MessagingSettings
from services.messaging.verification import loop, rules
from tests.harness import client, eventually, grant, running
from tests.infra import Infra
from tests.integration.messaging.conftest import COMPANY, GRANT, OTHERS_GRANT, TEST_GRANT, Messaging, number


def ask(to: str, **more: Any) -> StartVerification:
    return StartVerification.model_validate({"to": to, "sender": "82830", "body": "Your code is {code}", **more})


async def start(messaging: Messaging, to: str, grant_: str = GRANT, **more: Any) -> VerificationInfo:
    return await messaging.gateway.ask(ask(to, **more), grant_)


def code_of(messaging: Messaging, id_: UUID, rule: str = "") -> str:
    app: App = messaging.process.app
    return rules.code(app.verification_key, id_, rules.parsed(rule))


async def check(messaging: Messaging, id_: UUID, typed: str, grant_: str = GRANT) -> CheckResult:
    return (await messaging.gateway.ask(CheckVerification(id=id_, code=typed), grant_)).result


async def end_its_life(messaging: Messaging, id_: UUID) -> None:
    assert messaging.process.db is not None
    async with messaging.process.db.transaction() as tx:
        await tx.execute("UPDATE verifications SET expires_at = clock_timestamp() WHERE id = $1", id_)


async def test_a_code_reaches_the_handset_is_good_once_and_is_kept_nowhere(messaging: Messaging) -> None:
    sent = await start(messaging, number(600), rule="8 mixed clear")
    await messaging.becomes(sent.id, State.DELIVERED)
    [text] = await messaging.on_handset(number(600))
    code = text.removeprefix("Your code is ")

    assert await check(messaging, sent.id, "wrong") is CheckResult.WRONG_CODE
    assert await check(messaging, sent.id, code) is CheckResult.APPROVED
    assert await check(messaging, sent.id, code) is CheckResult.USED
    found = await messaging.gateway.ask(ReadVerification(id=sent.id), GRANT)
    assert (found.state, found.attempts_left, found.texts) == (VerificationState.APPROVED, 0, [sent.id])
    assert code not in sent.model_dump_json() + found.model_dump_json()
    for table in ("open_texts", "texts", "inbox", "outbox", "verifications"):
        assert await messaging.count(f"SELECT count(*) FROM {table} t WHERE t::text LIKE $1", f"%{code}%") == 0


async def test_the_same_code_is_sent_again_within_its_life_and_another_after_it(messaging: Messaging) -> None:
    first = await start(messaging, number(601), purpose="login")
    again = await start(messaging, number(601), purpose="login", rule="9 letters", body="Again: {code}")
    other = await start(messaging, number(601), purpose="payment")
    for text in (*again.texts, other.id):
        await messaging.becomes(text, State.DELIVERED)

    assert (again.id, len(again.texts), again.expires_at) == (first.id, 2, first.expires_at)
    assert other.id != first.id
    code = code_of(messaging, first.id)
    texts = await messaging.on_handset(number(601))
    assert sorted(texts) == sorted(
        [f"Your code is {code}", f"Again: {code}", f"Your code is {code_of(messaging, other.id)}"]
    )
    await end_its_life(messaging, first.id)
    assert await check(messaging, first.id, code) is CheckResult.EXPIRED
    assert (await start(messaging, number(601), purpose="login")).id != first.id


async def test_one_code_is_sent_five_times_at_most(messaging: Messaging, infra: Infra) -> None:
    async with client(infra, "console") as console:
        await console.ask(SetVerificationLimit(company_id=COMPANY, scope=Scope.NUMBER, sends=100, window_s=60))
        try:
            sent = await asyncio.gather(*(start(messaging, number(602)) for _ in range(5)))
            with pytest.raises(Refusal) as refused:
                await start(messaging, number(602))
        finally:
            await console.ask(SetVerificationLimit(company_id=COMPANY, scope=Scope.NUMBER, sends=5, window_s=3600))

    assert len({each.id for each in sent}) == 1
    assert (refused.value.code, 0 < refused.value.retry_after_s <= 600) == (Code.LIMIT_REACHED, True)


async def test_limits_are_told_with_the_time_to_wait_and_are_each_companys_own(messaging: Messaging) -> None:
    for n in range(5):
        await start(messaging, number(603), purpose=f"p{n}")

    with pytest.raises(Refusal) as refused:
        await start(messaging, number(603), purpose="p5")
    assert (refused.value.code, 700 < refused.value.retry_after_s <= 720) == (Code.LIMIT_REACHED, True)
    await start(messaging, number(603), OTHERS_GRANT)
    await start(messaging, number(603), TEST_GRANT)


async def test_sends_at_once_through_one_address_pass_no_more_than_its_limit(messaging: Messaging) -> None:
    asks = [ask(f"+4474010{n:05d}", client_address=f"2001:db8::{n:x}") for n in range(80)]
    answers = await asyncio.gather(*(messaging.gateway.ask(a, GRANT) for a in asks), return_exceptions=True)

    assert Counter(type(answer) for answer in answers) == {VerificationInfo: 50, Refusal: 30}
    assert await messaging.count("SELECT count(*) FROM verifications WHERE number LIKE '+4474010%'") == 50
    await eventually(
        lambda: messaging.count("SELECT count(*) = 50 FROM texts WHERE number LIKE '+4474010%' AND state = 'delivered'")
    )


async def test_a_country_that_is_not_allowed_is_refused_before_anything_is_counted(messaging: Messaging) -> None:
    for to in ("+33612345678", "+447797712345"):  # France, Jersey
        assert await messaging.gateway.refused(ask(to), GRANT) == Code.COUNTRY_NOT_ALLOWED
        assert await messaging.count("SELECT count(*) FROM verification_windows WHERE key = $1", to) == 0


async def test_what_is_another_companys_is_unknown_and_what_has_ended_is_not_cancelled(messaging: Messaging) -> None:
    id_ = (await start(messaging, number(604))).id
    refused = messaging.gateway.refused

    for foreign in (CheckVerification(id=id_, code="1"), CancelVerification(id=id_), ReadVerification(id=id_)):
        assert await refused(foreign, OTHERS_GRANT) == Code.NOT_FOUND
    assert await refused(CheckVerification(id=id_, code="1"), grant(COMPANY)) == Code.PERMISSION_DENIED
    assert await refused(CancelVerification(id=id_), TEST_GRANT) == Code.PERMISSION_DENIED
    assert await refused(CheckVerification(id=id_, code="1"), TEST_GRANT) == Code.PERMISSION_DENIED
    await messaging.gateway.ask(CancelVerification(id=id_), GRANT)
    assert await check(messaging, id_, code_of(messaging, id_)) is CheckResult.CANCELLED
    assert await refused(CancelVerification(id=id_), GRANT) == Code.WRONG_STATE


async def test_a_test_never_leaves_and_is_checked_as_any(messaging: Messaging) -> None:
    sent = await start(messaging, number(605), TEST_GRANT)
    await messaging.becomes(sent.id, State.DELIVERED)

    assert sent.test
    assert await messaging.simulator.log() == []
    assert await check(messaging, sent.id, code_of(messaging, sent.id), TEST_GRANT) is CheckResult.APPROVED


async def test_a_late_code_is_dropped_and_what_waits_of_an_ended_one_is_not_sent(messaging: Messaging) -> None:
    assert messaging.process.db is not None
    late, ended = (await start(messaging, number(606))).id, (await start(messaging, number(607))).id
    for id_ in (late, ended):
        await messaging.becomes(id_, State.DELIVERED)
    insert = (
        "INSERT INTO open_texts (id, company_id, lane, number, sender, body, code_rule, code_of, expires_at, next_attempt_at) "
        "VALUES ($1, 17, 0, $2, '82830', 'x', '', $3, clock_timestamp() + $4::interval, clock_timestamp() + $5::interval)"
    )
    text = uuid7()
    async with messaging.process.db.transaction() as tx:
        await tx.execute(insert, uuid7(), number(606), late, timedelta(seconds=-1), timedelta(0))
        await tx.execute(insert, text, number(607), ended, timedelta(minutes=9), timedelta(minutes=5))
        await tx.execute("UPDATE verifications SET texts = texts || $2::uuid WHERE id = $1", ended, text)
    tx.wake("urgent")

    assert await check(messaging, ended, code_of(messaging, ended)) is CheckResult.APPROVED
    await messaging.becomes(text, State.CANCELLED)
    expired = "SELECT count(*) FROM texts WHERE number = $1 AND state = 'expired'"
    await eventually(lambda: messaging.count(expired, number(606)))
    assert len(await messaging.on_handset(number(606))) == 1


async def test_codes_that_nobody_uses_raise_one_alarm_and_are_refused_where_the_company_wants_it(
    messaging: Messaging, infra: Infra
) -> None:
    app: App = messaging.process.app
    numbers = [f"+4474022{n:05d}" for n in range(60)]
    ids = [(await start(messaging, to)).id for to in numbers]
    assert await check(messaging, ids[0], code_of(messaging, ids[0])) is CheckResult.APPROVED
    async with app.db.transaction() as tx:
        await tx.execute("UPDATE verifications SET begun_at = begun_at - interval '4 min' WHERE id = ANY($1)", ids)
    await loop.watch(app)
    await loop.watch(app)
    async with client(infra, "console") as console:
        alarmed = (await console.ask(WatchVerifications(alarmed=True))).items
        await start(messaging, "+447402200060")  # an alarm alone refuses nothing
        await console.ask(RefuseUnusedPrefixes(company_id=COMPANY, refuse=True))
        refused = await messaging.gateway.refused(ask("+447402200061"), GRANT)
        await start(messaging, "+447402200061", OTHERS_GRANT)
        await start(messaging, "+447403000061")
        await console.ask(RefuseUnusedPrefixes(company_id=COMPANY, refuse=False))
        await start(messaging, "+447402200062")
        assert await messaging.gateway.refused(WatchVerifications(), GRANT) == Code.PERMISSION_DENIED

    [alarm] = alarmed
    assert (alarm.company_id, alarm.prefix, alarm.codes, alarm.used) == (COMPANY, "+447402", 60, 1)
    assert refused == Code.LIMIT_REACHED
    async with app.db.transaction() as tx:
        await tx.execute("UPDATE verifications SET begun_at = begun_at - interval '1 hour' WHERE id = ANY($1)", ids)
    await loop.watch(app)
    assert await messaging.count("SELECT count(*) FROM verification_alarms") == 0


async def test_what_is_over_is_ended_and_what_is_old_is_forgotten(messaging: Messaging) -> None:
    app: App = messaging.process.app
    over, old = (await start(messaging, number(608))).id, (await start(messaging, number(609))).id
    async with app.db.transaction() as tx:
        await tx.execute("UPDATE verifications SET expires_at = clock_timestamp() WHERE id = ANY($1)", [over, old])
        await tx.execute("UPDATE verifications SET begun_at = begun_at - interval '31 days' WHERE id = $1", old)
        await tx.execute("UPDATE verification_windows SET full_at = clock_timestamp() WHERE key = $1", number(609))
    while await loop.sweep(app):
        pass

    assert await messaging.count("SELECT count(*) FROM verifications WHERE id = $1 AND state = 'expired'", over) == 1
    assert await messaging.count("SELECT count(*) FROM verifications WHERE id = $1", old) == 0
    assert await messaging.count("SELECT count(*) FROM verification_windows WHERE key = $1", number(609)) == 0


async def test_a_hundred_guesses_at_once_over_two_copies_count_as_a_hundred_and_five_are_compared(
    messaging: Messaging, infra: Infra
) -> None:
    """The second copy shares the database; the two clients' folds go to whichever is free."""
    settings = messaging.process.settings
    assert isinstance(settings, MessagingSettings)
    url = f"tcp://127.0.0.1:{messaging.simulator.carrier_port}"
    sent = await start(messaging, number(610), rule="12 mixed")
    right = code_of(messaging, sent.id, "12 mixed")
    async with (
        running(infra, SERVICE, dsn=settings.database_url, simulator_url=url) as other,
        client(infra, "gateway") as second,
    ):
        assert isinstance(other, Process)
        guesses = [CheckVerification(id=sent.id, code=f"WRONG{n:03d}" if n < 90 else right) for n in range(100)]
        clients = (messaging.gateway, second)
        results = await asyncio.gather(*(clients[n % 2].ask(guess, GRANT) for n, guess in enumerate(guesses)))

    told = Counter(result.result for result in results)
    assert sum(told[result] for result in (CheckResult.WRONG_CODE, CheckResult.APPROVED)) <= 5
    assert (
        told[CheckResult.WRONG_CODE]
        + told[CheckResult.APPROVED]
        + told[CheckResult.TOO_MANY_ATTEMPTS]
        + told[CheckResult.USED]
        == 100
    )
    assert await messaging.count("SELECT checks FROM verifications WHERE id = $1", sent.id) == 100
