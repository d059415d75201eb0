"""The network's rules: which texts it refuses, which numbers behave in which way, and what becomes of a text.

Owns the decisions about one text as plain values, and the table of number ranges. Holds no state, does no I/O, reads
no clock. See protocol.md, sections 3, 4 and 6.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

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


class Wanted(StrEnum):
    """Which receipts the client asked for. The embedded carrier's always wants all."""

    ALL = "all"
    FAILURES = "failures"
    NONE = "none"


class Submit(NamedTuple):
    """A text, or one part of a long one, as a session hands it to the network."""

    seq: int | str  # the client's name for it on its session, given back with the answer
    sender: str
    number: str
    text: str
    validity_s: int = 0  # 0: as long as the network keeps texts
    own_ref: str = ""
    wanted: Wanted = Wanted.ALL
    concat: int = 0
    part: int = 1
    parts: int = 1
    coding: int = 0  # SMPP's data_coding
    octets: bytes = b""  # of a part that was cut within a character, and cannot be read alone
    refused: str | None = None  # by the wire's own rules


def refusal(sender: str, number: str, text: str, octets: bytes = b"") -> str | None:
    """The refusal's code, or None when the network takes the text."""
    if E164.fullmatch(number) is None:
        return "bad_number"
    if SENDER.fullmatch(sender) is None:
        return "bad_sender"
    if not 0 < len(text) <= TEXT_CHARACTERS_MAX and not octets:
        return "bad_text"
    return None


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the handsets whose numbers begin with `number_prefix` behave."""

    number_prefix: str = ""
    receipt: Fate = Fate.DELIVERED
    delay_ms: int = RECEIPT_DELAY_MS  # of the receipt, once the text's fate is sealed
    reply: str | None = None  # texted back once to each sender, as a person would: two machines must not talk forever
    error: str | None = None  # of a failed one; None: absent_subscriber
    on_air_ms: int = 0  # before the text reaches the handset; where its validity passes before, it expires
    accepted_first: bool = False  # a receipt says `accepted` before the final one
    refused: str | None = None  # not taken at all, with this code
    network: str | None = None  # ported there


AS_USUAL = Behaviour()

# The numbers that behave by themselves. Each key has twelve characters, so that one look finds it.
# 07700 900920-900999 are Ofcom's numbers for drama, as are the plain ones below them; +1 500 555 000x are the magic
# numbers of Twilio's test credentials (To numbers: invalid, no route, no permission, blocked, no mobile).
RANGES: Mapping[str, Behaviour] = {
    each.number_prefix: each
    for each in (
        Behaviour("+44770090092", Fate.FAILED, error="absent_subscriber"),  # temporary: switched off
        Behaviour("+44770090093", Fate.FAILED, error="memory_full"),  # temporary
        Behaviour("+44770090094", on_air_ms=4_000),  # slow
        Behaviour("+44770090095", Fate.EXPIRED, on_air_ms=1_000),  # the network's own limit, whatever the validity
        Behaviour("+44770090096", Fate.FAILED, error="call_barred"),  # permanent
        Behaviour("+44770090097", on_air_ms=2_000, accepted_first=True, network="Lantern"),  # ported: takes longer
        Behaviour("+44770090098", Fate.FAILED, error="unknown_subscriber"),  # permanent: not in use
        Behaviour("+44770090099", refused="bad_number"),
        Behaviour("+15005550001", refused="bad_number"),
        Behaviour("+15005550002", refused="no_route"),
        Behaviour("+15005550003", refused="not_allowed"),
        Behaviour("+15005550004", refused="blocked"),
        Behaviour("+15005550009", refused="not_mobile"),
    )
}
RANGE_CHARACTERS = 12

# Whose the drama numbers are: by their first eleven characters, a hundred numbers each. All others are Elsewhere's.
NETWORKS: Mapping[str, str] = {
    f"+447700900{hundred}": name
    for name, hundreds in (("Beacon", range(4)), ("Cable", range(4, 7)), ("Lantern", range(7, 10)))
    for hundred in hundreds
}
NETWORK_CHARACTERS = 11
ELSEWHERE = "Elsewhere"


def behaviour_of(number: str, ordered: Sequence[Behaviour]) -> Behaviour:
    """What was ordered, by the longest prefix of `number`; else what its range does by itself."""
    fitting = [each for each in ordered if number.startswith(each.number_prefix)]
    if fitting:
        return max(fitting, key=lambda each: len(each.number_prefix))
    return usual_behaviour_of(number)


def usual_behaviour_of(number: str) -> Behaviour:
    return RANGES.get(number[:RANGE_CHARACTERS], AS_USUAL)


def network_of(number: str, behaviour: Behaviour) -> str:
    return behaviour.network or NETWORKS.get(number[:NETWORK_CHARACTERS], ELSEWHERE)


@dataclass(frozen=True, slots=True)
class Plan:
    """All that will happen to one text, decided when it comes."""

    refused: str | None = None
    retry_after_s: float | None = None
    answered: bool = True
    answer_delay_s: float = 0.0
    hang_up: bool = False
    oddity: str | None = None  # a fault of the wire: the session knows how to commit it
    fate: Fate = Fate.DELIVERED
    error: str | None = None
    fate_s: float = 0.0  # after this long it is sealed: the handset has the text, or never will
    receipts: tuple[tuple[float, str], ...] = (
        (RECEIPT_DELAY_MS / 1000, Fate.DELIVERED.value),
    )  # (delay in seconds, status)


FAULTLESS = Plan()
