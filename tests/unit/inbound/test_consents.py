"""Consents: what is written, which of it stops, and its place in the order of wishes; CSV that no spreadsheet runs."""

import csv
import io
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common import csv_text
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.consents import How, Kind, NewConsent
from libs.common.ids import uuid7, uuid7_time
from services.inbound.consents.rules import checked, id_at, of_changes, stops
from services.inbound.optouts.contacts import Act, Change, Wished

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def consent(number: str = "07700 900123", kind: Kind = Kind.WITHDRAWN, at: datetime = AT, **more: str) -> NewConsent:
    return NewConsent(id=uuid7(), number=number, kind=kind, how=How.IMPORT, at=at, **more)


def test_a_consent_is_kept_with_its_number_as_e164_and_each_id_once() -> None:
    one = consent(wording="Text me offers", reference="form 1")
    [kept] = checked(7, 3, [one, one], AT)
    assert (kept.number, kept.company_id, kept.user_id, kept.wording) == ("+447700900123", 7, 3, "Text me offers")


@pytest.mark.parametrize(
    ("item", "code"),
    [
        (consent("nobody"), Code.INVALID_NUMBER),
        (consent(at=AT + timedelta(minutes=6)), Code.INVALID_DATE),
        (consent(wording="\0"), Code.INVALID_REQUEST),
    ],
)
def test_one_that_makes_no_sense_is_refused_by_its_place(item: NewConsent, code: Code) -> None:
    with pytest.raises(Refusal, match="consent 2") as refusal:
        checked(7, 3, [consent(), item], AT)
    assert refusal.value.code == code


def test_only_what_is_withdrawn_stops_and_at_its_own_moment() -> None:
    old = AT - timedelta(days=400)
    kept = checked(7, 3, [consent(at=old, reference="GetAllStops"), consent(kind=Kind.GIVEN)], AT)
    [stop] = stops(kept)
    assert (stop.act, stop.at, stop.scope, stop.reason) == (Act.STOP, old, "", "imported: GetAllStops")
    assert uuid7_time(stop.id) == old
    assert stop.id < uuid7()  # a START that was texted here since then is newer


@given(st.integers(-(10**9), 4 * 10**9).map(lambda s: datetime.fromtimestamp(s, UTC)), st.uuids(), st.uuids())
def test_an_id_of_a_moment_is_a_uuid7_the_same_for_the_same_and_another_for_another(
    at: datetime, one: UUID, other: UUID
) -> None:
    made = id_at(at, one)
    assert (made.version, made) == (7, id_at(at, one))
    low = (1 << 62) - 1
    assert (made == id_at(at, other)) == (
        (one.int & low, one.int >> 64 & 0xFFF) == (other.int & low, other.int >> 64 & 0xFFF)
    )


def change(act: Act, text: bool = True, reason: str = "") -> Change:
    id_ = uuid7()
    who = {"text_id": id_} if text else {"user_id": 0}
    return Change(Wished(7, "+447700900123", "", "82830", act, AT, id_, reason=reason, **who), 1, True)


def test_stop_and_start_are_written_what_is_not_clear_and_what_was_imported_is_not() -> None:
    changes = [
        change(Act.STOP),
        change(Act.START),
        change(Act.SOFT),
        change(Act.KEEP, text=False),
        change(Act.STOP, text=False, reason="asked by phone"),
        change(Act.STOP, text=False, reason="imported: GetAllStops"),
    ]
    assert [(one.kind, one.how, one.reference) for one in of_changes(changes)] == [
        (Kind.WITHDRAWN, How.TEXT, ""),
        (Kind.GIVEN, How.TEXT, ""),
        (Kind.WITHDRAWN, How.PERSON, "asked by phone"),
    ]


@pytest.mark.parametrize("value", ["=1+1", "+44 7700=cmd", "-2+3", "@SUM(A1)", "\tx", "\r=1"])
def test_what_a_spreadsheet_would_run_is_written_as_text(value: str) -> None:
    assert next(csv.reader(io.StringIO(csv_text.line([value]), newline="")))[0] == f"'{value}"


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=2, max_size=5))
def test_whatever_is_written_is_read_again(values: list[str]) -> None:
    read = next(csv.reader(io.StringIO(csv_text.line(values), newline="")))
    assert [each.removeprefix("'") for each in read] == [each.removeprefix("'") for each in values]


def test_a_phone_number_and_what_is_not_there_stay_plain() -> None:
    assert csv_text.line(["+447700900123", None, 3]) == "+447700900123,,3\r\n"
