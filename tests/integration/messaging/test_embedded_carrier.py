"""The embedded carrier's client against the real simulator, another process over TCP, with each fault it can have."""

import asyncio
import os
import signal
import time
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from services.messaging.carriers.carrier import Part, ReceiptStatus, Refusal, Refused, Taken, Unknown
from services.messaging.carriers.embedded import client
from services.messaging.carriers.embedded.client import EmbeddedCarrier
from tests.integration.simulator.process import simulator_process, until

NUMBER = "+447700900001"
SPEED_TEXTS = 20_000


@pytest.fixture(scope="module")
async def process(tmp_path_factory):
    async with simulator_process(tmp_path_factory.mktemp("simulator"), silence_limit_s=2.0) as started:
        yield started


@pytest.fixture
async def simulator(process):
    return await process.begin_anew()


@pytest.fixture
async def mortal(tmp_path):
    """One of its own, for a test that kills it."""
    async with simulator_process(tmp_path, silence_limit_s=2.0) as started:
        yield started


class Stored:
    """Messaging's side: keeps what comes in, and can be told to fail."""

    def __init__(self):
        self.kept_receipts, self.kept_texts, self.kept_late, self.failures_left = [], [], [], 0

    def _fail_if_told(self):
        if self.failures_left:
            self.failures_left -= 1
            raise ConnectionError("the database is away")

    async def receipts(self, batch):
        self._fail_if_told()
        self.kept_receipts += batch

    async def texts(self, batch):
        self._fail_if_told()
        self.kept_texts += batch

    async def late_answers(self, batch):
        self.kept_late += batch

    def statuses(self):
        return [receipt.status for receipt in self.kept_receipts]


@asynccontextmanager
async def line(simulator, bind="messaging-1", epoch=1, answer_limit_s=0.5, window=2_000):
    """A connected client and what it stores."""
    carrier = EmbeddedCarrier("127.0.0.1", simulator.carrier_port, bind, epoch, window, answer_limit_s)
    stored = Stored()
    listening = asyncio.create_task(carrier.listen(stored))
    await until(lambda: carrier.connected)
    try:
        yield carrier, stored
    finally:
        await carrier.close()
        await asyncio.wait_for(listening, 5)


def part(number=NUMBER, body="hello"):
    return Part(uuid4(), number, "82830", body, 3600)


def parts(count):
    return [part(f"+4477009{index:05d}") for index in range(count)]


async def test_each_part_gets_its_own_answer_in_order_and_a_receipt(simulator):
    async with line(simulator) as (carrier, stored):
        sent = [part(body="one"), part(number="07700"), part(body="x" * 1601), part(body="two")]
        answers = await carrier.submit(sent)
        await until(lambda: len(stored.kept_receipts) == 2)

    assert [type(answer) for answer in answers] == [Taken, Refused, Refused, Taken]
    assert [answers[1].reason, answers[2].reason] == [Refusal.BAD_NUMBER, Refusal.BAD_TEXT]
    assert {(receipt.reference, receipt.text_id) for receipt in stored.kept_receipts} == {
        (answers[index].reference, sent[index].text_id) for index in (0, 3)
    }
    assert stored.statuses() == [ReceiptStatus.DELIVERED] * 2
    assert [message["text"] for message in await simulator.messages_of(NUMBER)] == ["one", "two"]
    assert [entry["own_ref"] for entry in await simulator.log()] == [str(sent[i].text_id) for i in (0, 1, 3)]


async def test_no_parts_is_no_answers(simulator):
    async with line(simulator) as (carrier, _):
        assert await carrier.submit([]) == []


async def test_a_lost_answer_is_unknown_though_the_handset_has_the_text_and_its_receipt_comes(simulator):
    await simulator.fault("no_answer", count=1, after_hits=1)

    async with line(simulator) as (carrier, stored):
        answers = await carrier.submit(parts(3))
        await until(lambda: len(stored.kept_receipts) == 3)

    assert [type(answer) for answer in answers] == [Taken, Unknown, Taken]
    assert await simulator.fired("no_answer") == 1
    assert len(await simulator.messages_of("+447700900001")) == 1


async def test_an_answer_after_the_limit_is_unknown_and_then_a_late_answer(simulator):
    await simulator.fault("late_answer", count=1, delay_ms=900)
    late = part()

    async with line(simulator) as (carrier, stored):
        answers = await carrier.submit([late])
        await until(lambda: stored.kept_late)
        await until(lambda: stored.kept_receipts)

    assert [type(answer) for answer in answers] == [Unknown]
    [answer] = stored.kept_late
    assert (answer.text_id, answer.answer.reference) == (late.text_id, stored.kept_receipts[0].reference)


async def test_a_receipt_may_come_before_the_answer(simulator):
    await simulator.fault("receipt_before_answer", count=1, delay_ms=300)

    async with line(simulator, answer_limit_s=5) as (carrier, stored):
        submitting = asyncio.create_task(carrier.submit([part()]))
        await until(lambda: stored.kept_receipts)
        answered_by_then = submitting.done()
        [answer] = await submitting

    assert (answered_by_then, answer.reference) == (False, stored.kept_receipts[0].reference)


@pytest.mark.parametrize(
    ("kind", "statuses"),
    [
        ("receipt_twice", [ReceiptStatus.DELIVERED, ReceiptStatus.DELIVERED]),
        ("receipt_out_of_order", [ReceiptStatus.DELIVERED, ReceiptStatus.ACCEPTED]),
    ],
)
async def test_a_wrong_receipt_is_handed_over_as_it_came(simulator, kind, statuses):
    await simulator.fault(kind, count=1)

    async with line(simulator) as (carrier, stored):
        await carrier.submit([part()])
        await until(lambda: len(stored.kept_receipts) == 2)

    assert stored.statuses() == statuses


async def test_a_receipt_may_never_come(simulator):
    await simulator.fault("receipt_never", count=1)

    async with line(simulator) as (carrier, stored):
        never, usual = await carrier.submit(parts(2))
        await until(lambda: stored.kept_receipts)

    assert [receipt.reference for receipt in stored.kept_receipts] == [usual.reference]
    assert type(never) is Taken


async def test_throttled_says_when_to_come_again_and_nothing_was_taken(simulator):
    await simulator.fault("throttle", count=1, retry_after_s=2.5)

    async with line(simulator) as (carrier, _):
        answers = await carrier.submit([part()])

    assert answers == [Refused(Refusal.THROTTLED, 2.5, "throttled")]
    assert await simulator.messages_of(NUMBER) == []


@pytest.mark.parametrize(("code", "reason"), [("blocked", Refusal.BLOCKED), ("solar_flare", Refusal.UNLISTED)])
async def test_a_refusal_keeps_the_far_sides_own_word(simulator, code, reason):
    await simulator.fault("refuse", count=1, reason=code)

    async with line(simulator) as (carrier, _):
        assert await carrier.submit([part()]) == [Refused(reason, None, code)]


async def test_a_connection_that_dies_in_mid_window_leaves_the_rest_unknown_and_comes_back(simulator):
    await simulator.fault("disconnect", count=1, after_hits=100)

    async with line(simulator) as (carrier, stored):
        answers = await carrier.submit(parts(300))
        await until(lambda: carrier.connected)
        again = await carrier.submit([part()])
        await until(lambda: len(stored.kept_receipts) >= 102)

    entries = await simulator.log()
    assert {type(answer) for answer in answers} <= {Taken, Unknown}
    assert all(type(answer) is Unknown for answer in answers[100:])
    assert len(entries) == 102
    assert (entries[100]["answered"], await simulator.fired("disconnect")) == (False, 1)
    assert type(again[0]) is Taken


async def test_without_a_connection_nothing_is_written_and_everything_is_refused(mortal):
    async with line(mortal) as (carrier, _):
        await mortal.kill()
        await until(lambda: not carrier.connected)

        answers = await carrier.submit(parts(3))

        assert {(answer.reason, answer.retry_after_s) for answer in answers} == {(Refusal.NOT_CONNECTED, 1.0)}
        await mortal.start()
        await until(lambda: carrier.connected)
    assert await mortal.log() == []


async def test_a_killed_network_has_in_its_log_all_that_it_answered_and_each_only_once(mortal):
    answers = {}

    async with line(mortal) as (carrier, _):

        async def send(batch):
            for text, answer in zip(batch, await carrier.submit(batch), strict=True):
                answers[str(text.text_id)] = answer

        async def send_until_killed():
            while carrier.connected:
                await send(parts(50))

        senders = [asyncio.create_task(send_until_killed()) for _ in range(4)]
        await until(lambda: len(answers) > 1_000)
        await mortal.kill()
        await asyncio.gather(*senders)
        await mortal.start()

    logged = [entry["own_ref"] for entry in await mortal.log()]
    taken = {ref for ref, answer in answers.items() if type(answer) is Taken}
    refused = {ref for ref, answer in answers.items() if type(answer) is Refused}
    assert len(logged) == len(set(logged))
    assert taken <= set(logged)
    assert not refused & set(logged)
    assert len(taken) >= 1_000


async def test_what_could_not_be_stored_is_not_acknowledged_and_comes_again(simulator):
    async with line(simulator) as (_, stored):
        stored.failures_left = 1
        await simulator.control.post(f"/handsets/{NUMBER}/messages", json={"to": "82830", "text": "STOP"})
        await until(lambda: stored.kept_texts)

        assert stored.failures_left == 0
        [text] = stored.kept_texts
        assert (text.number, text.to, text.body) == (NUMBER, "82830", "STOP")
        await until(lambda: acknowledged(simulator, "texts", 1))


async def acknowledged(simulator, what, count):
    stats = await simulator.stats()
    return stats[f"{what}_acked"] == count and stats[f"{what}_pending"] == 0


async def test_a_text_sent_twice_by_the_network_has_one_id(simulator):
    await simulator.fault("duplicate_text", count=1)

    async with line(simulator) as (_, stored):
        await simulator.control.post(f"/handsets/{NUMBER}/messages", json={"to": "82830", "text": "hi"})
        await until(lambda: len(stored.kept_texts) == 2)

    assert len({text.carrier_id for text in stored.kept_texts}) == 1


async def test_ten_thousand_texts_in_bulk_all_arrive_in_batches(simulator):
    bulk = [{"from": f"+4477009{n:05d}", "to": "82830", "text": f"text {n}"} for n in range(10_000)]

    async with line(simulator) as (_, stored):
        assert (await simulator.control.post("/handsets/messages", json=bulk)).status_code == 202
        await until(lambda: acknowledged(simulator, "texts", 10_000))

    assert [text.body for text in stored.kept_texts] == [each["text"] for each in bulk]


async def test_more_than_the_window_goes_out_as_room_comes(simulator):
    async with line(simulator, window=100) as (carrier, _):
        first, second = await asyncio.gather(carrier.submit(parts(450)), carrier.submit(parts(250)))

    assert {type(answer) for answer in (*first, *second)} == {Taken}
    assert (len(first), len(second)) == (450, 250)


async def test_what_the_lease_no_longer_covers_is_not_written(simulator):
    await simulator.fault("no_answer", count=100)

    async with line(simulator, window=100, answer_limit_s=2) as (carrier, _):
        answers = await carrier.submit(parts(150), write_by=time.monotonic() + 0.3)
        passed = await carrier.submit(parts(1), write_by=time.monotonic() - 1)

    assert [type(answer) for answer in answers] == [Unknown] * 100 + [Refused] * 50
    assert {answer.reason for answer in (*answers[100:], *passed)} == {Refusal.TOO_LATE}
    assert len(await simulator.log()) == 100


async def test_an_answer_to_a_cancelled_submit_is_handed_over_as_a_late_one(simulator):
    await simulator.fault("late_answer", count=1, delay_ms=300)
    text = part()

    async with line(simulator, answer_limit_s=5) as (carrier, stored):
        submitting = asyncio.create_task(carrier.submit([text]))
        await until(lambda: simulator.messages_of(NUMBER))
        submitting.cancel()
        await until(lambda: stored.kept_late)

    assert [late.text_id for late in stored.kept_late] == [text.text_id]


async def test_close_waits_for_answers_and_refuses_what_comes_after(simulator):
    await simulator.fault("late_answer", count=1, delay_ms=300)

    async with line(simulator, answer_limit_s=5) as (carrier, _):
        submitting = asyncio.create_task(carrier.submit([part()]))
        await until(lambda: simulator.messages_of(NUMBER))
        await carrier.close()

        assert [type(answer) for answer in await submitting] == [Taken]
        assert [answer.reason for answer in await carrier.submit([part()])] == [Refusal.NOT_CONNECTED]
    await until(lambda: no_session(simulator))


async def no_session(simulator):
    return (await simulator.stats())["sessions"] == []


async def test_receipts_of_a_copy_that_died_go_to_the_other_copy(simulator):
    async with line(simulator, "messaging-2") as (_, survivor):
        dead = EmbeddedCarrier("127.0.0.1", simulator.carrier_port, "messaging-1", 1)
        listening = asyncio.create_task(dead.listen(Stored()))
        await until(lambda: dead.connected)
        await simulator.control.post("/handsets/behaviour", json={"delay_ms": 500})
        [answer] = await dead.submit([part()])

        listening.cancel()
        await until(lambda: survivor.kept_receipts)

    assert survivor.kept_receipts[0].reference == answer.reference


async def test_a_network_that_stops_is_noticed_and_what_it_read_late_is_not_taken(simulator):
    async with line(simulator, answer_limit_s=0.5) as (carrier, _):
        os.kill(simulator.pid, signal.SIGSTOP)
        try:
            answers = await carrier.submit([part()])
            await until(lambda: not carrier.connected)
        finally:
            os.kill(simulator.pid, signal.SIGCONT)
        await until(lambda: carrier.connected)

    assert [type(answer) for answer in answers] == [Unknown]
    assert await simulator.log() == []
    assert carrier.silence_limit_s == 2.0


async def test_print_how_fast_it_is(simulator, capsys):
    async with line(simulator, answer_limit_s=10) as (carrier, stored):
        begun = time.perf_counter()
        chunks = [parts(500) for _ in range(SPEED_TEXTS // 500)]
        answers = await asyncio.gather(*(carrier.submit(chunk) for chunk in chunks))
        answered_s = time.perf_counter() - begun
        await until(lambda: len(stored.kept_receipts) == SPEED_TEXTS)
        receipts_s = time.perf_counter() - begun

    assert {type(answer) for chunk in answers for answer in chunk} == {Taken}
    with capsys.disabled():
        print(
            f"\nembedded carrier: {SPEED_TEXTS / answered_s:,.0f} submits/s, {SPEED_TEXTS / receipts_s:,.0f} with receipts"
        )


async def test_a_far_side_that_is_away_for_long_is_looked_for_as_often_as_at_first_but_for_a_little(monkeypatch):
    """What waits for it waits for the next attempt only."""
    monkeypatch.setattr(client, "BIND_INTERVAL_S", client.BIND_INTERVAL_S / 100)
    monkeypatch.setattr(client, "BIND_INTERVAL_S_MAX", client.BIND_INTERVAL_S_MAX / 100)
    carrier = EmbeddedCarrier("127.0.0.1", 1, "messaging-1", 1)
    with capture_logs() as said:
        listening = asyncio.create_task(carrier.listen(Stored()))
        await until(lambda: len(said) >= 8)
        await carrier.close()
        await asyncio.wait_for(listening, 5)
    assert all(line["why"].startswith("not connected") and line["again_in_s"] <= 0.02 for line in said), said
