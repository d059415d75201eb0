"""Headers, the rules: what a company may send as, and what of it can be shared. No I/O."""

from __future__ import annotations

import re

from libs.common import gsm, phone
from libs.common.contracts.base import Code, Refusal

NAME_LENGTH_MAX = 11  # 3GPP TS 23.040, 9.1.2.5: an alphanumeric address is 7 octets of septets at most
SHORT_CODE = re.compile(r"[0-9]{3,8}")


def canonical_header(written: str) -> str:
    """`written` as it is kept: a number as E.164, a short code or a name as it is. Refused with invalid_sender where it is none of them."""
    header = written.strip()
    if SHORT_CODE.fullmatch(header) or _is_name(header):
        return header
    if number := phone.e164(header):
        return number
    raise Refusal(
        Code.INVALID_SENDER,
        f"a header is a phone number, a short code of 3 to 8 digits, or up to {NAME_LENGTH_MAX} letters, digits and spaces with a letter among them",
    )


def is_number(header: str) -> bool:
    """Whether a canonical header is one that texts are sent to: a phone number or a short code. A name only sends."""
    return header.lstrip("+").isdecimal()


def _is_name(header: str) -> bool:
    letters_digits_spaces = all(c == " " or (c.isalnum() and gsm.septets(c) == 1) for c in header)
    return len(header) <= NAME_LENGTH_MAX and letters_digits_spaces and any(c.isalpha() for c in header)
