"""Receipts as text: SMPP 3.4, Appendix B, which is a custom and no standard, so each SMSC writes its own.

    id:IIIIIIIIII sub:SSS dlvrd:DDD submit date:YYMMDDhhmm done date:YYMMDDhhmm stat:DDDDDDD err:E Text: ...

Reads the dialects that are about: fields in any order and case, missing ones, seconds or a century in the dates, an err of any
form. Owns the states' abbreviations. Never guesses: a field that cannot be read is empty.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from libs.common.smpp.values import MessageState

ABBREVIATIONS = {
    MessageState.ENROUTE: "ENROUTE",
    MessageState.DELIVERED: "DELIVRD",
    MessageState.EXPIRED: "EXPIRED",
    MessageState.DELETED: "DELETED",
    MessageState.UNDELIVERABLE: "UNDELIV",
    MessageState.ACCEPTED: "ACCEPTD",
    MessageState.UNKNOWN: "UNKNOWN",
    MessageState.REJECTED: "REJECTD",
}
_STATES = {word: state for state, word in ABBREVIATIONS.items()} | {
    "DELIVERED": MessageState.DELIVERED,  # written out by some
    "UNDELIVERABLE": MessageState.UNDELIVERABLE,
    "ACCEPTED": MessageState.ACCEPTED,
    "REJECTED": MessageState.REJECTED,
    "UNDELIVRD": MessageState.UNDELIVERABLE,
}

_AROUND = " \t\r\n\0"
TEXT_CHARACTERS = 20  # of the text that was sent
_NAME = re.compile(r"\b(id|sub|dlvrd|submit[ _]?date|done[ _]?date|stat|err|text)\s*:", re.IGNORECASE)


@dataclass(slots=True)
class ReceiptText:
    id: str
    stat: str
    err: str = ""
    sub: str = "001"
    dlvrd: str = "001"
    submit_date: datetime | None = None
    done_date: datetime | None = None
    text: str = ""

    @property
    def state(self) -> MessageState | None:
        """None where the word is nobody's: `stat` keeps it."""
        return _STATES.get(self.stat.upper())

    def encode(self) -> bytes:
        return (
            f"id:{self.id} sub:{self.sub} dlvrd:{self.dlvrd} submit date:{_date(self.submit_date)}"
            f" done date:{_date(self.done_date)} stat:{self.stat} err:{self.err} text:{self.text[:TEXT_CHARACTERS]}"
        ).encode("latin-1", "replace")

    @classmethod
    def decode(cls, octets: bytes) -> Self | None:
        """None where it is no receipt: it must name at least a message or a status."""
        receipt = octets.decode("latin-1")
        fields: dict[str, str] = {}
        name, start = "", 0
        for found in _NAME.finditer(receipt):
            fields.setdefault(name, receipt[start : found.start()].strip(_AROUND))
            name, start = found[1].lower().replace(" ", "").replace("_", ""), found.end()
            if name == "text":
                break  # whatever stands in it, it is the text
        fields.setdefault(name, receipt[start:].strip(_AROUND))
        if not fields.get("id") and not fields.get("stat"):
            return None
        return cls(
            fields.get("id", ""),
            fields.get("stat", ""),
            fields.get("err", ""),
            fields.get("sub", ""),
            fields.get("dlvrd", ""),
            _parse(fields.get("submitdate", "")),
            _parse(fields.get("donedate", "")),
            fields.get("text", ""),
        )


def _date(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%y%m%d%H%M}" if at else ""


def _parse(digits: str) -> datetime | None:
    """YYMMDDhhmm, with seconds or a century where there are more. The zone is nowhere told; UTC, as most say in their papers."""
    if len(digits) not in (10, 12, 14) or not digits.isascii() or not digits.isdecimal():
        return None
    year, rest = (int(digits[:4]), digits[4:]) if len(digits) == 14 else (2000 + int(digits[:2]), digits[2:])
    month, day, hour, minute, *second = (int(rest[at : at + 2]) for at in range(0, len(rest), 2))
    try:
        return datetime(year, month, day, hour, minute, sum(second), tzinfo=UTC)
    except ValueError:
        return None
