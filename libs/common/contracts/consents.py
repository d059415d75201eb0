"""The language of `inbound` about consents: who agreed to get marketing, or withdrew it, when, how and in answer to which words. The proof, never changed.

`company_id` in an ask is for the command line, which is of no company: whose consents are meant. A user's ask is always about its own company.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field

from libs.common.contracts.base import ITEMS_MAX, Command, Contract, Lane, Limit, Query

WORDING_CHARACTERS_MAX = 1_000
REFERENCE_CHARACTERS_MAX = 200
CONSENTS_PAGE_MAX = 1_000  # of the longest wordings some 4 MB, far under what the broker takes

Company = Annotated[int, Field(ge=0, lt=2**31)]


class Kind(StrEnum):
    GIVEN = "given"
    WITHDRAWN = "withdrawn"


class How(StrEnum):
    TEXT = "text"
    WEB_FORM = "web_form"
    PAPER = "paper"
    PHONE = "phone"
    IMPORT = "import"  # as another service or file told it
    PERSON = "person"  # told to one of the company's people, or done by one


class NewConsent(Contract):
    """`id`: made by whoever records it, so that a repeat records nothing more. `wording`: what the person was shown, or said. `reference`: where the proof is
    kept, such as a form's number. `at`: when the person did it."""

    id: UUID
    number: str
    kind: Kind
    how: How
    at: AwareDatetime
    wording: str = Field("", max_length=WORDING_CHARACTERS_MAX)
    reference: str = Field("", max_length=REFERENCE_CHARACTERS_MAX)


class Consent(NewConsent):
    """`key` orders the ledger: `after` of the next page. Recorded by a user (0: an operator) or from a text, whose words are then the wording."""

    wording: str = ""  # a text may be longer than what can be recorded otherwise
    key: int
    recorded_at: datetime
    user_id: int | None
    text_id: UUID | None


class ConsentsRecorded(Contract):
    """`stopped`: numbers that are opted out by it."""

    recorded: int
    repeated: int
    stopped: int


class RecordConsents(Command[ConsentsRecorded]):
    """All of them, or none: refused with invalid_number where one is no phone number, with invalid_date where one is of the future.

    `stops`: each that is withdrawn opts the number out of all texts of the company, as a STOP at that moment would: a START that the number has texted here
    since then holds. A consent that is given opts nobody in: only a START does.
    """

    owner: ClassVar[str] = "inbound"
    lane: ClassVar[Lane] = Lane.BULK

    items: list[NewConsent] = Field(min_length=1, max_length=ITEMS_MAX)
    stops: bool = False
    company_id: Company = 0


class ConsentPage(Contract):
    items: list[Consent]
    more: bool


class ReadConsents(Query[ConsentPage]):
    """The company's ledger in the order it was written; of one number where it is given. A page has at most CONSENTS_PAGE_MAX, whatever the limit."""

    owner: ClassVar[str] = "inbound"

    number: str | None = None
    after: int = Field(0, ge=0, lt=2**63)
    limit: Limit = CONSENTS_PAGE_MAX
    company_id: Company = 0
