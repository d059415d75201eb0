"""User data headers as far as long texts need them: TS 23.040, 9.2.3.24, with 8-bit (.1) and 16-bit (.8) references."""

from typing import NamedTuple

_REFERENCE_8 = 0x00
_REFERENCE_16 = 0x08


class Concat(NamedTuple):
    reference: int
    parts: int
    part: int  # from 1


def concat_header(concat: Concat, wide: bool) -> bytes:
    """Six octets, or seven with a 16-bit reference. An 8-bit one is the lower half of the reference."""
    if wide:
        reference = concat.reference.to_bytes(2, "big")
        return bytes((6, _REFERENCE_16, 4)) + reference + bytes((concat.parts, concat.part))
    return bytes((5, _REFERENCE_8, 3, concat.reference & 0xFF, concat.parts, concat.part))


def split_header(octets: bytes) -> tuple[Concat | None, bytes]:
    """What it says of parts, and the text after it. A header that is longer than the text is none. Other elements are passed over."""
    if not octets or octets[0] >= len(octets):
        return None, octets
    end = octets[0] + 1
    concat, at = None, 1
    while at + 2 <= end:
        element, size = octets[at], octets[at + 1]
        value = octets[at + 2 : min(at + 2 + size, end)]
        at += 2 + size
        if (element, len(value)) in ((_REFERENCE_8, 3), (_REFERENCE_16, 4)):
            *reference, parts, part = value
            if 1 <= part <= parts:  # else the element is to be ignored: 9.2.3.24.1
                concat = Concat(int.from_bytes(reference, "big"), parts, part)
    return concat, octets[end:]
