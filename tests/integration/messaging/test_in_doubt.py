"""What is unknown stays unknown until somebody knows: lost answers, dead workers, zombies, late answers, operators."""

from __future__ import annotations

from uuid import UUID

from libs.common.contracts.base import Code
from libs.common.contracts.messaging import SettleInDoubt, State
from libs.common.ids import uuid7
from services.messaging.app import Messaging as App
from services.messaging.sending.rules import Lane
from services.messaging.submitting import loop, store
from tests.harness import client, eventually
from tests.infra import Infra
from tests.integration.messaging.conftest import Messaging, number


async def test_a_text_whose_answer_was_lost_is_settled_by_its_receipt_and_never_sent_again(
    messaging: Messaging,
) -> None:
    await messaging.simulator.fault("no_answer", count=1)
    id_ = await messaging.send(number(20))

    await messaging.becomes(id_, State.DELIVERED, within_s=20)
    assert len(await messaging.on_handset(number(20))) == 1


async def test_a_text_without_answer_and_receipt_is_in_doubt_until_an_operator_settles_it(
    messaging: Messaging, infra: Infra
) -> None:
    await messaging.simulator.fault("no_answer", count=1)
    await messaging.simulator.fault("receipt_never", count=1)
    id_ = await messaging.send(number(21))
    await messaging.becomes(id_, State.IN_DOUBT, within_s=20)

    async with client(infra, "console") as console:
        assert await console.refused(SettleInDoubt(id=id_, state=State.QUEUED)) == Code.INVALID_REQUEST
        assert await console.refused(SettleInDoubt(id=uuid7(), state=State.DELIVERED)) == Code.NOT_FOUND
        await console.ask(SettleInDoubt(id=id_, state=State.DELIVERED))
        assert await console.refused(SettleInDoubt(id=id_, state=State.FAILED)) == Code.WRONG_STATE

    assert await messaging.state_of(id_) == State.DELIVERED


async def test_a_dropped_connection_leaves_in_doubt_what_was_written_and_sends_nothing_twice(
    messaging: Messaging,
) -> None:
    await messaging.simulator.fault("disconnect", count=1)
    ids = [await messaging.send(number(22))]
    # Its receipt comes over the next session: only then is the line surely up, for what is written to a dead one is in doubt for good.
    await messaging.becomes(ids[0], State.DELIVERED, within_s=20)
    ids += [await messaging.send(number(22 + n)) for n in range(1, 5)]

    for id_ in ids:
        await messaging.becomes(id_, State.DELIVERED, within_s=20)
    assert [len(await messaging.on_handset(number(22 + n))) for n in range(5)] == [1] * 5


async def test_a_throttled_text_waits_and_goes_out_once(messaging: Messaging) -> None:
    await messaging.simulator.fault("throttle", count=2)
    id_ = await messaging.send(number(30))

    await messaging.becomes(id_, State.DELIVERED, within_s=20)
    assert len(await messaging.on_handset(number(30))) == 1


async def test_a_receipt_that_overtakes_the_answer_counts(messaging: Messaging) -> None:
    await messaging.simulator.fault("receipt_before_answer", count=1)
    id_ = await messaging.send(number(31))

    await messaging.becomes(id_, State.DELIVERED)


async def test_receipts_out_of_order_and_twice_never_move_a_text_back(messaging: Messaging) -> None:
    await messaging.simulator.fault("receipt_out_of_order", count=1)
    await messaging.simulator.fault("receipt_twice", count=1)
    id_ = await messaging.send(number(32))
    await messaging.becomes(id_, State.DELIVERED)

    async def all_acknowledged() -> bool:
        stats = await messaging.simulator.stats()
        return bool(stats["receipts_pending"] == 0)

    await eventually(all_acknowledged)
    assert await messaging.state_of(id_) == State.DELIVERED


async def test_what_a_dead_worker_had_claimed_is_in_doubt_and_no_zombie_can_requeue_it(messaging: Messaging) -> None:
    app: App = messaging.process.app
    id_, claim_id = await _claimed_by_a_dead_worker(app)

    assert await loop.take_over_abandoned(app) == 1
    assert await messaging.state_of(id_) == State.IN_DOUBT

    async with app.db.transaction() as tx:  # the zombie wakes up: its claim still fences its own text, nobody else's
        await store.submitted_if_claimed(tx, uuid7(), "embedded", [id_], ["r"], [1])
        assert await messaging.state_of(id_) == State.IN_DOUBT
        await store.submitted_if_claimed(tx, claim_id, "embedded", [id_], ["r"], [1])
    assert await messaging.state_of(id_) == State.SUBMITTED


async def _claimed_by_a_dead_worker(app: App) -> tuple[UUID, UUID]:
    """A text under a claim whose lease ran out long ago."""
    id_, claim_id = uuid7(), uuid7()
    async with app.db.transaction() as tx:
        await tx.execute(
            "INSERT INTO open_texts (id, company_id, lane, number, sender, body, state, claim_id, claimed_at) "
            "VALUES ($1, 17, $2, '+447700900033', '82830', 'x', 'submitting', $3, now())",
            id_,
            Lane.ORDINARY,
            claim_id,
        )
        await tx.execute(
            "INSERT INTO claims (id, worker, carrier, lease_until, texts, taken) VALUES ($1, 'dead', 'embedded', now() - interval '1 hour', $2, '{1}')",
            claim_id,
            [id_],
        )
    return id_, claim_id
