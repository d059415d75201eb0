"""The carrier of tests keeps what every carrier promises: one answer a part, receipts until they are stored, nothing after its lease or its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from uuid import UUID, uuid4

from services.messaging.carriers.carrier import (
    Arrived,
    LateAnswer,
    Part,
    Receipt,
    ReceiptStatus,
    Refusal,
    Refused,
    Taken,
)
from services.messaging.carriers.nowhere.client import NowhereCarrier


class Stored:
    """Messaging's side; the first `failures_left` calls fail."""

    def __init__(self, failures_left: int = 0) -> None:
        self.kept: list[Receipt] = []
        self.failures_left = failures_left

    async def receipts(self, batch: Sequence[Receipt]) -> None:
        if self.failures_left:
            self.failures_left -= 1
            raise ConnectionError("the database is away")
        self.kept += batch

    async def texts(self, batch: Sequence[Arrived]) -> None:
        raise AssertionError("nobody texts from nowhere")

    async def late_answers(self, batch: Sequence[LateAnswer]) -> None:
        raise AssertionError("no answer is late")


def parts(count: int) -> list[Part]:
    return [Part(uuid4(), "+447700900001", "82830", "x", 3600) for _ in range(count)]


def ids(texts: Sequence[Part]) -> list[UUID]:
    return [part.text_id for part in texts]


async def test_every_part_is_taken_and_delivered_once_and_closing_hands_over_the_rest() -> None:
    carrier, stored, sent = NowhereCarrier(), Stored(), parts(1_234)
    listening = asyncio.create_task(carrier.listen(stored))
    answers = [*await carrier.submit(sent[:1_000]), *await carrier.submit(sent[1_000:])]
    await carrier.close()
    await asyncio.wait_for(listening, 5)

    assert all(isinstance(answer, Taken) for answer in answers)
    assert [receipt.text_id for receipt in stored.kept] == ids(sent)
    assert [receipt.reference for receipt in stored.kept] == [a.reference for a in answers if isinstance(a, Taken)]
    assert {receipt.status for receipt in stored.kept} == {ReceiptStatus.DELIVERED}
    assert await carrier.submit(parts(1)) == [Refused(Refusal.NOT_CONNECTED, 1.0)]


async def test_a_receipt_that_could_not_be_stored_is_handed_over_again() -> None:
    carrier, stored, sent = NowhereCarrier(), Stored(failures_left=1), parts(2)
    listening = asyncio.create_task(carrier.listen(stored))
    await carrier.submit(sent)
    await carrier.close()
    await asyncio.wait_for(listening, 5)

    assert [receipt.text_id for receipt in stored.kept] == ids(sent)


async def test_what_a_lease_no_longer_covers_is_not_taken() -> None:
    carrier = NowhereCarrier()

    assert await carrier.submit(parts(2), write_by=time.monotonic() - 1) == [Refused(Refusal.TOO_LATE, 0.0)] * 2
