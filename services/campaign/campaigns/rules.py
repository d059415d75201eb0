"""What a campaign is and how it may move: the table of states, and the checks of a new one.

Owns which state may follow which and who moves it; a unit test compares it with the SQL's CHECK and guards. No I/O, no clock of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from libs.common import clock
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.campaign import CampaignState, CreateCampaign, SendingWindow
from libs.common.contracts.policies import OptOutCheck
from libs.common.countries.optout_text import opt_out_check
from services.campaign.freezing.rules import require_sendable
from services.campaign.schedules import rules as schedules

S = CampaignState

# state -> what may follow, and who moves it
NEXT: Mapping[CampaignState, Mapping[CampaignState, str]] = {
    S.DRAFT: {S.LAUNCHED: "user"},
    S.LAUNCHED: {S.FREEZING: "begin loop", S.DRAFT: "user", S.EXPIRED: "expire loop"},
    S.FREEZING: {
        S.SENDING: "freeze loop",
        S.PAUSED: "user, or watch loop",
        S.STOPPED: "user",
        S.EXPIRED: "expire loop",
    },
    S.SENDING: {
        S.FINISHED: "finish loop",
        S.PAUSED: "user, or watch loop",
        S.STOPPED: "user",
        S.EXPIRED: "expire loop",
    },
    S.PAUSED: {
        S.FREEZING: "user",
        S.SENDING: "user",
        S.STOPPED: "user",
        S.EXPIRED: "expire loop",
        S.FINISHED: "finish loop",
    },
    S.STOPPED: {},
    S.FINISHED: {},
    S.EXPIRED: {},
}
BEGUN = frozenset({S.FREEZING, S.SENDING, S.PAUSED})  # and not ended: messaging has a course of it
RUNNING = BEGUN | {S.LAUNCHED}

Course = Literal["go", "hold", "stop"]

TITLE_CHARACTERS_MAX = 200  # a guess: a title is read in a list
LAUNCH_AHEAD_DAYS_MAX = 366  # farther is a slip of the year
LEASE_HOURS_MAX = 366 * 24
LISTS_MAX = 100  # linked with one campaign: a guess
NO_FOLDER = "the company has no such folder"


def require_may_become(state: CampaignState, next_: CampaignState) -> None:
    """Refused with wrong_state where the table has no such step."""
    if next_ not in NEXT[state]:
        raise Refusal(Code.WRONG_STATE, f"the campaign is {state}")


def require_running(state: CampaignState) -> None:
    if state not in RUNNING:
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
    personal: bool
    per_minute: int | None
    spread_until: datetime | None
    windows: Sequence[SendingWindow]


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
    require_sendable(command.body, personal=command.personal)
    if known.header is None:
        raise Refusal(Code.INVALID_SENDER, "this is not an active header of the company")
    if command.brand.strip() and known.brand is None:
        raise Refusal(Code.INVALID_REQUEST, "the company has no such brand")
    if command.folder_id and not known.folder:
        raise Refusal(Code.NOT_FOUND, NO_FOLDER)
    launch_at, spread_until = _times(command, now)
    return Draft(
        title=title,
        body=command.body,
        folder_id=command.folder_id,
        brand=known.brand or "",
        sender=known.header,
        launch_at=launch_at,
        lease_hours=command.lease_hours,
        personal=command.personal,
        per_minute=command.per_minute,
        spread_until=spread_until,
        windows=command.windows,
    )


def _times(command: CreateCampaign, now: datetime) -> tuple[datetime | None, datetime | None]:
    """Its launch_at and spread_until."""
    if command.per_minute is not None and command.spread_until is not None:
        raise Refusal(Code.INVALID_REQUEST, "a pace is either per_minute or spread_until")
    launch_at = None if command.launch_at is None else _moment("launch_at", command.launch_at, now)
    spread_until = None if command.spread_until is None else _moment("spread_until", command.spread_until, now)
    expires_at = expiry(launch_at or now, command.lease_hours, now)
    require_time_to_send(schedules.checked(command.windows), max(launch_at or now, now), expires_at, spread_until)
    return launch_at, spread_until


def _moment(name: str, at: datetime, now: datetime) -> datetime:
    """The client's time in UTC: one without an offset is UK time, where the clocks leap over it as if they had not, where it comes twice the first."""
    moment = clock.from_client(at)
    if moment > now + timedelta(days=LAUNCH_AHEAD_DAYS_MAX):
        raise Refusal(Code.INVALID_DATE, f"{name} is more than {LAUNCH_AHEAD_DAYS_MAX} days ahead")
    if moment.year == 1:
        # An unset variable. And its first moment is -infinity to asyncpg, which reads it back without an offset.
        raise Refusal(Code.INVALID_DATE, f"{name} is in the year 1")
    return moment


def require_time_to_send(
    windows: schedules.Windows, starts_at: datetime, expires_at: datetime | None, spread_until: datetime | None
) -> None:
    """Refused with invalid_date where what it is limited by leaves no time: a moment to be spread until that has passed, windows that open too late."""
    if spread_until is not None and spread_until <= starts_at:
        raise Refusal(Code.INVALID_DATE, "spread_until is not after its start")
    if spread_until is not None and expires_at is not None and spread_until > expires_at:
        raise Refusal(Code.INVALID_DATE, "spread_until is after the end of its lease")
    ends_at = spread_until or expires_at
    if ends_at is not None and schedules.open_seconds(windows, starts_at, ends_at) == 0:
        raise Refusal(Code.INVALID_DATE, f"none of its windows opens before {ends_at:%Y-%m-%dT%H:%MZ}")


def warnings(body: str, sender: str, check: OptOutCheck, *, launched: bool = False) -> list[str]:
    """What is amiss with the text, and may be launched so; refused with invalid_request where the company's policy has it so and it is not `launched` yet."""
    found = opt_out_check(body, sender)
    if found.told or check == "off":
        return []
    if check == "refuse" and not launched:
        raise Refusal(Code.INVALID_REQUEST, found.reason)
    return [found.reason]


def expiry(starts_at: datetime, lease_hours: int, now: datetime) -> datetime | None:
    """When a campaign that starts then stops sending; None: never. Refused with invalid_date where that is over already."""
    if not 0 <= lease_hours <= LEASE_HOURS_MAX:
        raise Refusal(Code.INVALID_REQUEST, f"a lease of 0 to {LEASE_HOURS_MAX} hours is required")
    if lease_hours == 0:
        return None
    expires_at = starts_at + timedelta(hours=lease_hours)
    if expires_at <= now:
        raise Refusal(Code.INVALID_DATE, "its lease has run out")
    return expires_at
