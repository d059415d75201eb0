"""The kernel's plain rules: ids, batches, numbers, segments, UK time, grants."""

from __future__ import annotations

import base64
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common import gsm
from libs.common.batches import BYTES_A_CHARACTER_MAX, OVERHEAD_BYTES, in_events
from libs.common.clock import UK, from_client, midnight_the_preceding_day
from libs.common.contracts.base import BYTES_MAX, ITEMS_MAX, Code, Refusal
from libs.common.grants import Caller, Signer, Verifier
from libs.common.ids import uuid7, uuid7_time
from libs.common.phone import E164, e164, sender_key
from tests.harness import PRIVATE_KEY, PUBLIC_KEY, grant


def test_ids_rise_and_say_when_they_were_made() -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    ids = [uuid7() for _ in range(10_000)]

    assert ids == sorted(set(ids))
    assert {7} == {id_.version for id_ in ids}
    assert before <= uuid7_time(ids[0]) <= datetime.now(UTC)


@given(st.lists(st.integers(0, 200_000), max_size=1_500))
def test_events_hold_every_item_once_in_order_and_stay_small(lengths: list[int]) -> None:
    cut = [list(some) for some in in_events(lengths, lambda n: n)]

    assert lengths == [n for some in cut for n in some]
    for some in cut:
        assert 0 < len(some) <= ITEMS_MAX
        size = sum(OVERHEAD_BYTES + BYTES_A_CHARACTER_MAX * n for n in some)
        assert len(some) == 1 or size <= BYTES_MAX


@pytest.mark.parametrize(
    "written",
    [
        "07700 900123",
        "+44 (0)7700-900123",
        "0044 7700 900123",
        "447700900123",
        "(07700) 900.123",
        "０７７００ ９００１２３",
    ],
)
def test_a_number_is_one_however_it_is_written(written: str) -> None:
    assert e164(written) == "+447700900123"


@pytest.mark.parametrize(
    "written", ["", "banana", "0770", "07700 90012", "+44", "07700 900123 ext 4", "999Taxi", "+" * 50, "1" * 500]
)
def test_what_is_no_number_is_none(written: str) -> None:
    assert e164(written) is None


@given(st.text(max_size=60))
def test_whatever_is_read_as_a_number_is_e164_and_reads_as_itself(text: str) -> None:
    number = e164(text)
    assert number is None or (E164.fullmatch(number) and e164(number) == number)


@pytest.mark.parametrize(
    ("one", "other"), [("Heliograph", " HELIOGRAPH "), ("07700 900123", "+447700900123"), ("82830", "82830 ")]
)
def test_two_writings_of_one_sender_share_a_key(one: str, other: str) -> None:
    assert sender_key(one) == sender_key(other)


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("ё" * 70, 1),
        ("ё" * 71, 2),
        ("\U0001f600" * 35, 1),
        ("\U0001f600" * 36, 2),
    ],
)
def test_segments_are_counted_as_23_038_and_23_040_say(body: str, parts: int) -> None:
    assert parts == gsm.segments(body)


@pytest.mark.parametrize(
    ("at", "since"),
    [
        ("2026-11-24T12:00:00+00:00", "2026-11-23T00:00:00+00:00"),
        ("2026-11-24T00:00:00+00:00", "2026-11-23T00:00:00+00:00"),
        ("2026-03-30T12:00:00+01:00", "2026-03-29T00:00:00+00:00"),  # the clocks went forward on the 29th
        ("2026-10-26T12:00:00+00:00", "2026-10-25T00:00:00+01:00"),  # and back on the 25th
        ("2026-07-01T00:30:00+01:00", "2026-06-30T00:00:00+01:00"),
    ],
)
def test_since_midnight_the_preceding_day_is_uk_time(at: str, since: str) -> None:
    assert datetime.fromisoformat(since) == midnight_the_preceding_day(datetime.fromisoformat(at))


def test_a_time_without_an_offset_is_uk_time() -> None:
    assert datetime(2026, 7, 1, 8, tzinfo=UTC) == from_client(datetime(2026, 7, 1, 9))  # noqa: DTZ001  none is the point
    assert datetime(2026, 7, 1, 9, tzinfo=UK).astimezone(UTC) == from_client(datetime(2026, 7, 1, 9, tzinfo=UK))


def test_a_grant_is_good_until_its_time_and_only_with_auths_signature() -> None:
    verifier = Verifier(PUBLIC_KEY)
    assert Caller(7, 1, frozenset({"send"})) == verifier.verify(grant(7, "send"))

    other = base64.b64encode(bytes(range(32))).decode()
    over = Signer(PRIVATE_KEY).sign(Caller(7), time.time() - 1)
    forged = Signer(other).sign(Caller(7), time.time() + 60)
    claims, signature = grant(7).split(".")
    for bad in (over, forged, "", ".", "a.b", f"{grant(8).split('.')[0]}.{signature}", f"{claims}.{signature}x!"):
        with pytest.raises(Refusal) as refusal:
            verifier.verify(bad)
        assert Code.SESSION_EXPIRED is refusal.value.code
