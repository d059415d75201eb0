"""The kernel's plain rules: ids, batches, numbers, segments, UK time, grants."""

from __future__ import annotations

import base64
import time
from datetime import UTC, datetime, timedelta

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common import gsm
from libs.common.batches import BYTES_A_CHARACTER_MAX, OVERHEAD_BYTES, in_messages
from libs.common.clock import UK, from_client, midnight_the_preceding_day
from libs.common.contracts.base import BYTES_MAX, ITEMS_MAX, Code, Refusal
from libs.common.grants import Caller, Signer, Verifier
from libs.common.ids import uuid7, uuid7_time, uuid7s
from libs.common.phone import E164, e164, sender_key
from tests.harness import PRIVATE_KEY, PUBLIC_KEY, grant


def test_ids_rise_and_say_when_they_were_made() -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    ids = [uuid7() for _ in range(10_000)] + uuid7s(5_000) + [uuid7()] + uuid7s(1)

    assert ids == sorted(set(ids))
    assert {7} == {id_.version for id_ in ids}
    assert before <= uuid7_time(ids[0]) <= datetime.now(UTC)


@given(st.lists(st.integers(0, 200_000), max_size=1_500))
def test_events_hold_every_item_once_in_order_and_stay_small(lengths: list[int]) -> None:
    cut = [list(some) for some in in_messages(lengths, lambda n: n)]

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
        "+44(0) 7700 900 123",
        "(+44) 7700 900123",
        "+(44) 7700 900123",
        "0044 7700 900123",
        "00 44 (0) 7700 900123",
        "+0044 7700 900123",
        "447700900123",
        "7700900123",  # a spreadsheet took the 0 off
        "'07700900123",  # and here it was told not to
        "(07700) 900.123",
        "[07700] 900123",
        "07700/900/123",
        "07700-900-123",
        "07700\u2013900\u2011123",  # a dash and a hyphen that does not break
        "07700\u2212900123",  # a minus
        "07700\u00a0900\u202f123",  # spaces that do not break
        "\u202a+44 7700 900123\u202c",  # as copied from a phone's contacts
        "\ufeff07700900123\u200b",
        "07700\t900123\r\n",
        "07700 900123,",
        "０７７００ ９００１２３",
        "＋４４（０）７７００－９００１２３",
        "٠٧٧٠٠ ٩٠٠١٢٣",
        "०७७०० ९००१२३",
        "07700 900123" + " " * 100,
    ],
)
def test_a_number_is_one_however_it_is_written(written: str) -> None:
    assert e164(written) == "+447700900123"


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("020 7946 0018", "+442079460018"),
        ("(01632) 960 001", "+441632960001"),
        ("+33 (0)1 23 45 67 89", "+33123456789"),
        ("0033-1-23-45-67-89", "+33123456789"),
        ("+39 06 6982", "+39066982"),  # Italy keeps its 0
        ("+1 (212) 555-0100", "+12125550100"),
        ("+353 (0)86 123 4567", "+353861234567"),
        ("+٤٩ ٣٠ ١٢٣٤٥٦", "+4930123456"),
    ],
)
def test_a_number_of_elsewhere_needs_its_country_and_one_without_is_british(written: str, number: str) -> None:
    assert e164(written) == number


@pytest.mark.parametrize(
    "written",
    [
        "",
        " ",
        "banana",
        "+",
        "+44",
        "0770",
        "07700 90012",
        "07700 9001234",
        "+44 7700 90012",
        "+44 (0)7700 9001",
        "+447700900123456",
        "++44 7700 900123",
        "07700+900123",
        "07700 900123+",
        "+07700 900123",
        "07700 900123 ext 4",
        "07700 900123x4",
        "07700 900123#4",
        "07700 900123,4",
        "07700 900123;ext=4",
        "O7700 900123",
        "0770o 900123",
        "999Taxi",
        "tel:+447700900123",
        "07700 900123 / 07700 900124",
        "07700 900123, 07700 900124",
        "07700 900123 or 4",
        "07700 900123\n07700 900124",
        "07700 90012³",  # a footnote
        "07700 90012③",
        "07700½900123",
        "*07700 900123",
        "€07700900123",
        "07700\0900123",
        "+" * 50,
        "1" * 500,
        "-" * 10_000,
    ],
)
def test_what_is_no_number_is_none(written: str) -> None:
    assert e164(written) is None


SCRIPTS = ["0123456789", "０１２３４５６７８９", "٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "०१२३४५६७८९"]
BETWEEN = ["", "", " ", "-", ".", "/", ") ", " (", "\u00a0", "\u2013", "\u202f", "\u200e", "．", "\u2060"]
mobiles = st.from_regex(r"7[1-57-9][0-9]{8}", fullmatch=True)
separators = st.lists(st.sampled_from(BETWEEN), min_size=11, max_size=11)


@given(
    mobiles,
    separators,
    st.sampled_from(["0", "", "44", "+44", "＋44", "0044", "+44(0)", "+44 (0) ", "0044(0)", "44(0)"]),
    st.sampled_from(SCRIPTS),
)
def test_country_separators_and_script_make_no_difference(
    mobile: str, between: list[str], country: str, script: str
) -> None:
    spread = "".join(separator + digit for separator, digit in zip(between, mobile, strict=False))
    written = (country + spread + between[-1]).translate(str.maketrans("0123456789", script))

    assert e164(written) == f"+44{mobile}"


@given(mobiles, st.sampled_from(["0", "", "44", "+44", "0044", "+440", "00440", "440"]))
def test_the_fast_path_reads_what_the_library_reads(mobile: str, country: str) -> None:
    read = phonenumbers.parse(country + mobile, "GB")

    assert e164(country + mobile) == phonenumbers.format_number(read, phonenumbers.PhoneNumberFormat.E164)


@given(mobiles, st.integers(0, 11), st.characters(categories=["L", "M"]))
def test_a_letter_anywhere_makes_it_no_number(mobile: str, at: int, letter: str) -> None:
    written = f"0{mobile}"

    assert e164(written[:at] + letter + written[at:]) is None


@given(mobiles, mobiles, st.sampled_from([" ", "/", ", ", "; ", "\n", " & ", " - ", ""]), st.sampled_from(["0", "+44"]))
def test_two_numbers_in_one_field_are_none(one: str, other: str, joined: str, country: str) -> None:
    assert e164(country + one + joined + country + other) is None


@given(st.from_regex(r"07[0-9]{0,20}", fullmatch=True).filter(lambda digits: len(digits) != 11))
def test_a_mobile_has_eleven_digits_no_fewer_no_more(digits: str) -> None:
    assert e164(digits) is None


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
