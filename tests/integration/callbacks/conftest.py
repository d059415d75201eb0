"""HTTP carriers against the simulator's message API, over real sockets; and callbacks by the gateway's own route."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from libs.common.ids import uuid7
from services.messaging.carriers.carrier import Carrier, Part, Place
from services.messaging.carriers.generic.client import GenericCarrier
from services.messaging.carriers.generic.settings import GenericSettings
from services.messaging.carriers.twilio.client import TwilioCarrier, TwilioSettings
from services.simulator.faults import Fault, Kind
from services.simulator.http_api import MessageApi
from services.simulator.http_lines import Account
from services.simulator.http_wire import Connection
from services.simulator.network import Network

SID, TOKEN = "AC00000000000000000000000000000001", "a token for tests"
JSON_SID, JSON_TOKEN = "plain", "another token for tests"


@dataclass
class FarSide:
    network: Network
    api: MessageApi
    url: str

    def fault(self, kind: Kind, **more: Any) -> None:
        self.network.faults.add([Fault(kind=kind, **{"count": 1, **more})])

    @asynccontextmanager
    async def api_again(self, port: int) -> AsyncIterator[None]:
        """The same API on another port: as if it had been away there until now."""
        server = await asyncio.get_running_loop().create_server(lambda: Connection(self.api.handle), "127.0.0.1", port)
        try:
            yield
        finally:
            server.close()

    def handset(self, number: str) -> list[str]:
        return [each["text"] for each in self.network.messages_of(number)]


@pytest.fixture
async def far_side(tmp_path: Path) -> AsyncIterator[FarSide]:
    network = Network(tmp_path / "submits.log")
    accounts = [
        Account(sid=SID, token=SecretStr(TOKEN)),
        Account(sid=JSON_SID, token=SecretStr(JSON_TOKEN), api="json"),
    ]
    api = MessageApi(network, accounts, tmp_path / "callbacks.log")
    async with api.serve("127.0.0.1", 0) as port:
        yield FarSide(network, api, f"http://127.0.0.1:{port}")
    network.close()


def plain_settings(url: str, **more: Any) -> GenericSettings:
    """The simulator's JSON API, as an operator would write it down."""
    return GenericSettings.model_validate(
        {
            "sending": {
                "url": f"{url}/messages",
                "headers": {"Authorization": "Bearer {secret:token}"},
                "json_body": {
                    "reference": "{text_id}",
                    "from": "{from}",
                    "to": "{to}",
                    "text": "{text}",
                    "validity_s": "{validity_s}",
                    "callback": "{callback_url}",
                },
            },
            "answering": {
                "taken_status": [200],
                "taken_if": {"field": "json:status", "equals": "accepted"},
                "reference": "json:message.id",
                "error": "json:error.code",
                "refusals": {
                    "bad_number": {"reason": "bad_number"},
                    "bad_sender": {"reason": "bad_sender"},
                    "blocked": {"reason": "blocked"},
                    "queue_full": {"reason": "queue_full", "retry_after_s": 5},
                },
            },
            "callbacks": {
                "authentication": {
                    "by": "hmac_sha256",
                    "header": "X-Signature",
                    "secret": "token",
                    "prefix": "sha256=",
                },
                "receipts": {
                    "items": "json:receipts",
                    "reference": "item:id",
                    "text_id": "item:reference",
                    "status": "item:status",
                    "statuses": {
                        "accepted": "accepted",
                        "delivered": "delivered",
                        "failed": "failed",
                        "expired": "expired",
                    },
                    "error": "item:error",
                    "failures": {"unknown_subscriber": "permanent", "absent_subscriber": "temporary"},
                    "at": "item:at",
                    "at_is": "unix_s",
                },
                "texts": {
                    "items": "json:texts",
                    "id": "item:id",
                    "from": "item:from",
                    "to": "item:to",
                    "text": "item:text",
                    "at": "item:at",
                    "at_is": "unix_s",
                },
            },
            "secrets": {"token": JSON_TOKEN},
            **more,
        }
    )


def carrier_to(url: str, speech: str, callbacks_url: str = "", token: str = TOKEN, **more: Any) -> Carrier:
    place = Place(speech, "test", 1, callbacks_url)
    if speech == "generic":
        return GenericCarrier(plain_settings(url, **more), place)
    settings = {"base_url": url, "account_sid": SID, "auth_token": token, **more}
    return TwilioCarrier(TwilioSettings.model_validate(settings), place)


@pytest.fixture(params=["twilio", "generic"])
async def carrier(request: pytest.FixtureRequest, far_side: FarSide) -> AsyncIterator[Carrier]:
    made = carrier_to(far_side.url, request.param)
    yield made
    await made.close()


def part(number: str = "+447700900123", body: str = "Your order is ready", sender: str = "82830") -> Part:
    return Part(uuid7(), number, sender, body, 3600)


async def closed_port() -> int:
    server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port


def http() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=10)
