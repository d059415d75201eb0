"""Numbers as people write them, kept as E.164 (ITU-T E.164: + and up to 15 digits).

07700 900000-900999, Ofcom's numbers for drama, are valid here though number libraries call them invalid: they reach only the simulator.
"""

from __future__ import annotations

import re
import unicodedata

import phonenumbers

from libs.common.contracts.base import Code, Refusal

REGION = "GB"
E164 = re.compile(r"\+[1-9][0-9]{6,14}")

# A UK mobile written plainly, the bulk of any list: 07 and nine digits (Ofcom, National Telephone Numbering Plan, A4).
# The library takes a hundred times as long.
_UK_MOBILE = re.compile(r"(?:\+44|0044|44|0)(7[1-57-9][0-9]{8})")
_SEPARATORS = re.compile(r"[\s().\-/]+")


def e164(text: str) -> str | None:
    """`text` as E.164, or None where it is no possible number. Read as British where it has no country code."""
    plain = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).replace("(0)", "")
    if fast := _UK_MOBILE.fullmatch(plain):
        return f"+44{fast[1]}"
    # The library would dial "123Shop" as on a keypad.
    if len(text) > 40 or any(character.isalpha() for character in plain):
        return None
    try:
        number = phonenumbers.parse(unicodedata.normalize("NFKC", text), REGION)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number) or number.extension:
        return None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if written.startswith("+440"):
        return None  # 07700 9001: too short to take its 0 off, which no British number has after the 44
    if written.startswith("+447") and len(written) != len("+447700900123"):
        return None  # the library allows nine digits, as of old landlines; what begins with 7 has ten (Ofcom, A4)
    return written if E164.fullmatch(written) else None


def required(text: str) -> str:
    """`text` as E.164; refused with invalid_number where it is none."""
    number = e164(text)
    if number is None:
        raise Refusal(Code.INVALID_NUMBER, "this is not a phone number" if text else "a phone number is required")
    return number


def sender_key(sender: str) -> str:
    """What two writings of one sender id share: E.164 where it is a number, small letters where it is a name, digits as they are for a short code."""
    stripped = sender.strip()
    if re.fullmatch(r"[0-9]{3,8}", stripped):
        return stripped
    return e164(stripped) or stripped.casefold()
