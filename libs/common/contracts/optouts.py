"""The language of opt-outs, as `inbound` speaks it: what is stopped and why, a person's say in it, the review list, a company's policy.

`company_id` in an ask is for the command line, which is of no company: whose opt-outs are meant. A user's ask is always about its own company.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from libs.common.contracts.base import ITEMS_MAX, PAGE_MAX, Command, Contract, Done, Limit, Query

OWN_WORDS_MAX = 20  # of a company, a kind
REPLY_CHARACTERS_MAX = 320
REVIEWS_PAGE_MAX = 500  # of the longest texts some 3 MB

OwnWord = Annotated[str, Field(min_length=1, max_length=40)]
ReplyBody = Annotated[str, Field(max_length=REPLY_CHARACTERS_MAX)]
Reason = Annotated[str, Field(min_length=1, max_length=200)]
Company = Annotated[int, Field(ge=0, lt=2**31)]


class Scope(StrEnum):
    """What a plain STOP stops: the texts of the header it was texted to, of that header's brand, or of the company. STOP ALL is always the company."""

    HEADER = "header"
    BRAND = "brand"
    COMPANY = "company"


class OptOutPolicy(Contract):
    """`stop_words`, `start_words`: the company's own, beside everybody's, each to be alone in a text. Each text that is not empty answers its wish;
    in it {brand} is the header's brand (the header where it has none), {header} the header that was texted to."""

    scope: Scope = Scope.COMPANY
    stop_words: list[OwnWord] = Field(default_factory=list, max_length=OWN_WORDS_MAX)
    start_words: list[OwnWord] = Field(default_factory=list, max_length=OWN_WORDS_MAX)
    stop_text: ReplyBody = (
        "{brand}: you are opted out and will get no more messages from {header}. Text START to rejoin."
    )
    start_text: ReplyBody = "{brand}: you are opted in again to messages from {header}. Text STOP to end them."
    help_text: ReplyBody = "{brand} texts you from {header}. To get no more messages, text STOP to {header}."


class SetOptOutPolicy(Command[Done]):
    """Holds for what is texted from now on. Refused with invalid_request where a word has no letter or digit, or means something to everybody."""

    owner: ClassVar[str] = "inbound"

    policy: OptOutPolicy
    company_id: Company = 0


class ReadOptOutPolicy(Query[OptOutPolicy]):
    owner: ClassVar[str] = "inbound"

    company_id: Company = 0


class OptOut(Contract):
    """`scope`: '' all of the company, 'header:<sender key>', 'brand:<brand>'. `soft`: no marketing until a person has read its text.

    `text_id`: the text that wished it; where there is none a person did, `user_id` (0: an operator), for `reason`. `key` orders them by change.
    """

    key: int
    number: str
    scope: str
    header: str
    soft: bool
    at: datetime
    text_id: UUID | None
    user_id: int | None
    reason: str


class OptOuts(Contract):
    items: list[OptOut]
    more: bool


class ReadOptOuts(Query[OptOuts]):
    """What is stopped at the company now, in the order it changed; of one number where it is given. Of the console, company 0: everywhere."""

    owner: ClassVar[str] = "inbound"

    number: str | None = None
    after: int = Field(0, ge=0, lt=2**63)
    limit: Limit = PAGE_MAX
    company_id: Company = 0


class AddOptOuts(Command[Done]):
    """A person opts numbers out, in the scope that a STOP to `header` has; without a header, of the whole company. From the console and company 0:
    of every company. Refused with invalid_number where one is none, and with not_found where the company has no such header."""

    owner: ClassVar[str] = "inbound"

    numbers: list[str] = Field(min_length=1, max_length=ITEMS_MAX)
    reason: Reason
    header: str = ""
    company_id: Company = 0


class LiftOptOut(Command[Done]):
    """A person opts a number in again, in every scope. What holds everywhere only the console lifts. Refused with not_found where nothing is stopped."""

    owner: ClassVar[str] = "inbound"

    number: str
    reason: Reason
    company_id: Company = 0


class Review(Contract):
    """A text that may be a wish to stop. `id`: the text's; `to`: the header it came to."""

    id: UUID
    number: str
    to: str
    body: str
    at: datetime
    scope: str


class Reviews(Contract):
    items: list[Review]
    more: bool


class ReadReviews(Query[Reviews]):
    """Texts that a person has to read, oldest first. A later STOP or START of the number settles them, too. A page has at most REVIEWS_PAGE_MAX."""

    owner: ClassVar[str] = "inbound"

    after: UUID | None = None
    limit: Limit = 100
    company_id: Company = 0


class SettleReview(Command[Done]):
    """A person has read the text. `opt_out`: it is a STOP, as of now; else it is none, and what waited for it goes on.

    What the number texted before it, to the same scope, is settled with it. Refused with not_found, and with wrong_state where it is settled.
    """

    owner: ClassVar[str] = "inbound"

    id: UUID
    opt_out: bool
    reason: str = Field("", max_length=200)
    company_id: Company = 0
