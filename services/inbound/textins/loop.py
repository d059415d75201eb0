"""Posts texts to webhooks: each at least once, under one id, tried again for a day.

Never holds a transaction while a far side thinks, never follows a redirect, and connects only to the address that it checked: a name that answers
otherwise the second time reaches nothing.
"""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import Sequence
from typing import Any

import httpx

from libs.common.loop import Loop
from libs.common.service import Kernel
from services.inbound.settings import InboundSettings
from services.inbound.textins import deliveries, webhooks
from services.inbound.textins.deliveries import Delivery

AT_ONCE = 50
OF_EACH = 5  # webhook
ATTEMPT_LIMIT_S = 15.0
LEASE_S = 60.0
FORGOTTEN_AT_ONCE = 1_000


class Unreachable(Exception):
    """Why a post was not made."""


async def post_step(kernel: Kernel[InboundSettings]) -> int:
    async with kernel.db.transaction() as tx:
        claimed = await deliveries.claim(tx, AT_ONCE, OF_EACH, LEASE_S)
    if claimed:
        async with httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=ATTEMPT_LIMIT_S) as http:
            await asyncio.gather(*(_deliver(kernel, http, each) for each in claimed))
    return len(claimed)


async def _deliver(kernel: Kernel[InboundSettings], http: httpx.AsyncClient, delivery: Delivery) -> None:
    """One attempt, and what came of it."""
    status, error = None, ""
    try:
        async with asyncio.timeout(ATTEMPT_LIMIT_S):
            status = await _post(http, delivery, private=kernel.settings.webhooks_to_private_addresses)
    except (TimeoutError, httpx.TimeoutException):
        error = f"no answer within {ATTEMPT_LIMIT_S:.0f} s"
    except (Unreachable, httpx.HTTPError, httpx.InvalidURL, OSError) as failed:
        error = str(failed) or type(failed).__name__
    async with kernel.db.transaction() as tx:
        if status is not None and 200 <= status < 300:
            await deliveries.remove_if_still_ours(tx, delivery)
            return
        now = await deliveries.now(tx)
        again_at = webhooks.next_attempt(delivery.created_at, now, delivery.attempts, status, random.random())  # noqa: S311
        await deliveries.set_failed_if_still_ours(tx, delivery, error or f"HTTP {status}", again_at)


async def _post(http: httpx.AsyncClient, delivery: Delivery, *, private: bool) -> int:
    """The status of the answer; its body is not read."""
    url, body, timestamp = httpx.URL(delivery.url), delivery.body.encode(), int(time.time())
    ip = await _address_of(url, private=private)
    headers = {
        "host": url.netloc.decode(),
        "content-type": "application/json",
        "user-agent": "Heliograph",
        "webhook-id": str(delivery.id),
        "webhook-timestamp": str(timestamp),
        "webhook-signature": webhooks.signature(delivery.secret, str(delivery.id), timestamp, body),
    }
    # The name goes on in Host and, for the certificate, in TLS; the connection goes to the address that was checked.
    sni = {"sni_hostname": url.raw_host.decode()}
    request = http.build_request("POST", url.copy_with(host=ip), headers=headers, content=body, extensions=sni)
    answer = await http.send(request, stream=True)
    await answer.aclose()
    return answer.status_code


async def _address_of(url: httpx.URL, *, private: bool) -> str:
    """An address of the host. Raises Unreachable where it has none, or where one of them is not of the open internet and `private` is not allowed."""
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        found: Sequence[Any] = await asyncio.get_running_loop().getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"{url.host} has no address") from error
    ips = [str(entry[4][0]) for entry in found]
    if not private and not webhooks.all_public(ips):
        raise Unreachable(f"{url.host} is not on the open internet")
    return ips[0]


async def forget_step(kernel: Kernel[InboundSettings]) -> int:
    async with kernel.db.transaction() as tx:
        return await deliveries.forget(tx, FORGOTTEN_AT_ONCE)


LOOPS = (
    Loop("webhooks", post_step, every_s=2, woken_by=frozenset({"webhooks"}), side_by_side=2, plenty=AT_ONCE),
    Loop("forget_deliveries", forget_step, every_s=300),
)
