"""Statuses: what StatusEnum may say, and which refusal of a service becomes which status.

The documentation shows Success = 0 and no other value; every other name and number here is Heliograph's own. A number,
once released, is never given to another name. One numbering serves all enums, so a client learns it once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from libs.common.contracts.base import Code


class Status(IntEnum):
    Success = 0
    SessionExpired = 1
    PermissionDenied = 2
    NotFound = 3
    InvalidPhoneNumber = 4
    InvalidSender = 5
    MessageEmpty = 6
    MessageTooLong = 7
    OptedOut = 8
    WrongState = 9
    Duplicate = 10
    LimitReached = 11
    InvalidRequest = 12
    InvalidCredentials = 13
    InvalidDate = 14
    InvalidRule = 15
    AlreadyLinked = 16
    NoRecipients = 17
    TooMany = 18


MEANINGS: Mapping[Status, str] = {
    Status.Success: "Done.",
    Status.SessionExpired: "The token is unknown, has expired, or its session was ended. Log in again.",
    Status.PermissionDenied: "The user lacks the permission that this operation needs.",
    Status.NotFound: "The company has no such thing.",
    Status.InvalidPhoneNumber: "A phone number is not one.",
    Status.InvalidSender: "FromNumber is not an active header of the company.",
    Status.MessageEmpty: "The message holds no text.",
    Status.MessageTooLong: "The message takes more parts than allowed.",
    Status.OptedOut: "The number has texted STOP to the company.",
    Status.WrongState: "The state it is in does not allow this.",
    Status.Duplicate: "There is one of that name already.",
    Status.LimitReached: "A limit on the rate or the amount is reached. Try later.",
    Status.InvalidRequest: "A value is missing or makes no sense.",
    Status.InvalidCredentials: "Username and password do not belong together, or the reusable token is none (any more).",
    Status.InvalidDate: "A date is missing, impossible or too far from another.",
    Status.InvalidRule: "GenerationRule cannot be followed.",
    Status.AlreadyLinked: "Campaign and phone list are linked already.",
    Status.NoRecipients: "The campaign has nobody to send to.",
    Status.TooMany: "More items than one request may hold.",
}


# A refusal -> what the documented surface says. deadline_passed and unavailable have no row: they are HTTP 503.
REFUSALS: Mapping[Code, Status] = {
    Code.SESSION_EXPIRED: Status.SessionExpired,
    Code.WRONG_CREDENTIALS: Status.InvalidCredentials,
    Code.PERMISSION_DENIED: Status.PermissionDenied,
    Code.NOT_FOUND: Status.NotFound,
    Code.INVALID_REQUEST: Status.InvalidRequest,
    Code.INVALID_NUMBER: Status.InvalidPhoneNumber,
    Code.COUNTRY_NOT_ALLOWED: Status.InvalidPhoneNumber,
    Code.INVALID_SENDER: Status.InvalidSender,
    Code.INVALID_DATE: Status.InvalidDate,
    Code.INVALID_RULE: Status.InvalidRule,
    Code.TEXT_EMPTY: Status.MessageEmpty,
    Code.TEXT_TOO_LONG: Status.MessageTooLong,
    Code.OPTED_OUT: Status.OptedOut,
    Code.WRONG_STATE: Status.WrongState,
    Code.DUPLICATE: Status.Duplicate,
    Code.ALREADY_LINKED: Status.AlreadyLinked,
    Code.NO_RECIPIENTS: Status.NoRecipients,
    Code.MISSING_FIELDS: Status.InvalidRequest,  # of personal texts, which are /v2's: no name of the documented surface
    Code.LIMIT_REACHED: Status.LimitReached,
    Code.TOO_MANY: Status.TooMany,
}


@dataclass(frozen=True, slots=True, eq=False)
class StatusSet:
    """One of the documented enums: its name, and what it may say beside what every one may."""

    name: str
    members: tuple[Status, ...]

    def status_of(self, code: Code) -> Status:
        """What this enum says to a refusal; one that it has no word for is InvalidRequest."""
        status = REFUSALS[code]
        return status if status in self.members else Status.InvalidRequest


def _status_set(name: str, own: set[Status]) -> StatusSet:
    common = {S.Success, S.SessionExpired, S.PermissionDenied, S.LimitReached, S.InvalidRequest}
    return StatusSet(name, tuple(sorted(common | own)))


S = Status
REQUEST_STATUS = _status_set("RequestStatus", {S.NotFound, S.InvalidPhoneNumber, S.InvalidDate, S.TooMany})
SEND_MESSAGE_STATUS = _status_set(
    "SendMessageStatus",
    {S.InvalidPhoneNumber, S.InvalidSender, S.MessageEmpty, S.MessageTooLong, S.OptedOut, S.InvalidRule},
)
CAMPAIGN_STATUS = _status_set(
    "CampaignStatus",
    {S.NotFound, S.InvalidSender, S.MessageEmpty, S.MessageTooLong, S.WrongState, S.InvalidDate}
    | {S.AlreadyLinked, S.NoRecipients, S.TooMany},
)
PHONE_LIST_STATUS = _status_set(
    "PhoneListStatus", {S.NotFound, S.InvalidPhoneNumber, S.WrongState, S.Duplicate, S.TooMany}
)
REUSABLE_TOKEN_RESULT = _status_set("ReusableTokenResult", {S.TooMany})
LOGON_STATUS = _status_set("LogonStatus", {S.InvalidCredentials})  # our name: LogonResult shows only Status
