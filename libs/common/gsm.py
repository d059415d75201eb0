"""Alphabets and segments: 3GPP TS 23.038 (GSM 7 bit default alphabet, 6.2.1, and its extension table, 6.2.1.1) and TS 23.040, 9.2.3.24.1."""

from __future__ import annotations

from enum import StrEnum


class Alphabet(StrEnum):
    GSM = "gsm"  # 7 bit default alphabet and its extension table
    UCS2 = "ucs2"  # UTF-16, as handsets read UCS-2 nowadays


_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")  # an escape and one more septet each

PARTS_MAX = 10  # TS 23.040 allows 255; handsets and carriers differ above ten


def septets(body: str) -> int | None:
    """How many septets `body` takes in the GSM alphabet; None where it has a character outside it."""
    count = 0
    for character in body:
        if character in _BASIC:
            count += 1
        elif character in _EXTENSION:
            count += 2
        else:
            return None
    return count


def segments(body: str) -> int:
    """How many parts `body` takes on the air: 160 septets, or 153 a part when several; else UCS-2: 70, or 67 UTF-16 units.

    Exact but for one case left to the segmenter of the carriers' issue: an escape or surrogate pair that would be cut in two. An empty text is one part.
    """
    count = septets(body)
    alone, each = (160, 153) if count is not None else (70, 67)
    units = count if count is not None else len(body.encode("utf-16-be")) // 2
    return 1 if units <= alone else -(-units // each)
