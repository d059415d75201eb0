"""The language of `messaging` with its operators: carriers, who takes what, and what is in doubt."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import Field

from libs.common.contracts.base import Command, Contract, Done, Limit, Query

CarrierName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
Rate = Annotated[float, Field(gt=0, le=100_000)]


class CarrierState(StrEnum):
    ACTIVE = "active"
    DRAINING = "draining"  # what is queued for it goes out, nothing new comes
    PAUSED = "paused"  # nothing goes out; what is queued goes another way where there is one


class Bind(Contract):
    """One session of a carrier that one process may hold at a time. `trouble`: in the carrier's own words."""

    number: int
    owner: str
    epoch: int
    connected: bool
    trouble: str


class CarrierLately(Contract):
    """Parts in the last ten minutes. `errors`: without an answer, or refused for the carrier's own fault; `slow`: delivered after more than five minutes."""

    answered: int
    errors: int
    delivered: int
    slow: int


class CarrierInfo(Contract):
    """`settings`: with the secrets masked. `share`: of its weight that routing uses now. `queued`: texts that wait for it."""

    name: str
    kind: str
    state: CarrierState
    parts_per_s: float | None
    share: float
    held: str
    queued: int
    in_doubt: int
    binds: list[Bind]
    lately: CarrierLately
    settings: dict[str, Any]


class Carriers(Contract):
    items: list[CarrierInfo]


class ListCarriers(Query[Carriers]):
    owner: ClassVar[str] = "messaging"


class AddCarrier(Command[Done]):
    """`protocol`: smpp, twilio or generic, the kind of carrier. `settings`: of its kind, checked before they are kept; what is secret among them is sealed and
    shown to nobody. Repeated, it changes the settings of the carrier of that name, whose clients connect anew. Refused with invalid_request, naming each
    setting that is wrong."""

    owner: ClassVar[str] = "messaging"

    name: CarrierName
    protocol: str
    settings: dict[str, Any]


class SetCarrier(Command[Done]):
    """None leaves a thing as it is; `parts_per_s` 0: no cap."""

    owner: ClassVar[str] = "messaging"

    name: CarrierName
    state: CarrierState | None = None
    parts_per_s: float | None = Field(None, ge=0, le=100_000)


class RemoveCarrier(Command[Done]):
    """Its routes go with it. Refused with wrong_state while it is active or was seconds ago, and while texts wait for it or are on their way with it."""

    owner: ClassVar[str] = "messaging"

    name: CarrierName


class NewRoute(Contract):
    """Texts that match all that is given may go by `carrier`; None matches everything. The lowest `position` with a usable carrier counts; carriers of one
    position share by weight."""

    carrier: CarrierName
    position: int = Field(1000, ge=0, le=1_000_000)
    weight: int = Field(100, ge=1, le=1000)
    prefix: str | None = Field(None, pattern=r"^\+[0-9]{1,15}$")
    country: str | None = Field(None, pattern=r"^[A-Z]{2}$")
    sender: str | None = None
    company_id: int | None = Field(None, ge=1, lt=2**31)
    lane: str | None = Field(None, pattern="^(urgent|ordinary|bulk)$")


class RouteId(Contract):
    id: int


class AddRoute(Command[RouteId]):
    owner: ClassVar[str] = "messaging"

    route: NewRoute


class RemoveRoute(Command[Done]):
    owner: ClassVar[str] = "messaging"

    id: int = Field(ge=0, lt=2**31)


class RouteInfo(NewRoute):
    id: int


class Routes(Contract):
    items: list[RouteInfo]


class ListRoutes(Query[Routes]):
    owner: ClassVar[str] = "messaging"


class SetSenderCap(Command[Done]):
    """At most so many parts a second go out under this header, by whatever carrier; 0: no cap."""

    owner: ClassVar[str] = "messaging"

    sender: str = Field(min_length=1, max_length=40)
    parts_per_s: float = Field(ge=0, le=100_000)


class Doubt(Contract):
    id: UUID
    company_id: int
    carrier: str
    lane: str
    since: datetime
    reason: str


class Doubts(Contract):
    """`total`: all there are."""

    items: list[Doubt]
    total: int


class ListDoubts(Query[Doubts]):
    """Texts in doubt, oldest first."""

    owner: ClassVar[str] = "messaging"

    limit: Limit = 100


class ReplayReceipts(Command[Done]):
    """Applies the stored receipts of a carrier from `since` to before `until` again, as they came: after a fault in reading them was mended.

    An end state is never left."""

    owner: ClassVar[str] = "messaging"

    carrier: CarrierName
    since: datetime
    until: datetime
