"""Long texts by a carrier that takes parts: their references, their receipts in any order, and what happens when only some are taken."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from datetime import datetime
from typing import Any

import pytest

from libs.common.clock import now
from libs.common.contracts.messaging import State
from libs.common.contracts.routing import AddCarrier, CarrierState, ReplayReceipts
from services.messaging.carriers.carrier import Failure, Part, Receipt, ReceiptStatus
from services.messaging.receipts import loop as receipts
from services.messaging.receipts.handlers import keep_taken
from services.messaging.submitting import loop as submitting
from tests.harness import eventually
from tests.integration.messaging.conftest import number
from tests.integration.messaging.operated import BEACON, CABLE, LONG, Operated, smpp

DELIVERED, FAILED, EXPIRED = ReceiptStatus.DELIVERED, ReceiptStatus.FAILED, ReceiptStatus.EXPIRED


def said(reference: str, status: ReceiptStatus = DELIVERED, number: str = "", at: datetime | None = None) -> Receipt:
    return Receipt(reference, status, at or now(), number=number, failure=Failure.UNKNOWN)


async def submitted(operated: Operated, to: str, body: str = LONG, parts: int = 3) -> tuple[Any, list[str]]:
    """A text whose parts the carrier took, and of which no receipt comes by itself; its references in order."""
    await operated.route(BEACON)
    await operated.seen()
    await operated.simulator.fault("receipt_never", count=parts, number=to)
    id_ = await operated.send(to, body)
    await operated.messaging.becomes(id_, State.SUBMITTED)
    rows = await operated.rows("SELECT reference FROM sent_parts WHERE text_id = $1 ORDER BY part", id_)
    assert len(rows) == parts
    return id_, [row["reference"] for row in rows]


# References


async def test_two_long_texts_to_one_number_have_different_references_whichever_carrier_and_copy_takes_them(
    operated: Operated,
) -> None:
    await operated.route(BEACON)
    await operated.route(CABLE)
    await operated.seen()
    ids = await asyncio.gather(*(operated.send(number(400 + n % 2), f"{n} {LONG}") for n in range(60)))
    for id_ in ids:
        await operated.messaging.becomes(id_, State.DELIVERED, within_s=20)

    of_number: dict[str, set[int]] = defaultdict(set)
    rows = await operated.rows(
        "SELECT t.number, t.id, array_agg(DISTINCT p.concat) AS concat FROM texts t JOIN sent_parts p ON p.text_id = t.id"
        " WHERE t.company_id = $1 GROUP BY 1, 2",
        operated.company,
    )
    assert len(rows) == 60
    for row in rows:
        [concat] = row["concat"]  # all its parts have one
        assert 0 < concat < 2**16
        assert concat not in of_number[row["number"]], "it came twice for one number"
        of_number[row["number"]].add(concat)
    for n in range(60):
        assert f"{n} {LONG}".strip() in {
            text.strip() for text in await operated.messaging.on_handset(number(400 + n % 2))
        }


async def test_a_numbers_references_go_through_all_sixteen_bits_before_one_comes_again(operated: Operated) -> None:
    await operated.route(BEACON)
    await operated.seen()
    await operated.execute(
        "INSERT INTO concat_references VALUES ($1, 65534) ON CONFLICT (number) DO UPDATE SET last = 65534", number(410)
    )
    concats = []
    for n in range(3):
        id_ = await operated.send(number(410), f"{n} {LONG}")
        await operated.messaging.becomes(id_, State.DELIVERED)
        [row] = await operated.rows("SELECT DISTINCT concat FROM sent_parts WHERE text_id = $1", id_)
        concats.append(row["concat"])
    assert concats == [65535, 1, 2]  # never 0: it would say that there is one part


async def test_only_the_missing_parts_are_sent_again_and_under_the_same_reference(operated: Operated) -> None:
    await operated.route(BEACON)
    await operated.route(CABLE, position=20)
    await operated.seen()
    await operated.simulator.fault("throttle", count=1, after_hits=1, number=number(411), retry_after_s=1.0)
    id_ = await operated.send(number(411), LONG)

    async def partly() -> bool:
        return len(await operated.rows("SELECT FROM sent_parts WHERE text_id = $1", id_)) == 2

    await eventually(partly)
    await operated.set(BEACON, state=CarrierState.PAUSED)  # no other way: a handset cannot join parts of two carriers
    assert await operated.way(id_) == BEACON
    await operated.set(BEACON, state=CarrierState.ACTIVE)
    await operated.messaging.becomes(id_, State.DELIVERED, within_s=20)

    assert [text.strip() for text in await operated.messaging.on_handset(number(411))] == [LONG.strip()]
    taken = [entry for entry in await operated.simulator.log() if entry["outcome"] == "taken"]
    assert sorted(entry["part"] for entry in taken) == [1, 2, 3]
    assert len({entry["concat"] for entry in taken}) == 1
    assert "not taken by beacon: throttled ESME_RTHROTTLED (0x58)" in " ".join(await operated.steps(id_))


# Receipts


@pytest.mark.parametrize("seed", range(4))
async def test_a_text_is_delivered_once_all_its_parts_are_in_whatever_order_and_not_before(
    operated: Operated, seed: int
) -> None:
    id_, references = await submitted(operated, number(420 + seed))
    random.Random(seed).shuffle(references)
    for reference in references[:2]:
        await operated.receive(BEACON, said(reference), said(reference))
    await operated.receive(BEACON, said(references[0]))  # again
    assert await operated.messaging.state_of(id_) == State.SUBMITTED

    await operated.receive(BEACON, said(references[2]))
    assert await operated.messaging.state_of(id_) == State.DELIVERED
    await operated.receive(BEACON, said(references[2], FAILED))
    assert await operated.messaging.state_of(id_) == State.DELIVERED, "an end is never left"


async def test_receipts_of_one_text_that_come_at_the_same_moment_by_two_sessions_deliver_it(operated: Operated) -> None:
    """Each looks at the parts while the other has not committed: neither may miss the last one."""
    for n in range(10):
        id_, references = await submitted(operated, number(430), f"{n} {LONG}")
        await asyncio.gather(*(operated.receive(BEACON, said(reference)) for reference in references))
        assert await operated.messaging.state_of(id_) == State.DELIVERED


@pytest.mark.parametrize("status", [FAILED, EXPIRED])
async def test_one_part_that_did_not_arrive_is_a_text_that_did_not(operated: Operated, status: ReceiptStatus) -> None:
    id_, references = await submitted(operated, number(431))
    await operated.receive(BEACON, said(references[0]), said(references[1], status), said(references[2]))
    assert await operated.messaging.state_of(id_) == status.value


@pytest.mark.parametrize(("ids", "mode"), [("hexadecimal", "hex_to_dec"), ("decimal", "dec_to_hex")])
async def test_receipts_are_matched_where_a_carrier_names_its_ids_in_two_ways(
    operated: Operated, ids: str, mode: str
) -> None:
    other = {"hexadecimal": "decimal", "decimal": "hexadecimal"}[ids]
    account = {"system_id": mode, "ids": ids, "receipt_ids": other}
    (await operated.simulator.control.post("/accounts", json=account)).raise_for_status()
    name = mode.replace("_", "-")
    settings = smpp(operated.simulator.smpp_port, mode, receipt_ids=mode)
    await operated.console.ask(AddCarrier(name=name, protocol="smpp", settings=settings))
    await operated.route(name)
    await operated.seen()
    id_ = await operated.send(number(432), LONG)
    await operated.messaging.becomes(id_, State.DELIVERED)
    assert await operated.way(id_) == name


async def test_a_receipt_that_comes_before_its_answer_is_parked_and_applied_with_it(operated: Operated) -> None:
    await operated.route(BEACON)
    await operated.seen()
    await operated.simulator.fault("receipt_before_answer", count=1, number=number(433), delay_ms=700)
    id_ = await operated.send(number(433))

    async def parked() -> bool:
        return bool(await operated.rows("SELECT FROM parked_receipts WHERE number = $1", number(433)))

    await eventually(parked)
    assert await operated.messaging.state_of(id_) == State.SUBMITTING
    await operated.messaging.becomes(id_, State.DELIVERED)
    assert await operated.rows("SELECT FROM parked_receipts WHERE number = $1", number(433)) == []


@pytest.mark.parametrize("receipt_first", [True, False])
async def test_an_answer_and_its_receipt_stored_at_the_same_moment_meet(
    operated: Operated, receipt_first: bool
) -> None:
    """Neither transaction sees the other: the loop that matches finds both."""
    id_, [old] = await submitted(operated, number(434), "Short", parts=1)
    await operated.execute("DELETE FROM sent_parts WHERE reference = $1", old)
    app, desk = operated.app, operated.desk(BEACON)
    part = Part(id_, number(434), "82830", "Short", 60)
    async with app.db.transaction() as settling:
        if not receipt_first:
            await keep_taken(settling, desk, [(part, f"at-once-{receipt_first}")])
        await operated.receive(BEACON, said(f"at-once-{receipt_first}", number=number(434)))  # commits: it parks
        if receipt_first:
            await settling.fetchval("SELECT count(*) FROM parked_receipts")  # an older look does not help either
            await keep_taken(settling, desk, [(part, f"at-once-{receipt_first}")])
    await operated.messaging.becomes(id_, State.DELIVERED)


# Lost answers


async def in_doubt(operated: Operated, to: str, body: str = "Your order is ready") -> Any:
    await operated.simulator.fault("no_answer", count=1, number=to)
    await operated.simulator.fault("receipt_never", count=1, number=to)
    id_ = await operated.send(to, body)
    await operated.messaging.becomes(id_, State.IN_DOUBT, within_s=20)
    return id_


async def adopt(operated: Operated) -> None:
    """As though what is parked had waited for its answer long enough."""
    await operated.execute("UPDATE parked_receipts SET parked_at = parked_at - interval '1 minute'")
    await operated.execute(
        "UPDATE open_texts SET claimed_at = claimed_at - interval '1 minute' WHERE state = 'in_doubt'"
    )
    await receipts.adopt(operated.app)


async def test_a_receipt_whose_answer_was_lost_settles_the_one_text_in_doubt_that_it_can_mean(
    operated: Operated,
) -> None:
    await operated.route(BEACON)
    await operated.seen()
    id_ = await in_doubt(operated, number(440))
    orphan = said("lost-1", number=number(440))
    await operated.receive(BEACON, orphan)
    await adopt(operated)
    assert await operated.messaging.state_of(id_) == State.DELIVERED
    assert any("settled by receipt lost-1" in step for step in await operated.steps(id_))

    # The same again is not parked once more: it could be taken for another text's.
    await operated.receive(BEACON, orphan)
    assert await operated.rows("SELECT FROM parked_receipts WHERE reference = 'lost-1'") == []


async def test_no_text_is_settled_by_a_receipt_that_may_mean_another(operated: Operated) -> None:
    await operated.route(BEACON)
    await operated.route(CABLE, lane="bulk")
    await operated.seen()
    two = [await in_doubt(operated, number(441)), await in_doubt(operated, number(441), "Another")]
    await operated.receive(BEACON, said("lost-2", number=number(441)))
    one = await in_doubt(operated, number(442))
    await operated.receive(BEACON, said("lost-3", number=number(442)), said("lost-4", FAILED, number=number(442)))
    others = await in_doubt(operated, number(443))
    await operated.receive(CABLE, said("lost-5", number=number(443)))
    older = await in_doubt(operated, number(444))
    before = datetime.fromtimestamp(now().timestamp() - 900, now().tzinfo)
    await operated.receive(BEACON, said("lost-6", number=number(444), at=before))
    await adopt(operated)
    for id_ in (*two, one, others, older):
        assert await operated.messaging.state_of(id_) == State.IN_DOUBT
    await operated.execute("DELETE FROM parked_receipts")


async def test_a_long_text_is_not_settled_by_the_receipt_of_one_part(operated: Operated) -> None:
    await operated.route(BEACON)
    await operated.seen()
    to = number(445)
    await operated.simulator.fault("no_answer", count=3, number=to)
    await operated.simulator.fault("receipt_never", count=3, number=to)
    id_ = await operated.send(to, LONG)
    await operated.messaging.becomes(id_, State.IN_DOUBT, within_s=20)
    await operated.receive(BEACON, said("lost-7", number=to))
    await adopt(operated)
    assert await operated.messaging.state_of(id_) == State.IN_DOUBT
    await operated.execute("DELETE FROM parked_receipts")


# The raw form


async def test_receipts_replayed_change_nothing_the_second_time(operated: Operated) -> None:
    began = now()
    id_, references = await submitted(operated, number(450))
    await operated.receive(BEACON, *(said(reference) for reference in references), said("nobody's", number=number(450)))

    async def all_there_is() -> list[Any]:
        sql = "SELECT state, version, settled_at FROM texts WHERE id = $1"
        parts = "SELECT reference, state FROM sent_parts WHERE text_id = $1 ORDER BY 1"
        parked = "SELECT reference, count(*) FROM parked_receipts GROUP BY 1 ORDER BY 1"
        return [*await operated.rows(sql, id_), *await operated.rows(parts, id_), *await operated.rows(parked)]

    once = await all_there_is()
    for _ in range(2):
        await operated.console.ask(ReplayReceipts(carrier=BEACON, since=began, until=now()))
        assert await all_there_is() == once
    await operated.execute("DELETE FROM parked_receipts")


async def test_receipts_that_could_not_be_applied_are_once_they_are_replayed(operated: Operated) -> None:
    began = now()
    id_, references = await submitted(operated, number(451))
    await operated.receive(BEACON, *(said(reference) for reference in references[:2]))
    await operated.execute(
        "UPDATE sent_parts SET state = NULL WHERE text_id = $1", id_
    )  # as though it had been misread
    await operated.receive(BEACON, said(references[2]))
    assert await operated.messaging.state_of(id_) == State.SUBMITTED
    await operated.console.ask(ReplayReceipts(carrier=BEACON, since=began, until=now()))
    assert await operated.messaging.state_of(id_) == State.DELIVERED


async def test_a_text_without_a_receipt_within_its_validity_expires_by_the_sweep(operated: Operated) -> None:
    id_, _ = await submitted(operated, number(452), "Short", parts=1)
    await submitting.expire_overdue(operated.app)
    assert await operated.messaging.state_of(id_) == State.SUBMITTED
    aged = "UPDATE open_texts SET submitted_at = submitted_at - make_interval(secs => $2) WHERE id = $1"
    await operated.execute(aged, id_, submitting.RECEIPT_S)
    await submitting.expire_overdue(operated.app)
    assert await operated.messaging.state_of(id_) == State.EXPIRED
    assert "expired no receipt came" in await operated.steps(id_)
