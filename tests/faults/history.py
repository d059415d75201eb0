"""A history: what clients were told, what the network saw, and what the services' databases say when all is quiet again.

Values only. Filled by dump.py from a run and by hand in the checker's own tests; judged by checker.py. Imports no service code: a mistake there
must not be made here too. Times are Unix seconds of one machine's clock.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Outcome = Literal["ok", "refused", "unknown"]  # unknown: an error or nothing was answered


@dataclass(frozen=True, slots=True)
class TextOffer:
    """A client's SendInstantMessage. Bodies are unique, so a text is known even where no id was answered."""

    company_id: int
    number: str
    sender: str
    body: str
    began_at: float
    ended_at: float
    outcome: Outcome
    id: str = ""  # X-Message-Id, where there was an answer
    http: int = 200  # 0: no answer
    status: int | None = 0  # StatusEnum, where it was one of the platform's


@dataclass(frozen=True, slots=True)
class CampaignOffer:
    """A launched campaign: `numbers` are its list's, each once."""

    company_id: int
    campaign_id: int
    sender: str
    body: str
    numbers: list[str]


@dataclass(frozen=True, slots=True)
class InboundOffer:
    """A text from a handset that the network took over."""

    company_id: int
    number: str
    header: str
    body: str
    at: float
    is_stop: bool


@dataclass(frozen=True, slots=True)
class Submit:
    """A line of the network's log. `fate`: what the receipt says; `receipt_acked`: the platform has taken that receipt over."""

    n: int
    at: float
    text_id: str
    sender: str
    number: str
    body: str
    outcome: str  # taken, or why not
    fate: str | None
    receipt_acked: bool


@dataclass(frozen=True, slots=True)
class Text:
    """A row of the ledger, open or closed."""

    id: str
    company_id: int
    lane: int
    state: str
    number: str
    sender: str
    body: str | None
    campaign_id: int | None
    position: int | None
    version: int


@dataclass(frozen=True, slots=True)
class Campaign:
    id: int
    company_id: int
    state: str
    targeted: int
    checkpoint: int


@dataclass(frozen=True, slots=True)
class Recipient:
    campaign_id: int
    position: int
    number: str
    text_id: str
    state: str | None
    version: int


@dataclass(frozen=True, slots=True)
class Received:
    """A row of inbound's texts."""

    id: str
    company_id: int | None
    number: str
    header: str
    body: str


@dataclass(frozen=True, slots=True)
class Stop:
    """A wish as inbound committed it, or as messaging committed that it obeys it."""

    company_id: int
    number: str
    stopped: bool
    committed_at: float


@dataclass(frozen=True, slots=True)
class Settled:
    """One item of a `messaging.texts.settled` event, as it passed through the broker."""

    event_id: str
    text_id: str
    company_id: int
    state: str
    version: int


@dataclass(frozen=True, slots=True)
class Fault:
    """`at` is None where it never fired, 0 where only the network knows when; `submits`: how many the network had seen by then."""

    name: str
    at: float | None
    submits: int = 0


@dataclass
class History:
    texts_offered: list[TextOffer] = field(default_factory=list)
    campaigns_offered: list[CampaignOffer] = field(default_factory=list)
    inbound_offered: list[InboundOffer] = field(default_factory=list)
    submits: list[Submit] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    campaigns: list[Campaign] = field(default_factory=list)
    recipients: list[Recipient] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    conversed: list[str] = field(default_factory=list)  # ids of received texts that messaging shows in conversations
    stops: list[Stop] = field(default_factory=list)  # inbound's
    suppressions: list[Stop] = field(default_factory=list)  # messaging's
    settled: list[Settled] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    waiting: dict[str, int] = field(
        default_factory=dict
    )  # after the drain, by queue, outbox, claims ...: how much is left
    books: list[str] = field(default_factory=list)  # what the services say of their own books
    surprises: list[str] = field(
        default_factory=list
    )  # what the runner saw that nobody ordered: a process that died by itself

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def from_json(data: dict[str, Any]) -> History:
    """What `as_json` gave, for looking at a run again."""
    rows: dict[str, type] = {
        "texts_offered": TextOffer,
        "campaigns_offered": CampaignOffer,
        "inbound_offered": InboundOffer,
        "submits": Submit,
        "texts": Text,
        "campaigns": Campaign,
        "recipients": Recipient,
        "received": Received,
        "stops": Stop,
        "suppressions": Stop,
        "settled": Settled,
        "faults": Fault,
    }
    return History(**data | {name: [type_(**row) for row in data[name]] for name, type_ in rows.items()})
