"""Headers, the rules: what a company may send as, what of it can be shared, what needs approval. No I/O.

What a sender may look like is data of its country: libs/common/countries.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from libs.common import countries, phone
from libs.common.contracts.base import Code, Refusal
from libs.common.countries import senders


def canonical_header(written: str) -> str:
    """`written` as it is kept: a number as E.164, a short code or a name as it is. Refused with invalid_sender where it can be no sender."""
    header = written.strip()
    if not senders.DIGITS_OF_SHORT_CODES.fullmatch(header):
        header = phone.e164(header) or header
    if fault := senders.fault(header, countries.number_class(header)):
        raise Refusal(Code.INVALID_SENDER, fault)
    return header


def is_number(header: str) -> bool:
    """Whether a canonical header is one that texts are sent to: a phone number or a short code. A name only sends."""
    return header.lstrip("+").isdecimal()


def approval(header: str, protected: Collection[str]) -> Literal["approved", "pending"]:
    """Whether a header may be used at once. `protected`: the names that operators added to the country's."""
    looks_like = None if is_number(header) else senders.protected(header, more=protected)
    return "pending" if looks_like else "approved"
