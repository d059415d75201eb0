"""What may be sent: plain functions on values."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import IntEnum

from libs.common import countries, gsm, phone
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.messaging import SCHEDULE_DAYS_MAX

TRANSACTIONAL_LIFE = timedelta(days=2)  # a text that could not be sent for so long is no longer wanted


STOPPED = "campaign stopped"  # the reason of what is cancelled with it
# What a held campaign has in the queue is put off by a thousand years: claims pass it by at no cost, and its times are known when it goes on.
HELD_S = 1000 * 365 * 86_400


class Lane(IntEnum):
    """The queue a text waits in, so that a code never waits behind a campaign. Also its class: what may be done with it."""

    URGENT = 0  # verification: goes out to opted-out numbers, the person has just asked for it
    ORDINARY = 1  # transactional
    BULK = 2  # marketing


def checked(to: str, body: str) -> str:
    """The number as E.164. Refused with invalid_number, where no text can reach it too, text_empty or text_too_long."""
    number = phone.required(to)
    if (why := countries.reachable(number)) is not None:
        raise Refusal(Code.INVALID_NUMBER, why)
    if not body.strip():
        raise Refusal(Code.TEXT_EMPTY, "a text needs at least one visible character")
    if "\x00" in body:
        raise Refusal(Code.INVALID_REQUEST, "a text cannot hold a null character")
    if (parts := gsm.segments(body)) > gsm.PARTS_MAX:
        raise Refusal(Code.TEXT_TOO_LONG, f"the text takes {parts} parts; at most {gsm.PARTS_MAX} can be sent")
    return number


def reference(given: str) -> str:
    """The client's own name for a text, as it is kept; how long it may be is the contract's to say."""
    if "\x00" in given:
        raise Refusal(Code.INVALID_REQUEST, "a reference cannot hold a null character")
    return given


def times(send_at: datetime | None, at: datetime) -> tuple[datetime | None, datetime]:
    """When a text is to be sent, None for now, and when it is no longer wanted. `at`: now. Refused with invalid_date where it is too far ahead."""
    if send_at is None or send_at <= at:
        return None, at + TRANSACTIONAL_LIFE
    if send_at > at + timedelta(days=SCHEDULE_DAYS_MAX):
        raise Refusal(Code.INVALID_DATE, f"a text can be scheduled {SCHEDULE_DAYS_MAX} days ahead at most")
    return send_at, send_at + TRANSACTIONAL_LIFE
