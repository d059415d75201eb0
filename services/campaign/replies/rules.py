"""What came back of a campaign: which texts and opt-outs can be one's at all. No I/O, no clock of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from libs.common import phone
from libs.common.contracts.campaign import REPLY_DAYS
from libs.common.contracts.inbound import ContactState, InboundText

REPLY_WITHIN = timedelta(days=REPLY_DAYS)
BEGAN_WITHIN = timedelta(
    days=REPLY_DAYS + 30
)  # a campaign that has been sending for longer gets no replies any more: what is looked through ends there
CAMPAIGNS_MAX = (
    50  # the newest of a sender that are looked through: 1 us of PostgreSQL's CPU for each text and campaign
)
CLOCKS_APART = timedelta(minutes=1)  # many carriers tell no seconds
_OPT_OUTS = UUID("0193788e-5d2f-7a55-8d0c-6c1fb7a4e9d1")  # a namespace of our own: RFC 9562, 5.5


@dataclass(frozen=True, slots=True)
class Back:
    """A text of `number` (E.164 without its plus) to `sender`, or its opt-out from it. `id`: the same for the same, however often it is told."""

    id: UUID
    number: int
    sender: str
    at: datetime

    @property
    def made_before(self) -> UUID:
        """Above each UUIDv7 of a text that this can be an answer to."""
        return UUID(int=int((self.at + CLOCKS_APART).timestamp() * 1_000) << 80)


def texts(items: Iterable[InboundText]) -> list[Back]:
    """Those whose sender is a number: no campaign goes to a name or a short code."""
    return [Back(item.id, int(item.number), item.to, item.at) for item in items if phone.E164.fullmatch(item.number)]


def opt_outs(company_id: int, items: Iterable[ContactState]) -> list[Back]:
    """Those that hold: what only looks like one is one when a person has said so, which is told again. One from no header is no answer to a text."""
    return [
        Back(
            uuid5(_OPT_OUTS, f"{company_id} {item.number} {item.scope} {item.sequence}"),
            int(item.number),
            item.header,
            item.at,
        )
        for item in items
        if item.header and not item.soft and phone.E164.fullmatch(item.number)
    ]
