"""The language of `messaging` about what sending costs: prices, usage, and the accounts that bound it.

Money is counted in millionths ("micros") of the unit of one currency, which is the price table's. What is counted are parts that a carrier took, or
may have taken: they are charged when they are claimed, and given back where they surely were not taken.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field

from libs.common.contracts.base import PAGE_MAX, Command, Contract, Done, Event, Limit, Query

Micros = Annotated[int, Field(ge=0, le=10**12)]
CompanyId = Annotated[int, Field(ge=0, lt=2**31)]
PRICES_MAX = 2_000
WEIGHT_MAX = 100


class Price(Contract):
    """Of one part to numbers that begin with `prefix`; the longest that fits counts. "+": all others."""

    prefix: str = Field(pattern=r"^\+[0-9]{0,15}$")
    micros: Micros


class Prices(Contract):
    """`currency`: ISO 4217; "" where there are no prices."""

    currency: str
    prices: list[Price]


class SetPrices(Command[Done]):
    """For operators. Replaces the whole table; what was sent before keeps its cost. Refused with invalid_request where a prefix stands twice."""

    owner: ClassVar[str] = "messaging"

    currency: str = Field(pattern=r"^[A-Z]{3}$")
    prices: list[Price] = Field(max_length=PRICES_MAX)


class ReadPrices(Query[Prices]):
    owner: ClassVar[str] = "messaging"


class UsageRow(Contract):
    """`month`: its first day, in UTC, of when the text was claimed. `campaign_id` 0: single texts. `brand` is the header's."""

    month: date
    company_id: int
    sender: str
    brand: str
    campaign_id: int
    texts: int
    parts: int
    micros: int


class UsagePage(Contract):
    currency: str
    rows: list[UsageRow]
    more: bool


class ReadUsage(Query[UsagePage]):
    """Rows of months `since` to `until`, both included, by month, company, sender and campaign; `skip` those of the pages before. A user's ask is about its
    own company; of the command line `company_id` 0 means all."""

    owner: ClassVar[str] = "messaging"

    since: date
    until: date
    company_id: CompanyId = 0
    skip: int = Field(0, ge=0)
    limit: Limit = PAGE_MAX


class Account(Contract):
    """What bounds a company's sending; None: nothing does. `credit_micros`: what is left to spend; `parts_a_month`: a cap, of which `parts_this_month` are
    used. `weight`: its share of a lane when several companies wait, beside theirs. `low_micros`: below this AccountLow is told."""

    credit_micros: int | None = None
    low_micros: int = 0
    parts_a_month: int | None = None
    parts_this_month: int = 0
    weight: int = 1


class SetAccount(Command[Done]):
    """For operators. What is None stays as it is; `unlimited` takes credit and cap away; `top_up_micros` is added to the credit."""

    owner: ClassVar[str] = "messaging"

    company_id: CompanyId
    unlimited: bool = False
    credit_micros: Micros | None = None
    top_up_micros: Micros | None = None
    low_micros: Micros | None = None
    parts_a_month: int | None = Field(None, ge=0, le=10**10)
    weight: int | None = Field(None, ge=1, le=WEIGHT_MAX)


class ReadAccount(Query[Account]):
    """A user's ask is about its own company; the command line names one."""

    owner: ClassVar[str] = "messaging"

    company_id: CompanyId = 0


# Events


class AccountLow(Event):
    """The company's credit fell below its mark, or what it wants to send goes beyond its credit or cap: that waits in the queue. Told once an hour at most."""

    type: ClassVar[str] = "messaging.accounts.lowered"
    public: ClassVar[bool] = True

    credit_micros: int | None
    parts_left: int | None
