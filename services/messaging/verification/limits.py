"""How often codes may be sent: windows by number, prefix, address and company, and what makes a prefix suspicious. Plain functions, no clock.

A window lets `sends` go at once and then one each `window_s / sends` seconds: a row holds only the moment when all of them are free again
(GCRA: ITU-T I.371). Everything is counted within one company: no company's attacker takes another's codes away.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import phonenumbers

from libs.common import countries
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.verification import Scope

HOUR_S = 3600
PREFIX_DIGITS = (
    4  # beyond the country's own: +44 7700, of which Ofcom and others give out numbers by the thousand to one carrier
)
IPV6_NETWORK_BITS = 64  # one customer has at least so much (RFC 6177)


@dataclass(frozen=True, slots=True)
class Window:
    sends: int
    window_s: int


# A company's own are in verification_limits.
DEFAULTS: Mapping[Scope, Window] = {
    Scope.NUMBER: Window(
        5, HOUR_S
    ),  # a person who asks again and again, for whatever purpose; a victim gets no more than that
    Scope.PREFIX: Window(500, HOUR_S),  # 1/800 of British mobile numbers: an honest company meets its own limit first
    Scope.ADDRESS: Window(50, HOUR_S),  # mobile carriers and offices put hundreds of people behind one address
    Scope.COMPANY: Window(10_000, HOUR_S),
}

Key = tuple[int, bool, Scope, str]  # company, test, scope, what is counted


def calling_code(number: str) -> str:
    """Of an E.164 number, such as 44; none begins with another (ITU-T E.164). Three digits where it is nobody's."""
    codes = (number[1 : 1 + digits] for digits in (1, 2, 3))
    return next((code for code in codes if int(code) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE), number[1:4])


def prefix(number: str) -> str:
    """Of an E.164 number: its country's code and the digits after it that a carrier's ranges share."""
    return number[: 1 + len(calling_code(number)) + PREFIX_DIGITS]


def country(number: str) -> str:
    """ISO 3166-1. A number in none of the library's ranges, which lag behind those given out, is of the main country of its code."""
    return countries.region(number) or phonenumbers.region_code_for_country_code(int(calling_code(number)))


def network(address: str) -> str:
    """What is counted of a person's address: all of IPv4, the network of IPv6. Refused with invalid_request where it is none."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        raise Refusal(Code.INVALID_REQUEST, "client_address is no IP address") from None
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((int(ip), IPV6_NETWORK_BITS), strict=False))
    return str(ip)


def keys(company_id: int, test: bool, number: str, network_: str) -> list[Key]:
    """What a send counts in: the narrowest first, for that is what a refusal tells."""
    counted = [(Scope.NUMBER, number), (Scope.ADDRESS, network_), (Scope.PREFIX, prefix(number)), (Scope.COMPANY, "")]
    return [(company_id, test, scope, key) for scope, key in counted if key or scope is not Scope.ADDRESS]


def take(
    full_at: MutableMapping[Key, datetime],
    keys_: Sequence[Key],
    limits: Mapping[tuple[int, Scope], Window],
    at: datetime,
) -> None:
    """Counts one send in all of `keys_`, or in none: refused with limit_reached where one of them is used up."""
    later: dict[Key, datetime] = {}
    for key in keys_:
        window = limits.get((key[0], key[2]), DEFAULTS[key[2]])
        each = timedelta(seconds=window.window_s) / window.sends
        later[key] = max(full_at.get(key, at), at) + each
        wait = later[key] - at - timedelta(seconds=window.window_s)
        if wait > timedelta(0):
            detail = f"at most {window.sends} codes in {window.window_s} s go out by this {key[2]}"
            raise Refusal(Code.LIMIT_REACHED, detail, math.ceil(wait.total_seconds()))
    full_at.update(later)


# Artificially inflated traffic: codes asked for by nobody who reads them, to numbers whose carrier shares its income with whoever asked.

WATCHED = timedelta(hours=1)  # begun since: long enough for a slow stream to show, short enough to stop a fast one
TIME_TO_USE = timedelta(minutes=3)  # a pending code younger than this says nothing yet: people type within one or two
ALARM_CODES_MIN = 20  # fewer are chance: at an honest 50 % used, fewer than a tenth of 20 is a matter of 1 in 50,000
ALARM_USED_PERCENT = (
    10  # honest traffic is used by half or more; what a weak line or a bad day leaves is still above this
)
REFUSED_CODES_MIN = 50  # to refuse a whole prefix is worse than an alarm, so it needs to be surer
REFUSED_USED_PERCENT = 5


def is_alarming(codes: int, used: int) -> bool:
    return codes >= ALARM_CODES_MIN and used * 100 < codes * ALARM_USED_PERCENT


def is_refusable(codes: int, used: int) -> bool:
    return codes >= REFUSED_CODES_MIN and used * 100 < codes * REFUSED_USED_PERCENT
