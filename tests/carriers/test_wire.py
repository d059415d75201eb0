"""What every carrier's client must do, against the real simulator over its real wire, with every fault the simulator has."""

from __future__ import annotations

import asyncio
import time

import pytest

from services.messaging.carriers.carrier import (
    Failure,
    ReceiptStatus,
    Refusal,
    Refused,
    Taken,
    Unknown,
)
from services.simulator.faults import ANSWER_FAULTS, Kind
from tests.carriers.candidates import ANSWER_LIMIT_S, CANDIDATES, WINDOW, Candidate
from tests.carriers.line import Bench, agree
from tests.carriers.scenario import every_carrier
from tests.integration.simulator.process import until

LATER_MS = int(ANSWER_LIMIT_S * 1000) + 700  # an answer that comes so late comes after the limit
UNANSWERED = frozenset(ANSWER_FAULTS) - {
    Kind.UNKNOWN_COMMAND,
    Kind.MALFORMED,
    Kind.EMPTY_ID,
    Kind.RECEIPT_BEFORE_ANSWER,
}
RECEIPT_KINDS = (
    Kind.RECEIPT_BEFORE_ANSWER,
    Kind.RECEIPT_TWICE,
    Kind.RECEIPT_OUT_OF_ORDER,
    Kind.RECEIPT_NEVER,
)
REFUSING = (Kind.THROTTLE, Kind.QUEUE_FULL, Kind.REFUSE, Kind.GENERIC_NACK)
DOUBLING = (Kind.DUPLICATE_TEXT, Kind.DUPLICATE_TEXT_NEW_ID, Kind.PART_TWICE, Kind.PARTS_SHUFFLED)

GSM = "Grüße à l'été: {[~^\\|]} costs €5 @ £3 ¿ÆØ? \fΔΩ"
EMOJI = "Šárka, 10:30 👩‍👩‍👧‍👦 тест 😀"
LONG_GSM = "".join(f"{n:03d} {{€}} " for n in range(90))  # an escape at every place where a part could end
LONG_EMOJI = "".join(f"{n:02d}😀👍🏽 " for n in range(40))
BODIES = [GSM, EMOJI, LONG_GSM, LONG_EMOJI, "x" * 160, "€" * 80, "😀" * 35, "x" * 161, "😀" * 36]


# -- texts out -----------------------------------------------------------------------------------------------------


@every_carrier()
async def test_each_of_many_is_taken_once_and_its_receipt_names_it(bench: Bench) -> None:
    sent = bench.parts(80)
    async with bench.line() as (carrier, stored):
        answers = await carrier.submit(sent)
        await until(lambda: len(stored.receipts_kept) >= len(sent))
        nothing = await carrier.submit([])

    assert nothing == []
    assert {type(answer) for answer in answers} == {Taken}
    assert len({answer.reference for answer in answers if isinstance(answer, Taken)}) == len(sent)
    for part, answer in zip(sent, answers, strict=True):
        assert [r.status for r in stored.receipts_of(part, answer)] == [ReceiptStatus.DELIVERED]
    await agree(bench, sent, answers)


@every_carrier()
async def test_no_more_than_the_window_is_without_an_answer(bench: Bench) -> None:
    await bench.fault(Kind.LATE_ANSWER, every=1, delay_ms=300)
    async with bench.line(window=10) as (carrier, _):
        answers = await carrier.submit(bench.parts(30))

    assert {type(answer) for answer in answers} == {Taken}
    at = [entry["at"] for entry in await bench.log()]
    under_way = [sum(earlier <= each < earlier + 0.28 for earlier in at) for each in at]  # two clocks: a little less
    assert max(under_way) == 10


@every_carrier()
async def test_nothing_is_written_after_the_time_it_may_be(bench: Bench) -> None:
    await bench.fault(Kind.LATE_ANSWER, every=1, delay_ms=400)
    async with bench.line(window=10) as (carrier, _):
        over = await carrier.submit(bench.parts(5), write_by=time.monotonic() - 0.001)
        before = len(await bench.log())
        sent, write_by = bench.parts(40), time.time() + 0.6
        answers = await carrier.submit(sent, write_by=time.monotonic() + 0.6)

    assert {(type(answer), answer.reason) for answer in over if isinstance(answer, Refused)} == {
        (Refused, Refusal.TOO_LATE)
    }
    assert before == 0
    late = [answer for answer in answers if isinstance(answer, Refused)]
    assert {answer.reason for answer in late} == {Refusal.TOO_LATE}
    assert {answer.retry_after_s for answer in late} == {0.0}
    assert 0 < len(late) < len(sent)
    assert max(entry["at"] for entry in await bench.log()) <= write_by + 0.1  # the way there and the far side's turn
    await agree(bench, sent, answers)


@every_carrier()
async def test_every_alphabet_comes_to_the_handset_as_it_was_and_long_texts_whole(bench: Bench) -> None:
    number = bench.number()
    async with bench.line() as (carrier, _):
        parts = [part for body in BODIES for part in bench.parts_of(body, carrier, number)]
        answers = await carrier.submit(parts)

    assert {type(answer) for answer in answers} == {Taken}
    shown = [text["text"] for text in await bench.simulator.messages_of(number)]
    assert sorted(shown) == sorted(BODIES)  # requests that are under way together may overtake each other


@every_carrier()
async def test_letters_as_a_sender_come_to_the_handset(bench: Bench) -> None:
    [part] = bench.parts(1)
    async with bench.line() as (carrier, _):
        assert carrier.capabilities.alphanumeric_senders
        answers = await carrier.submit([part._replace(sender="Heliograph"), part._replace(sender="+447700900321")])

    assert {type(answer) for answer in answers} == {Taken}
    shown = {text["from"] for text in await bench.simulator.messages_of(part.number)}
    assert shown == {"Heliograph", "+447700900321"}


# -- refusals ------------------------------------------------------------------------------------------------------


@every_carrier(REFUSING)
async def test_what_is_refused_was_not_taken_and_says_why_and_when_again(bench: Bench, kind: Kind) -> None:
    strange = "0x0455" if bench.candidate.protocol == "smpp" else "strange"  # of the range that is every vendor's own
    await bench.fault(kind, count=1, after_hits=3, retry_after_s=2, reason=strange)
    sent = bench.parts(10)
    async with bench.line(window=4) as (carrier, _):
        answers = await carrier.submit(sent)

    [one] = [answer for answer in answers if not isinstance(answer, Taken)]
    assert sum(isinstance(answer, Taken) for answer in answers) == 9
    match kind:
        case Kind.THROTTLE | Kind.QUEUE_FULL:
            assert isinstance(one, Refused), one
            assert one.reason is (Refusal.THROTTLED if kind is Kind.THROTTLE else Refusal.QUEUE_FULL)
            assert one.retry_after_s is not None
            assert one.retry_after_s > 0
        case Kind.REFUSE:
            assert isinstance(one, Refused), one
            assert (one.reason, one.retry_after_s) == (Refusal.UNLISTED, None)
            assert one.code
        case _:
            assert isinstance(one, Refused), one
    await agree(bench, sent, answers)


@every_carrier()
async def test_a_bad_number_is_told_as_one_and_the_others_go_on(bench: Bench) -> None:
    first, bad, last = bench.parts(3)
    sent = [first, bad._replace(number="+447700900990"), last]
    async with bench.line() as (carrier, _):
        answers = await carrier.submit(sent)

    assert [type(answer) for answer in answers] == [Taken, Refused, Taken]
    assert isinstance(answers[1], Refused)
    assert (answers[1].reason, answers[1].retry_after_s) == (Refusal.BAD_NUMBER, None)
    assert answers[1].code
    await agree(bench, sent, answers)


@every_carrier()
async def test_who_slows_itself_writes_nothing_for_a_while_after_it_was_told_to(bench: Bench) -> None:
    await bench.fault(Kind.THROTTLE, count=1)
    async with bench.line() as (carrier, _):
        [told] = await carrier.submit(bench.parts(1))
        answers = await carrier.submit(bench.parts(5))

    assert isinstance(told, Refused)
    assert {type(answer) for answer in answers} == {Taken}
    refused, *after = [entry["at"] for entry in await bench.log()]
    assert len(after) == 5
    assert (after[0] - refused > 0.9) is bench.candidate.slows_itself


# -- answers that are wrong, late or lost --------------------------------------------------------------------------


@every_carrier(ANSWER_FAULTS)
async def test_whatever_becomes_of_an_answer_nothing_is_written_twice_and_it_goes_on(bench: Bench, kind: Kind) -> None:
    delay_ms = 300 if kind is Kind.DISCONNECT_FULL_WINDOW else LATER_MS
    if kind is Kind.RECEIPT_BEFORE_ANSWER:
        delay_ms = 500
    await bench.fault(kind, count=1, after_hits=12, delay_ms=delay_ms)
    sent = bench.parts(40)
    async with bench.line(window=10) as (carrier, stored):
        answers = await carrier.submit(sent)

        async def goes_on() -> bool:
            [part] = bench.parts(1)
            [answer] = await carrier.submit([part])
            sent.append(part)
            answers.append(answer)
            return isinstance(answer, Taken)

        await until(goes_on)
        if kind is Kind.LATE_ANSWER:
            await until(lambda: bool(stored.late_kept) or not bench.candidate.late_answers)

    assert await bench.fired(kind) == 1
    await agree(bench, sent, answers)
    if kind in UNANSWERED:
        assert Unknown in {type(answer) for answer in answers}
    if kind in (Kind.NO_ANSWER, Kind.LATE_ANSWER, Kind.WRONG_SEQUENCE):
        assert [type(answer) for answer in answers].count(Unknown) == 1
        assert [type(answer) for answer in answers].count(Taken) == len(answers) - 1
    late = {one.text_id: one.answer for one in stored.late_kept}
    if kind is Kind.LATE_ANSWER and bench.candidate.late_answers:
        [unknown] = [part for part, answer in zip(sent, answers, strict=True) if isinstance(answer, Unknown)]
        assert list(late) == [unknown.text_id]
        assert isinstance(late[unknown.text_id], Taken)
    else:
        assert late == {}  # an answer of a session that is gone is nobody's


@every_carrier([Kind.NO_ANSWER, Kind.DISCONNECT, Kind.ANSWER_AFTER_DISCONNECT, Kind.HALF_OPEN])
async def test_the_receipt_of_a_text_whose_answer_was_lost_still_comes(bench: Bench, kind: Kind) -> None:
    """By our own id, or by a reference that nobody knows, and the number."""
    await bench.fault(kind, count=1)
    [part] = sent = bench.parts(1)
    async with bench.line() as (carrier, stored):
        answers = await carrier.submit(sent)
        await until(lambda: [one for one in stored.receipts_kept if one.status is ReceiptStatus.DELIVERED])

    assert {type(answer) for answer in answers} == {Unknown}
    [receipt] = stored.receipts_kept
    assert part.text_id == receipt.text_id if carrier.capabilities.own_reference else receipt.number == part.number
    await agree(bench, sent, answers)


@every_carrier()
async def test_a_caller_that_is_cancelled_leaves_no_text_written_twice_and_no_window_taken(bench: Bench) -> None:
    await bench.fault(Kind.LATE_ANSWER, count=10, delay_ms=500)
    async with bench.line(window=10) as (carrier, _):
        submitting = asyncio.create_task(carrier.submit(bench.parts(10)))

        async def all_written() -> bool:
            return len(await bench.log()) == 10

        await until(all_written)
        submitting.cancel()
        await asyncio.gather(submitting, return_exceptions=True)
        sent = bench.parts(30)
        answers = await carrier.submit(sent)

    assert {type(answer) for answer in answers} == {Taken}
    assert max((await bench.taken()).values()) == 1


# -- receipts ------------------------------------------------------------------------------------------------------


@every_carrier(RECEIPT_KINDS)
async def test_receipts_come_through_as_they_are(bench: Bench, kind: Kind) -> None:
    await bench.fault(kind, count=3, delay_ms=500)
    expected = {
        Kind.RECEIPT_BEFORE_ANSWER: [ReceiptStatus.DELIVERED],
        Kind.RECEIPT_TWICE: [ReceiptStatus.DELIVERED] * 2,
        Kind.RECEIPT_OUT_OF_ORDER: [ReceiptStatus.DELIVERED, ReceiptStatus.ACCEPTED],
        Kind.RECEIPT_NEVER: [],
    }[kind]
    sent = bench.parts(8)
    async with bench.line() as (carrier, stored):
        submitting = asyncio.create_task(carrier.submit(sent))
        if kind is Kind.RECEIPT_BEFORE_ANSWER:
            await until(lambda: len(stored.receipts_kept) == len(sent))
            assert not submitting.done()
        answers = await submitting
        await until(lambda: len(stored.receipts_kept) >= 5 + 3 * len(expected))

    assert {type(answer) for answer in answers} == {Taken}
    got = sorted(
        [one.status for one in stored.receipts_of(part, answer)] for part, answer in zip(sent, answers, strict=True)
    )
    assert got == sorted([expected] * 3 + [[ReceiptStatus.DELIVERED]] * 5)


FATES = {  # of the simulator's number ranges
    "+447700900925": (ReceiptStatus.FAILED, Failure.TEMPORARY),
    "+447700900935": (ReceiptStatus.FAILED, Failure.TEMPORARY),
    "+447700900955": (ReceiptStatus.EXPIRED, None),
    "+447700900965": (ReceiptStatus.FAILED, Failure.PERMANENT),
    "+447700900975": (ReceiptStatus.DELIVERED, None),
    "+447700900985": (ReceiptStatus.FAILED, Failure.PERMANENT),
}


@every_carrier()
async def test_each_end_is_told_with_its_class(bench: Bench) -> None:
    sent = [part._replace(number=number) for part, number in zip(bench.parts(len(FATES)), FATES, strict=True)]
    async with bench.line() as (carrier, stored):
        answers = await carrier.submit(sent)
        await until(lambda: len(stored.receipts_kept) >= len(sent) + 1)  # a ported one is accepted first

    assert {type(answer) for answer in answers} == {Taken}
    for part, answer in zip(sent, answers, strict=True):
        status, failure = FATES[part.number]
        receipt = stored.receipts_of(part, answer)[-1]
        assert receipt.status is status, part.number
        assert failure in (None, receipt.failure), part.number


@every_carrier()
async def test_who_can_be_asked_tells_what_became_of_each(bench: Bench) -> None:
    await bench.fault(Kind.RECEIPT_NEVER, count=1)
    first, barred = bench.parts(2)
    async with bench.line() as (carrier, _):
        if not carrier.capabilities.query:
            assert bench.candidate.name in ("embedded", "generic")
            return
        answers = await carrier.submit([first, barred._replace(number="+447700900965")])
        references = [(answer.reference, "82830") for answer in answers if isinstance(answer, Taken)]
        delivered, failed, unknown = await carrier.query([*references, ("nobody-s", "82830")])

    assert delivered is not None
    assert failed is not None
    assert (delivered.reference, delivered.status) == (references[0][0], ReceiptStatus.DELIVERED)
    assert (failed.status, failed.failure) == (ReceiptStatus.FAILED, Failure.PERMANENT)
    assert unknown is None


@every_carrier()
async def test_what_could_not_be_stored_is_handed_over_again(bench: Bench) -> None:
    number = bench.number()
    async with bench.line() as (carrier, stored):
        stored.failures_left = 2
        answers = await carrier.submit(bench.parts(1))
        await until(lambda: stored.failures_left <= 1)
        await bench.text_in(number, "hello")
        await until(lambda: stored.receipts_kept and stored.texts_kept)

    assert stored.failures_left == 0
    assert {type(answer) for answer in answers} == {Taken}
    assert [receipt.status for receipt in stored.receipts_kept] == [ReceiptStatus.DELIVERED]
    assert [text.body for text in stored.texts_kept] == ["hello"]


# -- texts in ------------------------------------------------------------------------------------------------------


@every_carrier()
async def test_texts_from_handsets_come_as_they_were_written(bench: Bench) -> None:
    number = bench.number()
    async with bench.line() as (_, stored):
        for body in BODIES:
            await bench.text_in(number, body)
        await until(lambda: len(stored.whole_texts()) >= len(BODIES))

    assert sorted(stored.whole_texts()) == sorted(BODIES)
    assert {(text.number, text.to.lstrip("+")) for text in stored.texts_kept} == {(number, "82830")}
    assert any(text.parts > 1 for text in stored.texts_kept) is not bench.candidate.whole_texts_in


@every_carrier(DOUBLING)
async def test_a_text_that_comes_oddly_comes_whole(bench: Bench, kind: Kind) -> None:
    await bench.fault(kind, count=1, **({"seed": 3} if kind in (Kind.PART_TWICE, Kind.PARTS_SHUFFLED) else {}))
    number, doubled = bench.number(), kind in (Kind.DUPLICATE_TEXT, Kind.DUPLICATE_TEXT_NEW_ID)
    body = "hello" if doubled else LONG_GSM
    async with bench.line() as (_, stored):
        await bench.text_in(number, body)
        await until(lambda: len(stored.whole_texts()) == (2 if doubled else 1))

    assert await bench.fired(kind) == 1
    assert set(stored.whole_texts()) == {body}
    ids = [text.carrier_id for text in stored.texts_kept]
    if kind is Kind.DUPLICATE_TEXT:
        assert len(set(ids)) == 1
    if kind is Kind.PART_TWICE:
        assert len(ids) == stored.texts_kept[0].parts + 1


@every_carrier([Kind.PART_MISSING])
async def test_a_text_with_a_part_missing_is_not_taken_for_whole(bench: Bench, kind: Kind) -> None:
    await bench.fault(kind, count=1, seed=1)
    number = bench.number()
    async with bench.line() as (_, stored):
        await bench.text_in(number, LONG_GSM)
        await bench.text_in(number, "after it")
        await until(lambda: "after it" in stored.whole_texts())

    assert stored.whole_texts() == ["after it"]
    parts = [text for text in stored.texts_kept if text.parts > 1]
    assert len(parts) == parts[0].parts - 1


# -- the end -------------------------------------------------------------------------------------------------------


@every_carrier()
async def test_close_takes_the_answers_that_are_due_and_nothing_more(bench: Bench) -> None:
    await bench.fault(Kind.LATE_ANSWER, count=5, delay_ms=400)
    sent = bench.parts(5)
    async with bench.line() as (carrier, _):
        submitting = asyncio.create_task(carrier.submit(sent))

        async def written() -> bool:
            return len(await bench.log()) == 5

        await until(written)
        await carrier.close()
        answers = await submitting
        after = await carrier.submit(bench.parts(2))

    assert {type(answer) for answer in answers} == {Taken}
    assert [(type(answer), answer.reason) for answer in after if isinstance(answer, Refused)] == [
        (Refused, Refusal.NOT_CONNECTED)
    ] * 2
    assert not carrier.connected
    assert len(await bench.log()) == 5


@every_carrier()
async def test_close_is_bounded_though_nothing_is_answered(bench: Bench) -> None:
    await bench.fault(Kind.NO_ANSWER, every=1)
    sent = bench.parts(WINDOW + 5)
    async with bench.line() as (carrier, _):
        submitting = asyncio.create_task(carrier.submit(sent))

        async def written() -> bool:
            return len(await bench.log()) >= WINDOW or submitting.done()

        await until(written)
        began = time.monotonic()
        await carrier.close()
        answers = await asyncio.wait_for(submitting, 5)

    assert time.monotonic() - began < ANSWER_LIMIT_S + 3
    assert {type(answer) for answer in answers} <= {Unknown, Refused}
    await agree(bench, sent, answers)


# -- the suite itself ----------------------------------------------------------------------------------------------

TRIED = {*ANSWER_FAULTS, *RECEIPT_KINDS, *REFUSING, *DOUBLING, Kind.PART_MISSING}


@pytest.mark.parametrize("candidate", CANDIDATES, ids=lambda one: one.name)
def test_each_fault_of_the_simulator_is_tried_or_its_absence_has_a_reason(candidate: Candidate) -> None:
    assert set(Kind) == TRIED
    assert all(candidate.not_here.values())
