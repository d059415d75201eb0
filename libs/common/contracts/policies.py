"""The language of `messaging` about companies' policies: what a company decides about its own texts, where the law and the networks leave it the choice.

`company_id` in an ask is for the command line, which is of no company: whose policy is meant. A user's ask is always about its own company.
"""

from __future__ import annotations

from datetime import time
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from libs.common.contracts.base import Command, Contract, Done, Event, Query

REPETITION_MAX = 20  # identical texts an hour to one number: networks refuse more (GOV.UK Notify's documentation)
COUNTRIES_MAX = 250

Company = Annotated[int, Field(ge=0, lt=2**31)]
Region = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
OptOutCheck = Literal["off", "warn", "refuse"]


class Policy(Contract):
    """A company's choices; those of a company that never made any are these defaults.

    `near_gsm`: characters that nearly are GSM's (curly quotes, dashes, no-break spaces) are replaced by those. `in_doubt`: what becomes of a single text that a
    carrier may or may not have taken: left to receipts and operators, or sent once more where a second text is better than none. `opt_out_check`: what a
    campaign's launch does where its text does not say how to stop. `quiet_from`, `quiet_until`: hours without marketing, by the clock of who gets it;
    `time_zone` where nobody knows theirs; both or none. `repetition_max`: identical single texts an hour to one number. `verification_countries`: where
    codes are sent to (ISO 3166; Jersey, Guernsey and the Isle of Man, JE, GG and IM, for themselves).
    """

    near_gsm: bool = False
    in_doubt: Literal["leave", "retry_once"] = "leave"
    opt_out_check: OptOutCheck = "warn"
    quiet_from: time | None = None
    quiet_until: time | None = None
    time_zone: str = Field("Europe/London", max_length=64)
    repetition_max: int = Field(REPETITION_MAX, ge=1, le=REPETITION_MAX)
    verification_countries: list[Region] = Field(default=["GB"], max_length=COUNTRIES_MAX)


class SetPolicy(Command[Done]):
    """Replaces the whole policy; holds for texts from the next second on. Refused with invalid_request where hours or time zone make no sense."""

    owner: ClassVar[str] = "messaging"

    policy: Policy
    company_id: Company = 0


class ReadPolicy(Query[Policy]):
    owner: ClassVar[str] = "messaging"

    company_id: Company = 0


# Events


class PolicyChanged(Event):
    """What others than messaging go by. `revision` rises with each change of this company's policy; a projection applies only a higher one."""

    type: ClassVar[str] = "messaging.policies.changed"

    opt_out_check: OptOutCheck
    revision: int
