"""Accounts of the message API, and what the network has for them: signed callbacks, again until they are answered.

Owns where each text's callbacks go (kept beside the log, so that a killed network still calls) and the calls themselves. See protocol.md.
"""

import asyncio
import base64
import contextlib
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode

import httpx
import orjson
import structlog
from pydantic import BaseModel, ConfigDict, SecretStr

from services.simulator.log import LineFile, line
from services.simulator.network import Network, Receipt, Text
from services.simulator.rules import Fate

log = structlog.get_logger()

CALLS_AT_A_TIME = 20  # of one account
CALL_LIMIT_S = 15.0

# What the network says of a text, in the words of the Twilio-compatible API (status, ErrorCode).
STATUSES = {
    "accepted": ("sent", ""),
    Fate.DELIVERED.value: ("delivered", ""),
    Fate.FAILED.value: ("undelivered", "30008"),
    Fate.EXPIRED.value: ("failed", "30036"),
}
ERRORS = {
    "absent_subscriber": "30003",
    "memory_full": "30003",
    "call_barred": "30004",
    "unknown_subscriber": "30005",
}


class Account(BaseModel):
    """`api`: which of the two it speaks. `inbound_url`: where texts from handsets go; none: it gets none. `service_sender`: of texts that name a service."""

    model_config = ConfigDict(extra="forbid")

    sid: str
    token: SecretStr
    api: Literal["twilio", "json"] = "twilio"
    inbound_url: str | None = None
    service_sender: str = "Heliograph"


class Callbacks:
    """Where the receipts of each text are to go."""

    def __init__(self, path: Path) -> None:
        self._file = LineFile(path)
        self._urls: dict[str, str] = {each["ref"]: each["url"] for each in self._file.load()}

    def keep(self, ref: str, url: str) -> None:
        self._file.append([line({"ref": ref, "url": url})])
        self._urls[ref] = url

    def of(self, ref: str) -> str | None:
        return self._urls.get(ref)

    def close(self) -> None:
        self._file.close()


class ApiLine:
    """An account, as the network's deliveries know it (deliveries.Line)."""

    batch_items_max = 100
    unacked_batches_max = 16
    writable = True

    def __init__(self, network: Network, account: Account, callbacks: Callbacks, client: httpx.AsyncClient) -> None:
        self.account = account.sid
        self.settings = account
        self._network = network
        self._callbacks = callbacks
        self._client = client
        self._loop = asyncio.get_running_loop()
        self._calls = asyncio.Semaphore(CALLS_AT_A_TIME)
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._done: dict[int, set[int]] = {}  # batch -> the places of those that were answered
        self._gets_texts = False
        network.receipts.bound(self, self._loop.time())
        self.set_inbound_url(account.inbound_url)

    def set_inbound_url(self, url: str | None) -> None:
        self.settings.inbound_url = url
        if url and not self._gets_texts:
            self._network.texts.bound(self, self._loop.time())
        elif not url and self._gets_texts:
            self._network.texts.lost(self, self._loop.time())
        self._gets_texts = bool(url)

    def deliver(self, kind: str, number: int, items: Sequence[Any]) -> None:
        if number not in self._under_way:
            task = self._under_way[number] = asyncio.create_task(self._deliver(kind, number, items))
            task.add_done_callback(lambda _: self._under_way.pop(number, None))

    async def _deliver(self, kind: str, number: int, items: Sequence[Any]) -> None:
        """Each call is answered or made again; those that were answered are not made again."""
        done = self._done.setdefault(number, set())
        rest = [place for place in range(len(items)) if place not in done]
        if self.settings.api == "json":
            calls = [(rest, self._json_call(kind, [items[place] for place in rest]))]
        else:
            calls = [([place], self._form_call(kind, items[place])) for place in rest]
        for places, call in calls:
            if call is None:  # nobody asked to be called
                done.update(places)
        await asyncio.gather(*(self._call(done, places, *call) for places, call in calls if call is not None))
        if len(done) == len(items):
            del self._done[number]
            deliveries = self._network.receipts if kind == "receipts" else self._network.texts
            deliveries.ack(self, [number], self._loop.time())

    async def _call(self, done: set[int], places: list[int], url: str, headers: Mapping[str, str], body: bytes) -> None:
        async with self._calls:
            with contextlib.suppress(httpx.HTTPError):
                answer = await self._client.post(url, headers=dict(headers), content=body)
                if answer.is_success:
                    done.update(places)

    def _form_call(self, kind: str, item: Receipt | Text) -> tuple[str, Mapping[str, str], bytes] | None:
        """None where nobody asked to be called."""
        fields = {"AccountSid": self.account, "ApiVersion": "2010-04-01"}
        if isinstance(item, Receipt):
            url = self._callbacks.of(item.ref)
            status, code = STATUSES[item.status]
            fields |= {"MessageSid": item.ref, "SmsSid": item.ref, "MessageStatus": status, "SmsStatus": status}
            fields |= {"To": item.number, "From": item.sender}
            if code:
                fields["ErrorCode"] = ERRORS.get(item.error or "", code)
        else:
            url = self.settings.inbound_url
            sid = text_sid(item.id)
            fields |= {"MessageSid": sid, "SmsSid": sid, "SmsStatus": "received", "From": item.sender, "To": item.to}
            fields |= {"Body": item.text, "NumMedia": "0", "NumSegments": "1"}
        if not url:
            return None
        signed = url + "".join(name + value for name, value in sorted(fields.items()))
        digest = hmac.digest(self.settings.token.get_secret_value().encode(), signed.encode(), hashlib.sha1)
        headers = {
            "X-Twilio-Signature": base64.b64encode(digest).decode(),
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
        }
        return url, headers, urlencode(fields).encode()

    def _json_call(self, kind: str, items: Sequence[Receipt | Text]) -> tuple[str, Mapping[str, str], bytes] | None:
        """All of a batch in one call, to where its first text's callbacks go."""
        url, said = self.settings.inbound_url, []
        for item in items:
            if isinstance(item, Receipt):
                url = self._callbacks.of(item.ref)
                told = {"id": item.ref, "reference": item.own_ref, "status": item.status, "error": item.error}
                said.append({**told, "at": item.at})
            else:
                said.append({"id": item.id, "from": item.sender, "to": item.to, "text": item.text, "at": item.at})
        if not url:
            return None
        body = orjson.dumps({kind: said})
        digest = hmac.digest(self.settings.token.get_secret_value().encode(), body, hashlib.sha256)
        return url, {"X-Signature": f"sha256={digest.hex()}", "Content-Type": "application/json"}, body

    def close(self) -> None:
        for task in list(self._under_way.values()):
            task.cancel()
        self._network.receipts.lost(self, self._loop.time())
        self._network.texts.lost(self, self._loop.time())


def text_sid(text_id: str) -> str:
    """A Twilio-like id, the same for the same text."""
    return "SM" + hashlib.sha256(text_id.encode()).hexdigest()[:32]
