"""Texts in doubt by the policy of their class: listed, counted, and settled by an operator's word where nothing else does."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from libs.common.contracts.auth import SEND
from libs.common.contracts.messaging import SendVerification, SettleInDoubt, State
from libs.common.contracts.policies import Policy
from libs.common.contracts.routing import ListDoubts
from services.messaging.doubts import loop as doubts
from services.messaging.doubts.rules import AGAIN_AFTER
from services.messaging.submitting import loop as submitting
from tests.harness import eventually, grant
from tests.integration.messaging.conftest import number
from tests.integration.messaging.operated import BEACON, Operated

RETRY = Policy(in_doubt="retry_once")


async def doubtful(operated: Operated, to: str, times: int = 1) -> None:
    """The next texts to this number are taken, and nobody says so."""
    await operated.simulator.fault("no_answer", count=times, number=to)
    await operated.simulator.fault("receipt_never", count=times, number=to)


async def in_doubt(operated: Operated, to: str) -> UUID:
    await doubtful(operated, to)
    id_ = await operated.send(to)
    await operated.messaging.becomes(id_, State.IN_DOUBT, within_s=20)
    return id_


async def old_enough(operated: Operated, id_: UUID) -> None:
    """As though it had been in doubt for so long that its session is surely dead; then one round of the policy."""
    await operated.execute("UPDATE doubts SET at = at - $2::interval WHERE text_id = $1", id_, AGAIN_AFTER)
    await doubts.settle_by_policy(operated.app)


async def by_beacon(operated: Operated, policy: Policy | None = None) -> None:
    await operated.route(BEACON)
    await operated.seen()
    if policy is not None:
        await operated.choose(policy)


async def test_a_text_in_doubt_is_listed_counted_and_settled_by_an_operator(operated: Operated) -> None:
    await by_beacon(operated)
    before = (await operated.console.ask(ListDoubts())).total
    id_ = await in_doubt(operated, number(500))

    listed = await operated.console.ask(ListDoubts(limit=1000))
    [doubt] = [doubt for doubt in listed.items if doubt.id == id_]
    assert (doubt.company_id, doubt.carrier, doubt.lane, listed.total) == (
        operated.company,
        BEACON,
        "ordinary",
        before + 1,
    )
    assert (await operated.info(BEACON)).in_doubt >= 1

    await operated.console.ask(SettleInDoubt(id=id_, state=State.DELIVERED))
    assert id_ not in {doubt.id for doubt in (await operated.console.ask(ListDoubts(limit=1000))).items}
    assert (await operated.steps(id_))[-1] == "delivered settled by an operator"


async def test_without_its_companys_choice_a_text_in_doubt_is_never_sent_again(operated: Operated) -> None:
    await by_beacon(operated)
    id_ = await in_doubt(operated, number(501))
    await old_enough(operated, id_)
    assert await operated.messaging.state_of(id_) == State.IN_DOUBT
    assert len(await operated.messaging.on_handset(number(501))) == 1


async def test_where_its_company_chose_so_it_is_tried_once_more_and_only_once(operated: Operated) -> None:
    await by_beacon(operated, RETRY)
    await doubtful(operated, number(502), times=2)
    id_ = await operated.send(number(502))
    await operated.messaging.becomes(id_, State.IN_DOUBT, within_s=20)
    await doubts.settle_by_policy(operated.app)
    assert await operated.messaging.state_of(id_) == State.IN_DOUBT, "its session may still be alive"

    await old_enough(operated, id_)
    assert "in doubt: tried once more, as its company chose" in await operated.steps(id_)
    await operated.messaging.becomes(id_, State.IN_DOUBT, within_s=20)
    await old_enough(operated, id_)
    assert await operated.messaging.state_of(id_) == State.IN_DOUBT
    taken = [entry for entry in await operated.simulator.log() if entry["to"] == number(502)]
    assert len(taken) == 2, "the second time it is left alone"


async def test_marketing_is_left_in_doubt_until_it_ages_out(operated: Operated) -> None:
    await by_beacon(operated, RETRY)
    id_ = await in_doubt(operated, number(503))
    await operated.execute("UPDATE open_texts SET lane = 2 WHERE id = $1", id_)
    await operated.execute("UPDATE doubts SET lane = 2 WHERE text_id = $1", id_)
    await old_enough(operated, id_)
    assert await operated.messaging.state_of(id_) == State.IN_DOUBT

    aged = "UPDATE open_texts SET claimed_at = claimed_at - make_interval(secs => $2) WHERE id = $1"
    await operated.execute(aged, id_, submitting.IN_DOUBT_S)
    await submitting.expire_overdue(operated.app)
    assert await operated.messaging.state_of(id_) == State.EXPIRED


async def test_a_code_in_doubt_expires_with_its_life_and_is_not_sent_again(operated: Operated) -> None:
    await by_beacon(operated, RETRY)
    await doubtful(operated, number(504))
    ask = SendVerification(to=number(504), sender="82830", body="Code {code}", placeholder="{code}", rule="6 digits")
    id_ = (await operated.messaging.gateway.ask(ask, grant(operated.company, SEND))).id
    await operated.messaging.becomes(id_, State.IN_DOUBT, within_s=20)
    await old_enough(operated, id_)
    assert await operated.messaging.state_of(id_) == State.IN_DOUBT

    await operated.execute("UPDATE open_texts SET expires_at = clock_timestamp() WHERE id = $1", id_)
    await doubts.settle_by_policy(operated.app)
    assert await operated.messaging.state_of(id_) == State.EXPIRED
    assert len(await operated.messaging.on_handset(number(504))) == 1


async def test_a_text_of_which_a_part_is_surely_taken_is_not_tried_again(operated: Operated) -> None:
    await by_beacon(operated, RETRY)
    to = number(505)
    await operated.simulator.fault("no_answer", count=1, after_hits=1, number=to)
    await operated.simulator.fault("receipt_never", count=3, number=to)
    id_ = await operated.send(to, "All that was promised. " * 19)
    await operated.messaging.becomes(id_, State.IN_DOUBT, within_s=20)
    await old_enough(operated, id_)
    assert await operated.messaging.state_of(id_) == State.IN_DOUBT


async def test_a_receipt_settles_a_doubt_and_takes_it_from_the_list(operated: Operated) -> None:
    await by_beacon(operated)
    await operated.simulator.fault("late_answer", count=1, number=number(506), delay_ms=3000)
    id_ = await operated.send(number(506))

    async def listed() -> Any:
        return id_ in {doubt.id for doubt in (await operated.console.ask(ListDoubts(limit=1000))).items}

    await eventually(listed, within_s=20)
    await operated.messaging.becomes(id_, State.DELIVERED, within_s=20)
    assert not await listed()
    assert "a late answer: taken" in await operated.steps(id_)
