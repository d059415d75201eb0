"""Webhooks of text-ins: where to, signed how, again when."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.contracts.base import Code, Refusal
from services.inbound.textins import webhooks
from services.inbound.textins.rules import Claimed

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "ip",
    [
        "127.0.0.1",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "fec0::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:db8::1",
    ],
)
def test_what_is_near_us_is_not_public(ip: str) -> None:
    assert not webhooks.is_public(ip)
    assert not webhooks.all_public(["93.184.216.34", ip])


@pytest.mark.parametrize("ip", ["93.184.216.34", "2606:4700:4700::1111", "64:ff9b::5db8:d822", "::ffff:93.184.216.34"])
def test_the_open_internet_is(ip: str) -> None:
    assert webhooks.is_public(ip)


@given(st.ip_addresses())
def test_whatever_python_knows_as_not_global_is_not_public_but_where_it_stands_for_another(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    stands_for_another = isinstance(ip, ipaddress.IPv6Address) and (
        ip.ipv4_mapped or ip in ipaddress.ip_network("64:ff9b::/96")
    )

    if not stands_for_another and (not ip.is_global or ip.is_multicast):
        assert not webhooks.is_public(str(ip))


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com",
        "example.com/x",
        "https://",
        "https:///x",
        "https://u:p@example.com/",
        "https://example.com/#x",
        "https://exam ple.com",
        "https://example.com:99999",
        "https://example.com:0/",
        "https://[::1",
        "https://exämple.com",
        "javascript:alert(1)",
        "https://example.com/\nx",
    ],
)
def test_an_address_is_refused(url: str) -> None:
    with pytest.raises(Refusal) as refusal:
        webhooks.address(url)
    assert refusal.value.code == Code.INVALID_REQUEST


def test_an_address_is_kept_without_the_spaces_around_it() -> None:
    assert webhooks.address(" https://example.com:8443/a?b=c ") == "https://example.com:8443/a?b=c"


def test_the_signature_is_that_of_standard_webhooks() -> None:
    # The specification's own example (standard-webhooks, libraries' tests).
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    signed = webhooks.signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

    mine = webhooks.new_secret()
    key = base64.b64decode(mine.removeprefix("whsec_"))
    expected = hmac.new(key, b"id.5.body", hashlib.sha256).digest()
    assert len(key) == 32
    assert webhooks.signature(mine, "id", 5, b"body") == "v1," + base64.b64encode(expected).decode()
    assert webhooks.new_secret() != mine


def test_the_body_says_what_came() -> None:
    text = Claimed(UUID(int=7), 1, 3, "+447700900001", "82830", "win £5", AT, campaign_id=9, incomplete=True)

    assert json.loads(webhooks.body_of(text)) == {
        "type": "text_in.received",
        "timestamp": "2026-03-01T12:00:00Z",
        "data": {
            "id": str(UUID(int=7)),
            "text_in_id": 3,
            "campaign_id": 9,
            "from": "+447700900001",
            "to": "82830",
            "text": "win £5",
            "at": "2026-03-01T12:00:00Z",
            "incomplete": True,
        },
    }


def test_it_is_tried_again_with_longer_pauses_for_a_day_and_then_given_up() -> None:
    now, attempts, tried = AT, 0, [timedelta()]
    while True:
        attempts += 1
        again_at = webhooks.next_attempt(AT, now, attempts, 500, 0.5)
        if again_at is None:
            break
        now = again_at
        tried.append(now - AT)

    assert tried[1:4] == [timedelta(seconds=5), timedelta(seconds=35), timedelta(seconds=155)]
    assert timedelta(hours=21) < tried[-1] <= timedelta(hours=24)
    assert 15 < len(tried) < 20


def test_it_is_given_up_at_once_where_the_far_side_says_gone_and_not_where_it_fails() -> None:
    assert webhooks.next_attempt(AT, AT, 1, 410, 0.5) is None
    for status in (None, 301, 400, 404, 429, 500, 503):
        assert webhooks.next_attempt(AT, AT, 1, status, 0.5) == AT + timedelta(seconds=5)
