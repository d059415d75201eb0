"""Texts out over HTTP: what is taken, what is surely not, and what nobody can know. The far side's own log is compared."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from services.messaging.carriers.carrier import Carrier, Refusal, Refused, Taken, Unknown
from services.simulator.faults import Kind
from services.simulator.http_lines import Callbacks
from tests.harness import eventually
from tests.integration.callbacks.conftest import FarSide, carrier_to, closed_port, part


async def test_texts_are_taken_in_order_and_reach_the_handset_as_they_were(far_side: FarSide, carrier: Carrier) -> None:
    bodies = [f'{n}: "quotes", {{braces}}, & = % + ü € 😀\n' for n in range(30)]

    answers = await carrier.submit([part(body=body) for body in bodies])

    assert [type(answer) for answer in answers] == [Taken] * 30
    assert len({answer.reference for answer in answers if isinstance(answer, Taken)}) == 30
    assert sorted(far_side.handset("+447700900123")) == sorted(bodies)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Kind.THROTTLE, Refusal.THROTTLED),
        (Kind.QUEUE_FULL, Refusal.QUEUE_FULL),
        (Kind.REFUSE, Refusal.BAD_NUMBER),
    ],
)
async def test_what_is_refused_is_surely_not_taken(
    far_side: FarSide, carrier: Carrier, kind: Kind, expected: Refusal
) -> None:
    far_side.fault(kind)

    (answer,) = await carrier.submit([part()])

    assert isinstance(answer, Refused)
    assert answer.reason is expected
    assert (answer.retry_after_s is not None) == (expected is not Refusal.BAD_NUMBER)
    assert far_side.handset("+447700900123") == []


@pytest.mark.parametrize(
    "kind",
    [Kind.NO_ANSWER, Kind.DISCONNECT, Kind.GARBAGE, Kind.OVERSIZE, Kind.WRONG_SEQUENCE, Kind.EMPTY_ID],
)
async def test_a_lost_or_broken_answer_is_unknown_and_never_sent_again(
    far_side: FarSide, carrier: Carrier, kind: Kind
) -> None:
    far_side.fault(kind)

    (answer,) = await carrier.submit([part()])
    (after,) = await carrier.submit([part("+447700900124")])

    assert isinstance(answer, Unknown), answer
    assert isinstance(after, Taken)
    assert len(far_side.handset("+447700900123")) == 1
    assert carrier.connected


async def test_a_server_that_says_nothing_is_waited_for_only_so_long(
    far_side: FarSide, carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.messaging.carriers.http.ANSWER_LIMIT_S", 0.3)
    far_side.fault(Kind.HALF_OPEN)
    far_side.fault(Kind.LATE_ANSWER, after_hits=0, delay_ms=2_000)

    began = time.monotonic()
    answers = await carrier.submit([part(), part()])

    assert [type(answer) for answer in answers] == [Unknown, Unknown]
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("speech", ["twilio", "generic"])
async def test_who_cannot_be_reached_was_not_written_to_and_is_found_again(far_side: FarSide, speech: str) -> None:
    unreachable = carrier_to(f"http://127.0.0.1:{await closed_port()}", speech)
    (answer,) = await unreachable.submit([part()])

    assert isinstance(answer, Refused)
    assert answer.reason is Refusal.NOT_CONNECTED
    assert not unreachable.connected
    assert "cannot be reached" in unreachable.trouble
    await unreachable.close()


class Nobody:
    async def receipts(self, batch: object) -> None: ...

    async def texts(self, batch: object) -> None: ...

    async def late_answers(self, batch: object) -> None: ...


async def test_trouble_ends_without_a_text_being_tried_once_the_far_side_answers(far_side: FarSide) -> None:
    port = await closed_port()
    carrier = carrier_to(f"http://127.0.0.1:{port}", "twilio")
    await carrier.submit([part()])
    listening = asyncio.create_task(carrier.listen(Nobody()))
    async with far_side.api_again(port):

        async def connected() -> bool:
            return carrier.connected

        await eventually(connected, within_s=10)
    assert len(far_side.handset("+447700900123")) == 0
    await carrier.close()
    await asyncio.wait_for(listening, 5)


async def test_wrong_credentials_are_no_session_and_texts_can_wait(far_side: FarSide) -> None:
    carrier = carrier_to(far_side.url, "twilio", token="wrong")

    (answer,) = await carrier.submit([part()])

    assert answer == Refused(Refusal.NOT_CONNECTED, 30.0, "20003")
    assert not carrier.connected
    assert "credentials" in carrier.trouble
    await carrier.close()


async def test_nothing_is_written_once_the_lease_is_over(far_side: FarSide, carrier: Carrier) -> None:
    answers = await carrier.submit([part() for _ in range(100)], write_by=time.monotonic() - 1)

    assert {type(answer) for answer in answers} == {Refused}
    assert {answer.reason for answer in answers if isinstance(answer, Refused)} == {Refusal.TOO_LATE}
    assert far_side.network.stats()["submits"] == 0


@pytest.mark.parametrize("speech", ["twilio", "generic"])
async def test_no_more_requests_than_the_window_are_under_way(far_side: FarSide, speech: str) -> None:
    carrier = carrier_to(far_side.url, speech, window=3)
    far_side.fault(Kind.LATE_ANSWER, count=9, delay_ms=300)
    began = time.monotonic()

    async def under_way() -> int:
        await asyncio.sleep(0.2)
        return far_side.network.stats()["submits"]

    answers, seen = await asyncio.gather(carrier.submit([part() for _ in range(9)]), under_way())

    assert seen == 3
    assert [type(answer) for answer in answers] == [Taken] * 9
    assert time.monotonic() - began >= 0.9
    await carrier.close()


async def test_a_carrier_can_be_asked_what_became_of_a_text(far_side: FarSide) -> None:
    carrier = carrier_to(far_side.url, "twilio")
    far_side.fault(Kind.RECEIPT_NEVER)
    answers = await carrier.submit([part(), part("+447700900981")])
    sids = [answer.reference for answer in answers if isinstance(answer, Taken)]

    told = await carrier.query([(sid, "82830") for sid in (*sids, "SM-unknown")])

    assert [receipt and receipt.status for receipt in told] == ["delivered", "failed", None]
    assert told[1] is not None
    assert (told[1].error, told[1].failure) == ("30005", "permanent")
    await carrier.close()


async def test_close_waits_for_answers_that_are_due(far_side: FarSide, carrier: Carrier) -> None:
    far_side.fault(Kind.LATE_ANSWER, delay_ms=300)
    submitting = asyncio.create_task(carrier.submit([part()]))
    await asyncio.sleep(0.1)

    await carrier.close()

    assert [type(answer) for answer in await submitting] == [Taken]
    (after,) = await carrier.submit([part()])
    assert isinstance(after, Refused)


async def test_where_callbacks_go_survives_the_far_sides_death(far_side: FarSide, tmp_path: Path) -> None:
    carrier = carrier_to(far_side.url, "twilio", "http://127.0.0.1:1/callbacks/twilio")
    one = part()
    (answer,) = await carrier.submit([one])
    await carrier.close()

    assert isinstance(answer, Taken)
    after = Callbacks(tmp_path / "callbacks.log")
    assert after.of(answer.reference) == f"http://127.0.0.1:1/callbacks/twilio/status?text={one.text_id}"
    after.close()
