"""Numbers and senders by country: the tables, where they meet, and that no look at them is slow."""

import time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common import countries
from libs.common.countries import gb, senders
from libs.common.countries.country import NumberClass

LONDON = ZoneInfo("Europe/London")


@pytest.mark.parametrize(
    ("number", "class_", "region"),
    [
        ("+447912345678", NumberClass.MOBILE, "GB"),
        ("+447700900123", NumberClass.DRAMA, "GB"),  # before 07700 of anybody
        ("+447700300123", NumberClass.CROWN_DEPENDENCY, "JE"),
        ("+447700500123", NumberClass.MOBILE, "GB"),
        ("+447797123456", NumberClass.CROWN_DEPENDENCY, "JE"),
        ("+447911123456", NumberClass.CROWN_DEPENDENCY, "GG"),
        ("+447911223456", NumberClass.MOBILE, "GB"),
        ("+447781123456", NumberClass.CROWN_DEPENDENCY, "GG"),
        ("+447624123456", NumberClass.CROWN_DEPENDENCY, "IM"),  # within the pagers' 076
        ("+447524123456", NumberClass.CROWN_DEPENDENCY, "IM"),
        ("+447924123456", NumberClass.CROWN_DEPENDENCY, "IM"),
        ("+447623123456", NumberClass.PAGER, "GB"),
        ("+447012345678", NumberClass.PERSONAL, "GB"),
        ("+442079460123", NumberClass.DRAMA, "GB"),
        ("+442071838750", NumberClass.FIXED, "GB"),
        ("+441534123456", NumberClass.FIXED, "JE"),
        ("+448001234567", NumberClass.FREE, "GB"),
        ("+448451234567", NumberClass.SERVICE, "GB"),
        ("+449012345678", NumberClass.PREMIUM, "GB"),
        ("+353861234567", None, "IE"),
    ],
)
def test_a_number_is_of_the_class_and_region_of_its_range(number: str, class_: NumberClass | None, region: str) -> None:
    assert (countries.number_class(number), countries.region(number)) == (class_, region)


@pytest.mark.parametrize(
    ("number", "says"), [("+447012345678", "070"), ("+447623123456", "076"), ("+449012345678", "09")]
)
def test_a_number_that_gets_no_texts_is_told_so_and_why(number: str, says: str) -> None:
    assert says in (countries.reachable(number) or "")


@given(st.from_regex(r"\+44(7[1-57-9][0-9]{8}|7[59]24[0-9]{6}|7624[0-9]{6})|\+(353|33|1)[0-9]{9}", fullmatch=True))
def test_any_mobile_and_any_foreign_number_can_be_tried(number: str) -> None:
    assert countries.reachable(number) is None


@pytest.mark.parametrize(
    ("number", "zone"),
    [
        ("+447912345678", "Europe/London"),
        ("+447624123456", "Europe/London"),
        ("+353861234567", "Europe/Dublin"),
        ("+4915112345678", "Europe/Berlin"),  # Büsingen's clock says the same
        ("+12125550123", None),
        ("+999123456789", None),
    ],
)
def test_a_number_has_the_time_of_its_region_where_that_is_one(number: str, zone: str | None) -> None:
    assert countries.time_zone(number) == (ZoneInfo(zone) if zone else None)


def test_a_uk_mobile_is_looked_at_in_microseconds() -> None:
    began = time.perf_counter()
    for _ in range(10_000):
        countries.reachable("+447912345678")
    assert time.perf_counter() - began < 0.1  # 0.7 us each when nobody else uses the machine


GOOD = [
    "Heliograph",
    "Acme",
    "Tom & Co",
    "A.B-C_D",
    "24Hours",
    "1A",
    "Verity",
    "Infor",
    "82830",
    "60777",
    "+447700900123",
]


@pytest.mark.parametrize("sender", GOOD)
def test_a_companys_own_name_or_number_may_send(sender: str) -> None:
    assert senders.fault(sender, countries.number_class(sender)) is None


@pytest.mark.parametrize(
    ("sender", "reason"),
    [
        ("Heliographer", "at most 11"),
        ("Café", "letters A to Z"),
        ("a€", "letters A to Z"),
        ("12 34", "has a letter"),
        ("", "has a letter"),
        ("123", "five digits"),
        ("50777", "five digits"),
        ("828300", "five digits"),
        ("+12125550123", "other countries"),
        ("+449012345678", "premium"),
    ],
)
def test_what_the_networks_refuse_has_one_reason(sender: str, reason: str) -> None:
    assert reason in (senders.fault(sender, countries.number_class(sender)) or "")


# As BT and EE's notices write them.
VERIFY = [
    "VERIFY",
    "Verify",
    "V E R I F Y",
    "VER IFY",
    ".Verify.",
    "-Verify-",
    "_verify_",
    "VERIF1Y",
    "v.e.r.i.f.y",
    "Uerify",
    "V3RIFY",
]


@pytest.mark.parametrize(
    "sender", [*VERIFY, "1NFO", "INF0", "N0REPLY", "No-Reply", "Alert24", *sorted(gb.SENDERS.generic)]
)
def test_a_generic_name_is_refused_however_it_is_written(sender: str) -> None:
    assert "whose" in (senders.fault(sender, None) or "")


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        *(("HMRC", "HMRC"), ("HMRC-Refund", "HMRC"), ("HMRCRefund", "HMRC"), ("hmrc", "HMRC"), ("Gov_UK", "GOV.UK")),
        *(("GOVUK", "GOV.UK"), ("NHS", "NHS"), ("NHSresults", "NHS"), ("My NHS", "NHS"), ("MyBarclays", "Barclays")),
        *(("Barc1ays", "Barclays"), ("Barclys", "Barclays"), ("R0yalMail", "Royal Mail"), ("DPDdelivery", "DPD")),
    ],
)
def test_a_name_that_looks_like_a_protected_one_is_found(name: str, theirs: str) -> None:
    assert senders.protected(name) == theirs


@pytest.mark.parametrize(
    "name", ["Heliograph", "Acme", "Groups", "Better", "Skyline", "Policy", "Eversheds", "Operator"]
)
def test_a_name_of_its_own_needs_nobodys_leave(name: str) -> None:
    assert senders.protected(name) is None


def test_an_operators_names_are_protected_beside_the_countrys() -> None:
    assert senders.protected("Hel1ograph", more=["Heliograph"]) == "Heliograph"


@given(st.from_regex(r"[A-Za-z0-9 .&_-]{1,11}", fullmatch=True))
def test_every_protected_name_looks_like_itself_and_no_name_takes_long(name: str) -> None:
    began = time.perf_counter()
    senders.protected(name)
    assert time.perf_counter() - began < 0.1


def test_each_protected_name_fits_a_sender_and_is_found() -> None:
    for name in gb.SENDERS.protected:
        assert senders.fault(name.replace(" ", ""), None) is None, name
        assert senders.protected(name) is not None
