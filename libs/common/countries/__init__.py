"""What numbers are, by country: their class, whether a text can reach them, the region and the time zone they belong to.

Owns the list of countries whose tables are here; of others it knows what libraries know. Plain functions of numbers in E.164; no I/O. What may stand as
a sender is in senders.py, what a marketing text must say in optout_text.py.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

import phonenumbers

from libs.common.countries import gb
from libs.common.countries.country import Country, NumberClass

COUNTRIES: tuple[Country, ...] = (gb.COUNTRY,)

_BY_CALLING_CODE = {country.calling_code: country for country in COUNTRIES}
# By calling code: the lengths of its prefixes, longest first, each with what they mean and the reason where no text reaches them.
_RANGES = {
    country.calling_code: (
        tuple(sorted({len(prefix) for prefix in country.ranges}, reverse=True)),
        {
            prefix: (class_, region, country.unreachable.get(class_))
            for prefix, (class_, region) in country.ranges.items()
        },
    )
    for country in COUNTRIES
}
_CALLING_CODE_LENGTHS = sorted({len(code) for code in _RANGES})
_UNKNOWN = (None, None, None)
_SEASONS = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)


def _found(number: str) -> tuple[NumberClass | None, str | None, str | None]:
    for length in _CALLING_CODE_LENGTHS:
        if known := _RANGES.get(number[:length]):
            lengths, ranges = known
            for end in lengths:
                if found := ranges.get(number[:end]):
                    return found
    return _UNKNOWN


def number_class(number: str) -> NumberClass | None:
    """None where the number's country has no table here, or its plan no such range."""
    return _found(number)[0]


def reachable(number: str) -> str | None:
    """Why no text can reach the number; None where one can, or nothing is known against it."""
    return _found(number)[2]


def region(number: str) -> str | None:
    """The ISO 3166 code of where the number belongs (Jersey, Guernsey and the Isle of Man for themselves); None where nobody knows."""
    return _found(number)[1] or _region_by_library(number)


def time_zone(number: str) -> ZoneInfo | None:
    """Of where the number belongs; None where that has several, or nobody knows."""
    for length in _CALLING_CODE_LENGTHS:
        if country := _BY_CALLING_CODE.get(number[:length]):
            return ZoneInfo(country.time_zone)
    code = _region_by_library(number)
    return _zones().get(code) if code else None


@lru_cache(maxsize=10_000)
def _region_by_library(number: str) -> str | None:
    try:
        code: str | None = phonenumbers.region_code_for_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return None
    return code


@lru_cache(maxsize=1)
def _zones() -> dict[str, ZoneInfo]:
    """Of the regions whose zones (IANA, zone.tab) agree in winter and summer: who lives in Ireland has Dublin's time; who lives in the United States, any."""
    lines = resources.files("tzdata").joinpath("zoneinfo/zone.tab").read_text("utf-8").splitlines()
    by_region: dict[str, list[ZoneInfo]] = {}
    for region, _, name in (line.split("\t")[:3] for line in lines if not line.startswith("#")):
        by_region.setdefault(region, []).append(ZoneInfo(name))
    return {
        region: zones[0]
        for region, zones in by_region.items()
        if len({tuple(at.astimezone(zone).utcoffset() for at in _SEASONS) for zone in zones}) == 1
    }
