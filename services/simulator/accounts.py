"""SMPP accounts: any system_id is one, and each may be told to differ as real operators do.

Owns what was ordered of accounts, and who is bound now. Speaks no wire and knows no text.
See protocol.md, section 8.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from services.simulator.smpp_session import SmppSession

BINDS_MAX = 4
DELIVER_WINDOW = 500


class Ids(StrEnum):
    DECIMAL = "decimal"
    HEXADECIMAL = "hexadecimal"


class ReceiptsBy(StrEnum):
    TEXT = "text"
    TLV = "tlv"
    BOTH = "both"


class LongTexts(StrEnum):
    """How the parts of a long text from a handset say so."""

    UDH8 = "udh8"
    UDH16 = "udh16"
    SAR = "sar"
    PAYLOAD = "payload"  # not cut: it comes whole, as message_payload


class Account(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    system_id: str = Field(min_length=1, max_length=15)
    password: str | None = Field(None, max_length=8)  # None: the one of the settings
    binds_max: int = Field(BINDS_MAX, ge=0, le=1_000)  # 0: none at all, for now
    ids: Ids = Ids.DECIMAL  # of the answers
    receipt_ids: Ids | None = None  # None: as in the answers
    receipts_by: ReceiptsBy = ReceiptsBy.BOTH
    window: int = Field(DELIVER_WINDOW, ge=1, le=100_000)  # deliver_sm without an answer, of receipts and of texts
    long_texts: LongTexts = LongTexts.UDH8
    coding: Literal[0, 1, 3, 8] | None = None  # of texts from handsets, where it has all their characters
    text_ids: bool = False  # texts from handsets bring their id, as receipted_message_id


class Accounts:
    def __init__(self, password: str) -> None:
        self._password = password
        self._ordered: dict[str, Account] = {}
        self.sessions: dict[str, list[SmppSession]] = {}
        self.late_answers: dict[str, list[bytes]] = {}  # of an account's lost session, for its next one

    def order(self, accounts: Sequence[Account]) -> None:
        self._ordered |= {each.system_id: each for each in accounts}

    def as_usual(self) -> None:
        self._ordered.clear()

    def report(self) -> list[Account]:
        return list(self._ordered.values())

    def of(self, system_id: str) -> Account:
        return self._ordered.get(system_id) or Account.model_construct(system_id=system_id)

    def admits(self, account: Account, password: str) -> bool:
        return password == (self._password if account.password is None else account.password)

    def has_room(self, account: Account) -> bool:
        return len(self.sessions.get(account.system_id, ())) < account.binds_max

    def bound(self, session: "SmppSession") -> None:
        self.sessions.setdefault(session.system_id, []).append(session)

    def unbound(self, session: "SmppSession") -> None:
        sessions = self.sessions.get(session.system_id, [])
        if session in sessions:
            sessions.remove(session)

    def all_sessions(self) -> list["SmppSession"]:
        return [session for sessions in self.sessions.values() for session in sessions]
