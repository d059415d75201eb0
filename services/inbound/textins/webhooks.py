"""Webhooks of text-ins, the rules: which addresses may be posted to, how a post is signed, when it is tried again.

Signed as Standard Webhooks 1.0 has it (standardwebhooks.com): `webhook-id`, `webhook-timestamp`, `webhook-signature`. Plain functions; no I/O, no
clock. Never lets a post reach this machine or its neighbours: a company's own users set the address.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import orjson

from libs.common.contracts.base import Code, Refusal

if TYPE_CHECKING:
    from services.inbound.textins.rules import Claimed

TYPE = "text_in.received"
SECRET_PREFIX = "whsec_"  # noqa: S105  what every secret begins with
SECRET_BYTES = 32
GIVEN_UP_AFTER = timedelta(hours=24)
# Then again after so long, each a little more or less, so that a far side that was away is not met by all at once.
PAUSES_S = (5, 30, 120, 600, 1_800, 3_600, 7_200)  # the last one from then on
SPREAD = 0.2
GONE = 410  # the far side wants no more of it

_UNICAST = ipaddress.ip_network(
    "2000::/3"
)  # all that IANA has given out of IPv6 (RFC 4291, 2.4); the rest is somebody's own
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def address(url: str) -> str:
    """`url` as it is kept. Refused where it is no address to post to, or says itself that it is private."""
    kept = url.strip()
    try:
        parts = urlsplit(kept)
        port = parts.port
    except ValueError:
        raise Refusal(Code.INVALID_REQUEST, "this is no address of a webhook") from None
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host or port == 0 or not kept.isascii() or not kept.isprintable():
        raise Refusal(Code.INVALID_REQUEST, "a webhook's address begins with https:// or http:// and names a host")
    if " " in kept or parts.username is not None or parts.fragment:
        raise Refusal(Code.INVALID_REQUEST, "a webhook's address has no user, fragment or space")
    return kept


def is_public(ip: str) -> bool:
    """Whether it is an address of the open internet, also where it stands inside an IPv6 one. Tunnels of old lead anywhere: they are not."""
    found = ipaddress.ip_address(ip.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return is_public(str(found.ipv4_mapped))
        if found in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(found) & 0xFFFF_FFFF)))
        if found not in _UNICAST or found.sixtofour or found.teredo:
            return False
    return found.is_global and not found.is_multicast


def all_public(ips: Iterable[str]) -> bool:
    """One private address among a name's makes it a private name: which one is taken is the far side's to choose."""
    return all(is_public(ip) for ip in ips)


def new_secret() -> str:
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signature(secret: str, id_: str, timestamp: int, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{id_}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def body_of(text: Claimed) -> str:
    data = {
        "id": text.id,
        "text_in_id": text.text_in_id,
        "campaign_id": text.campaign_id,
        "from": text.number,
        "to": text.header,
        "text": text.body,
        "at": text.at.astimezone(UTC),
        "incomplete": text.incomplete,
    }
    return orjson.dumps({"type": TYPE, "timestamp": data["at"], "data": data}, option=orjson.OPT_UTC_Z).decode()


def next_attempt(
    created_at: datetime, now: datetime, attempts: int, status: int | None, chance: float
) -> datetime | None:
    """When to try again after `attempts` that failed; None: never. `chance`: from 0 to 1."""
    pause_s = PAUSES_S[min(attempts, len(PAUSES_S)) - 1] * (1 + SPREAD * (2 * chance - 1))
    at = now + timedelta(seconds=pause_s)
    return None if status == GONE or at - created_at > GIVEN_UP_AFTER else at
