"""What a campaign is and how it may move: the table of states, and the checks of a new one.

Owns which state may follow which and who moves it; a unit test compares it with the SQL's CHECK and guards. No I/O, no clock of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from libs.common import clock, gsm
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.campaign import CampaignState, CreateCampaign
from libs.common.contracts.policies import OptOutCheck
from libs.common.countries.optout_text import opt_out_check

S = CampaignState

# state -> what may follow, and who moves it
NEXT: Mapping[CampaignState, Mapping[CampaignState, str]] = {
    S.DRAFT: {S.LAUNCHED: "user"},
    S.LAUNCHED: {S.FREEZING: "begin loop", S.DRAFT: "user", S.EXPIRED: "expire loop"},
    S.FREEZING: {S.SENDING: "freeze loop", S.STOPPED: "user", S.EXPIRED: "expire loop"},
    S.SENDING: {S.FINISHED: "finish loop", S.STOPPED: "user", S.EXPIRED: "expire loop"},
    S.STOPPED: {},
    S.FINISHED: {},
    S.EXPIRED: {},
}

TITLE_CHARACTERS_MAX = 200  # a guess: a title is read in a list
LAUNCH_AHEAD_DAYS_MAX = 366  # farther is a slip of the year
LEASE_HOURS_MAX = 366 * 24
LISTS_MAX = 100  # linked with one campaign: a guess
NO_FOLDER = "the company has no such folder"


def require_may_become(state: CampaignState, next_: CampaignState) -> None:
    """Refused with wrong_state where the table has no such step."""
    if next_ not in NEXT[state]:
        raise Refusal(Code.WRONG_STATE, f"the campaign is {state}")


def require_editable(state: CampaignState) -> None:
    if state is not S.DRAFT:
        raise Refusal(Code.WRONG_STATE, f"the campaign is {state}: only a draft's lists may change")


def key_of(name: str) -> str:
    """What two writings of one brand share."""
    return name.strip().casefold()


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the company that asks, as far as one campaign names it (None: no such thing), and its policy."""

    header: str | None
    brand: str | None
    folder: bool
    opt_out_check: OptOutCheck = "warn"


@dataclass(frozen=True, slots=True)
class Draft:
    """A campaign that may be stored. `sender` and `brand` as the company wrote them when it added them."""

    title: str
    body: str
    folder_id: int
    brand: str
    sender: str
    launch_at: datetime | None
    lease_hours: int


def require_storable(*texts: str) -> None:
    if any("\x00" in text for text in texts):
        raise Refusal(Code.INVALID_REQUEST, "a text holds the character NUL, which PostgreSQL cannot store")


def draft(command: CreateCampaign, known: Known, now: datetime) -> Draft:
    """The campaign that `command` asks for; refused where anything in it cannot be sent as it stands."""
    title = command.title.strip()
    if not title or len(title) > TITLE_CHARACTERS_MAX:
        raise Refusal(Code.INVALID_REQUEST, f"a title of 1 to {TITLE_CHARACTERS_MAX} characters is required")
    if not command.body.strip():
        raise Refusal(Code.TEXT_EMPTY)
    if gsm.segments(command.body) > gsm.PARTS_MAX:
        raise Refusal(Code.TEXT_TOO_LONG, f"the text takes more than {gsm.PARTS_MAX} parts")
    if known.header is None:
        raise Refusal(Code.INVALID_SENDER, "this is not an active header of the company")
    if command.brand.strip() and known.brand is None:
        raise Refusal(Code.INVALID_REQUEST, "the company has no such brand")
    if command.folder_id and not known.folder:
        raise Refusal(Code.NOT_FOUND, NO_FOLDER)
    if not 0 <= command.lease_hours <= LEASE_HOURS_MAX:
        raise Refusal(Code.INVALID_REQUEST, f"a lease of 0 to {LEASE_HOURS_MAX} hours is required")
    launch_at = None if command.launch_at is None else clock.from_client(command.launch_at)
    if launch_at is not None and launch_at > now + timedelta(days=LAUNCH_AHEAD_DAYS_MAX):
        raise Refusal(Code.INVALID_DATE, f"launch_at is more than {LAUNCH_AHEAD_DAYS_MAX} days ahead")
    if launch_at is not None and launch_at.year == 1:
        # An unset variable. And its first moment is -infinity to asyncpg, which reads it back without an offset.
        raise Refusal(Code.INVALID_DATE, "launch_at is in the year 1")
    expiry(launch_at or now, command.lease_hours, now)
    return Draft(
        title=title,
        body=command.body,
        folder_id=command.folder_id,
        brand=known.brand or "",
        sender=known.header,
        launch_at=launch_at,
        lease_hours=command.lease_hours,
    )


def warnings(body: str, sender: str, check: OptOutCheck) -> list[str]:
    """What is amiss with the text, and may be launched so; refused with invalid_request where the company's policy has it so."""
    found = opt_out_check(body, sender)
    if found.told or check == "off":
        return []
    if check == "refuse":
        raise Refusal(Code.INVALID_REQUEST, found.reason)
    return [found.reason]


def expiry(starts_at: datetime, lease_hours: int, now: datetime) -> datetime | None:
    """When a campaign that starts then stops handing over; None: never. Refused with invalid_date where that is over already."""
    if lease_hours == 0:
        return None
    expires_at = starts_at + timedelta(hours=lease_hours)
    if expires_at <= now:
        raise Refusal(Code.INVALID_DATE, "its lease has run out")
    return expires_at
