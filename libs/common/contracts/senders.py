"""The language of `auth` about senders: headers (what a company sends as), their approval, the brands they speak for, and the names that are protected."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from libs.common.contracts.auth import Id, Name, Strings
from libs.common.contracts.base import Command, Contract, Done, Event, Query


class Header(Contract):
    """`version` rises with each change of this company's header; a projection applies only a higher one.

    `shared`: other companies may use this number too, so that what comes in on it is a company's by keyword, or the last sender's.
    `brand`: the brand that it speaks for, '' where none: a STOP may be of a brand's headers.
    `approval`: only an approved one can be active. See ApproveHeader.
    """

    header: str
    active: bool
    version: int
    shared: bool = False
    brand: str = ""
    approval: Literal["approved", "pending", "rejected"] = "approved"


class ActiveHeaders(Query[Strings]):
    """The From numbers and names the caller's company may send with now, in the order they were added."""

    owner: ClassVar[str] = "auth"


class AddHeader(Command[Header]):
    """Lets a company send as `header`: a number of the country, a short code of five digits from 6, 7 or 8, or a name (up to 11 letters A to Z, digits, spaces
    and . & _ -) that is not generic: libs/common/countries. Refused with invalid_sender, and the one reason, where it is none of them.

    A number receives texts, so it is one company's, unless it is `shared`: then other companies that add it as shared use it too. Which of the two is
    settled by who adds it first; refused with duplicate for whoever adds it otherwise. Any company may add a name: a shared one is an invalid_request.
    A name that is protected, or looks like one that is, is pending, and not active, until it is approved.
    """

    owner: ClassVar[str] = "auth"

    company_id: Id
    header: str = Field(min_length=1, max_length=20)
    shared: bool = False


class SetHeaderActive(Command[Done]):
    """Refused with wrong_state where it is not approved."""

    owner: ClassVar[str] = "auth"

    company_id: Id
    header: Name
    active: bool


class SetHeaderBrand(Command[Done]):
    """`brand`: one of the company's that the header speaks for; '' for none."""

    owner: ClassVar[str] = "auth"

    company_id: Id
    header: Name
    brand: Name | Literal[""]


Evidence = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000, pattern=r"^[^\x00]+$")
]


class ApproveHeader(Command[Done]):
    """`evidence`: what shows that the company may use the name, such as a letter of authority and where it is kept. Makes the header active."""

    owner: ClassVar[str] = "auth"

    company_id: Id
    header: Name
    evidence: Evidence


class RejectHeader(Command[Done]):
    """`evidence`: why not. One that was approved before is taken away again."""

    owner: ClassVar[str] = "auth"

    company_id: Id
    header: Name
    evidence: Evidence


class HeaderDecision(Contract):
    """`user_id` None: decided on the operator's own machine, by the command line."""

    approved: bool
    evidence: str
    user_id: int | None
    at: datetime


class HeaderDecisions(Contract):
    items: list[HeaderDecision]


class ReadHeaderDecisions(Query[HeaderDecisions]):
    """All there were about a header, oldest first."""

    owner: ClassVar[str] = "auth"

    company_id: Id
    header: Name


class ProtectName(Command[Done]):
    """From now on a header that is `name`, or looks like it, needs approval. Those that there are stay as they are."""

    owner: ClassVar[str] = "auth"

    name: str = Field(min_length=2, max_length=11, pattern=r"^[A-Za-z0-9 .&_-]+$")


class UnprotectName(Command[Done]):
    """Only of those that an operator added: the country's are data of the program."""

    owner: ClassVar[str] = "auth"

    name: Name


class ListProtectedNames(Query[Strings]):
    """Those that operators added, by name."""

    owner: ClassVar[str] = "auth"


class Brand(Contract):
    name: str
    active: bool
    version: int


class ActiveBrands(Query[Strings]):
    """The brands of the caller's company that campaigns may name now, in the order they were added."""

    owner: ClassVar[str] = "auth"


class AddBrand(Command[Done]):
    owner: ClassVar[str] = "auth"

    company_id: Id
    name: Name


class SetBrandActive(Command[Done]):
    """Campaigns name only active brands."""

    owner: ClassVar[str] = "auth"

    company_id: Id
    name: Name
    active: bool


# Events


class HeadersChanged(Event):
    type: ClassVar[str] = "auth.headers.changed"

    items: list[Header]


class BrandsChanged(Event):
    type: ClassVar[str] = "auth.brands.changed"

    items: list[Brand]
