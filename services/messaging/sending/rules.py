"""What may be sent: plain functions on values."""

from __future__ import annotations

from enum import IntEnum

from libs.common import gsm, phone
from libs.common.contracts.base import Code, Refusal


class Lane(IntEnum):
    """The queue a text waits in, so that a code never waits behind a campaign. Also its class: what may be done with it."""

    URGENT = 0  # verification: goes out to opted-out numbers, the person has just asked for it
    ORDINARY = 1  # transactional
    BULK = 2  # marketing


def checked(to: str, body: str) -> str:
    """The number as E.164. Refused with invalid_number, text_empty or text_too_long."""
    number = phone.required(to)
    if not body.strip():
        raise Refusal(Code.TEXT_EMPTY, "a text needs at least one visible character")
    if "\x00" in body:
        raise Refusal(Code.INVALID_REQUEST, "a text cannot hold a null character")
    if (parts := gsm.segments(body)) > gsm.PARTS_MAX:
        raise Refusal(Code.TEXT_TOO_LONG, f"the text takes {parts} parts; at most {gsm.PARTS_MAX} can be sent")
    return number
