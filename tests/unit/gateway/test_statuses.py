"""Statuses: one numbering, every refusal mapped, every meaning written."""

from __future__ import annotations

from libs.common.contracts.base import Code
from services.gateway.documented.operations import OPERATIONS
from services.gateway.documented.statuses import LOGON_STATUS, MEANINGS, REFUSALS, REQUEST_STATUS, Status


def test_every_refusal_is_a_status_but_those_that_are_http_503() -> None:
    assert set(Code) - {Code.DEADLINE_PASSED, Code.UNAVAILABLE} == set(REFUSALS)


def test_every_status_is_explained_and_can_be_met() -> None:
    met = {status for each in OPERATIONS if each.answer.statuses for status in each.answer.statuses.members}

    assert set(Status) == set(MEANINGS) == met


def test_success_is_the_documented_zero_and_no_released_number_moves() -> None:
    names = (
        "Success SessionExpired PermissionDenied NotFound InvalidPhoneNumber InvalidSender MessageEmpty MessageTooLong "
    )
    names += "OptedOut WrongState Duplicate LimitReached InvalidRequest InvalidCredentials InvalidDate InvalidRule "
    names += "AlreadyLinked NoRecipients TooMany"

    assert list(enumerate(names.split())) == [(int(status), status.name) for status in Status]


def test_a_refusal_that_an_enum_has_no_word_for_is_an_invalid_request() -> None:
    assert Status.InvalidCredentials == LOGON_STATUS.status_of(Code.WRONG_CREDENTIALS)
    assert Status.InvalidRequest == REQUEST_STATUS.status_of(Code.NO_RECIPIENTS)
