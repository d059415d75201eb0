"""The network's rules: which texts it refuses, and how a handset behaves.

Owns the decisions about one text as plain values. Holds no state, does no I/O, reads no clock.
See protocol.md, sections 3 and 4.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

TEXT_CHARACTERS_MAX = 1600  # what large providers take for one text in parts
OWN_REF_CHARACTERS_MAX = 64
RECEIPT_DELAY_MS = 50

E164 = re.compile(r"\+[1-9][0-9]{6,14}")  # ITU-T E.164, 6.1: at most 15 digits
SENDER = re.compile(r"\+?[0-9]{3,15}|[ -~]{1,11}")  # 3GPP TS 23.040, 9.1.2.5: 11 characters when not a number


class Fate(StrEnum):
    """What becomes of a taken text, as its receipt will say."""

    DELIVERED = "delivered"
    FAILED = "failed"
    EXPIRED = "expired"
    NEVER = "never"  # the handset has it, and no receipt comes


REACHES_HANDSET = frozenset({Fate.DELIVERED, Fate.NEVER})


def refusal(sender: str, number: str, text: str) -> str | None:
    """The refusal's code, or None when the network takes the text."""
    if E164.fullmatch(number) is None:
        return "bad_number"
    if SENDER.fullmatch(sender) is None:
        return "bad_sender"
    if not 0 < len(text) <= TEXT_CHARACTERS_MAX:
        return "bad_text"
    return None


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the handsets whose numbers begin with `number_prefix` behave."""

    number_prefix: str = ""
    receipt: Fate = Fate.DELIVERED
    delay_ms: int = RECEIPT_DELAY_MS
    reply: str | None = None  # texted back once to each sender, as a person would: two machines must not talk forever


AS_USUAL = Behaviour()


def behaviour_of(number: str, behaviours: list[Behaviour]) -> Behaviour:
    """The one with the longest prefix of `number`."""
    fitting = [each for each in behaviours if number.startswith(each.number_prefix)]
    return max(fitting, key=lambda each: len(each.number_prefix), default=AS_USUAL)


@dataclass(frozen=True, slots=True)
class Plan:
    """All that will happen to one text, decided when it comes."""

    refused: str | None = None
    retry_after_s: float | None = None
    answered: bool = True
    answer_delay_s: float = 0.0
    hang_up: bool = False
    fate: Fate = Fate.DELIVERED
    receipts: tuple[tuple[float, str], ...] = (
        (RECEIPT_DELAY_MS / 1000, Fate.DELIVERED.value),
    )  # (delay in seconds, status)


FAULTLESS = Plan()
