"""Alphabets and segments: 3GPP TS 23.038 (GSM 7 bit default alphabet, 6.2.1, its extension table, 6.2.1.1; UCS2, 6.2.3) and TS 23.040, 9.2.3.24.1.

Owns what a text costs on the air, where a long one is cut, and its septets. Runs for every text: the common case, a short one in ASCII, takes half a
microsecond. Never changes a text (near_gsm.py does), knows no header's or carrier's rule and packs no septets into octets: no carrier wants that of us.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from enum import StrEnum

import regex  # type: ignore[import-untyped]


class Alphabet(StrEnum):
    GSM = "gsm"  # 7 bit default alphabet and its extension table
    UCS2 = "ucs2"  # UTF-16, as handsets read UCS-2 nowadays


PARTS_MAX = 10  # TS 23.040 allows 255; handsets and carriers differ above ten
PART_OCTETS = 140
HEADER_OCTETS = 6  # of each part among several: concatenation with an 8-bit reference; a 16-bit one takes one more

_ESCAPE = 0x1B
_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)  # each at its code
_EXTENSION = {  # after an escape
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}

# A character's slot is its code; but 0x80 for @, since the codec's quick way wants NUL at 0, and from 0x81 on what needs an escape.
_SLOTS = codecs.charmap_build(
    ("\0" + _BASIC[1:_ESCAPE] + "\ufffe" + _BASIC[_ESCAPE + 1 :] + "@" + "".join(_EXTENSION.values())).ljust(
        256, "\ufffe"
    )
)
_SLOTS_ESCAPED = bytes(range(0x81, 0x81 + len(_EXTENSION)))
_SLOTS_TO_SEPTETS = [(b"\x80", b"\0")] + [
    (bytes((slot,)), bytes((_ESCAPE, code))) for slot, code in zip(_SLOTS_ESCAPED, _EXTENSION, strict=True)
]
_PLAIN_ASCII = bytes(code for code in range(0x80) if chr(code) in _BASIC and code != _ESCAPE)  # one septet each

_FROM_SEPTETS = _BASIC.ljust(256, "\ufffd")
# What no table has after an escape is shown as it would be without one; an escape after an escape, or at the end, as a space (6.2.1, 6.2.1.1).
_AFTER_ESCAPE = {_BASIC[code]: character for code, character in _EXTENSION.items()} | {"\x1b": " ", "": " "}

_find_escapes = re.compile("\x1b(.?)", re.DOTALL).sub
_find_characters = regex.compile(r"\X").finditer  # as people see them: extended grapheme clusters (Unicode, UAX #29)


def alphabet(body: str) -> Alphabet:
    """UCS2 as soon as one character is outside the GSM alphabet."""
    return Alphabet.UCS2 if _slots(body) is None else Alphabet.GSM


def septets(body: str) -> int | None:
    """How many septets `body` takes in the GSM alphabet; None where it has a character outside it."""
    slots = _slots(body)
    return None if slots is None else 2 * len(slots) - len(slots.translate(None, _SLOTS_ESCAPED))


def segments(body: str) -> int:
    """How many parts `body` takes on the air, exactly: as many as `cut` gives. An empty text is one."""
    if len(body) <= 160 and body.isascii() and not body.encode().translate(None, _PLAIN_ASCII):
        return 1
    count = septets(body)
    if count is None:
        return len(cut(body, Alphabet.UCS2))
    return 1 if count <= 160 else len(cut(body, Alphabet.GSM))


def room(alphabet: Alphabet, header_octets: int = 0) -> int:
    """How many septets, or units of UTF-16, fit into a part: 160 or 70; beside a header 153 or 67."""
    octets = PART_OCTETS - header_octets
    return octets * 8 // 7 if alphabet is Alphabet.GSM else octets // 2


def units(body: str, alphabet: Alphabet) -> int:
    """What counts against `room`: septets, or units of UTF-16. Raises ValueError where `body` has a character outside the alphabet."""
    return len(encode(body)) if alphabet is Alphabet.GSM else len(body.encode("utf-16-le", "surrogatepass")) // 2


def cut(body: str, alphabet: Alphabet, header_octets: int = HEADER_OCTETS) -> list[str]:
    """The parts of `body`, each as full as it can be. What it costs is counted with the shorter header; one of 7 may make it a part more.

    Never cut are an escape from its septet, a surrogate pair, nor what a person sees as one character (letter and accents, an emoji with its
    joiners, CR LF), though that may take a part more; only where such a character is longer than a part, it is cut between code points.
    Raises ValueError where `alphabet` is GSM and `body` has a character outside it.
    """
    if units(body, alphabet) <= room(alphabet):
        return [body]
    each = room(alphabet, header_octets)
    if alphabet is Alphabet.GSM:
        return list(_cut_septets(body, encode(body), each))
    return list(_cut_characters(body, each))


def encode(text: str) -> bytes:
    """Septets, one an octet, as SMPP's data_coding 0 carries them. Raises ValueError where a character is outside the GSM alphabet."""
    slots = _slots(text)
    if slots is None:
        raise ValueError("the text has a character outside the GSM alphabet")
    for slot, code in _SLOTS_TO_SEPTETS:
        slots = slots.replace(slot, code)
    return slots


def decode(octets: bytes) -> str:
    """What a handset shows. Takes anything: an octet that is no septet becomes U+FFFD."""
    text: str = codecs.charmap_decode(octets, "strict", _FROM_SEPTETS)[0]
    return _find_escapes(lambda escape: _AFTER_ESCAPE.get(escape[1], escape[1]), text) if "\x1b" in text else text


def _slots(body: str) -> bytes | None:
    """One octet a character; None where one is outside the GSM alphabet."""
    slots: bytes = codecs.charmap_encode(body, "ignore", _SLOTS)[0]
    return None if len(slots) < len(body) or 0 in slots else slots


def _cut_septets(body: str, octets: bytes, each: int) -> Iterator[str]:
    start = at = 0
    while start < len(octets):
        end = start + each
        if end < len(octets) and (octets[end - 1] == _ESCAPE or octets[end - 1 : end + 1] == b"\r\n"):
            end -= 1
        characters = min(end, len(octets)) - start - octets.count(_ESCAPE, start, end)
        yield body[at : at + characters]
        start, at = end, at + characters


def _cut_characters(body: str, each: int) -> Iterator[str]:
    start = 0
    while start < len(body):
        end = start + each
        while (over := units(body[start:end], Alphabet.UCS2) - each) > 0:
            end -= -(-over // 2)  # that many at least: a character is one unit or two
        if end < len(body):
            end = _between_characters(body, start, end, each)
        yield body[start:end]
        start = end


def _between_characters(body: str, start: int, end: int, each: int) -> int:
    """The last place up to `end` between two characters as people see them; `end` itself where the one there is too long for a part.

    Read from the last space, where there is one: what follows a space does not depend on what is before it.
    """
    for first in (max(body.rfind(" ", start, end), start), start):
        spans: Iterator[tuple[int, int]] = (found.span() for found in _find_characters(body, first, end + each))
        begins, ends = next(span for span in spans if span[1] >= end)
        if ends == end or units(body[begins:ends], Alphabet.UCS2) > each:
            return end
        if begins > first:
            return begins
    return end
