"""The network's HTTP message API: a Twilio-compatible one, and a plain JSON one for carriers defined by configuration.

Owns the reading of requests and the words of replies, faults of an answer included. Decides nothing about texts: `network` does.
See protocol.md; callbacks are made by http_lines.py.
"""

import asyncio
import base64
import binascii
import hmac
import math
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import orjson

from services.simulator.faults import Kind
from services.simulator.http_lines import CALL_LIMIT_S, ERRORS, STATUSES, Account, ApiLine, Callbacks
from services.simulator.http_wire import Connection, Reply, Request
from services.simulator.network import Network
from services.simulator.rules import OWN_REF_CHARACTERS_MAX, Fate, Submit

JSON = {"content-type": "application/json"}
OVERSIZE_BYTES = 1 << 20
MESSAGES = re.compile(r"/2010-04-01/Accounts/([^/]+)/Messages\.json")
MESSAGE = re.compile(r"/2010-04-01/Accounts/([^/]+)/Messages/([^/]+)\.json")
ACCOUNT = re.compile(r"/2010-04-01/Accounts/([^/]+)\.json")
INBOUND_URL = re.compile(r"/accounts/([^/]+)/inbound-url")

# The network's refusals in Twilio's words: HTTP status, code. Source: twilio.com/docs/api/errors.
REFUSED = {
    "bad_number": (400, 21211),
    "bad_sender": (400, 21212),
    "bad_text": (400, 21617),
    "throttled": (429, 20429),
    "queue_full": (429, 21611),
    "blocked": (400, 21610),
    "not_allowed": (400, 21408),
    "no_route": (400, 21612),
    "not_mobile": (400, 21614),
    "server_error": (500, 20500),
    "busy": (503, 21730),
}
ANOTHER = (400, 29999)


class MessageApi:
    def __init__(self, network: Network, accounts: Sequence[Account], callbacks_path: Path) -> None:
        self._network = network
        self._callbacks = Callbacks(callbacks_path)
        self._client = httpx.AsyncClient(timeout=CALL_LIMIT_S, trust_env=False)
        self.lines = {account.sid: ApiLine(network, account, self._callbacks, self._client) for account in accounts}

    @asynccontextmanager
    async def serve(self, host: str, port: int) -> AsyncIterator[int]:
        """Gives the port."""
        server = await asyncio.get_running_loop().create_server(
            lambda: Connection(self.handle), host, port, backlog=512
        )
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            for one in self.lines.values():
                one.close()
            await self._client.aclose()
            self._callbacks.close()

    def handle(self, request: Request) -> Reply:
        path = urlsplit(request.target).path
        if (found := MESSAGES.fullmatch(path)) and request.method == "POST":
            line = self._authentic(request, found[1])
            return self._create(line, request) if line else _error(401, 20003, "Authentication Error")
        if (found := MESSAGE.fullmatch(path)) and request.method == "GET":
            line = self._authentic(request, found[1])
            return self._fetch(line, found[2]) if line else _error(401, 20003, "Authentication Error")
        if (found := ACCOUNT.fullmatch(path)) and request.method == "GET":
            line = self._authentic(request, found[1])
            return (
                _json({"sid": line.account, "status": "active"}) if line else _error(401, 20003, "Authentication Error")
            )
        if (found := INBOUND_URL.fullmatch(path)) and request.method == "PUT":
            return self._set_inbound_url(request, found[1])
        if path == "/messages" and request.method == "POST":
            return self._create_json(request)
        return _error(404, 20404, "Not found")

    def _authentic(self, request: Request, sid: str) -> ApiLine | None:
        line = self.lines.get(sid)
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if line is None:
            return None
        token = line.settings.token.get_secret_value()
        expected = f"{sid}:{token}" if scheme.lower() == "basic" else token
        try:
            given = base64.b64decode(given, validate=True).decode() if scheme.lower() == "basic" else given
        except (binascii.Error, UnicodeDecodeError):
            return None
        return line if hmac.compare_digest(given.encode(), expected.encode()) else None

    def _set_inbound_url(self, request: Request, sid: str) -> Reply:
        """What a person would set in the operator's console. The body is the address; an empty one: no texts."""
        line = self._authentic(request, sid)
        if line is None:
            return _error(401, 20003, "Authentication Error")
        line.set_inbound_url(request.body.decode("latin-1").strip() or None)
        return Reply(204)

    # -- Twilio-compatible -----------------------------------------------------------------------------------------

    def _create(self, line: ApiLine, request: Request) -> Reply:
        try:
            fields = dict(parse_qsl(request.body.decode(), keep_blank_values=True, errors="strict"))
        except ValueError:
            return _error(400, 20001, "The body is no form")
        sender = fields.get("From") or (line.settings.service_sender if fields.get("MessagingServiceSid") else "")
        for code, name, given in (
            (21604, "To", fields.get("To")),
            (21603, "From", sender),
            (21602, "Body", fields.get("Body")),
        ):
            if not given:
                return _error(400, code, f"'{name}' is required")
        validity = fields.get("ValidityPeriod", "36000")
        if not (validity.isascii() and validity.isdigit() and 1 <= int(validity[:6]) <= 36_000):
            return _error(400, 90007, "ValidityPeriod is out of range")
        callback = fields.get("StatusCallback", "")
        own_ref = parse_qs(urlsplit(callback).query).get("text", [""])[0][:OWN_REF_CHARACTERS_MAX]
        submit = Submit(0, sender, fields["To"], fields["Body"], int(validity), own_ref)
        return self._submit(line, submit, callback, TWILIO)

    def _fetch(self, line: ApiLine, sid: str) -> Reply:
        found = re.fullmatch(r"SM[0-9a-f]{8}([0-9a-f]{24})", sid)
        entry = self._network.entry(int(found[1], 16)) if found else None
        if entry is None or entry["ref"] != sid or entry["account"] != line.account:
            return _error(404, 20404, "Not found")
        status, code = ("sent", "")
        if (entry.get("fate_at") or 0.0) <= time.time():
            status, code = STATUSES["delivered" if entry["receipt"] == Fate.NEVER else entry["receipt"]]
        error = ERRORS.get(entry.get("error") or "", code)
        return _json(_message(entry, status) | {"error_code": int(error) if error else None})

    # -- plain JSON --------------------------------------------------------------------------------------------------

    def _create_json(self, request: Request) -> Reply:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        lines = [one for one in self.lines.values() if one.settings.api == "json"]
        line = next(
            (
                one
                for one in lines
                if hmac.compare_digest(given.encode(), one.settings.token.get_secret_value().encode())
            ),
            None,
        )
        if line is None:
            return _json({"status": "rejected", "error": {"code": "unauthorized"}}, 401)
        try:
            content = orjson.loads(request.body)
        except orjson.JSONDecodeError:
            content = None
        match content:
            case {
                "reference": str(own_ref),
                "from": str(sender),
                "to": str(to),
                "text": str(text),
                "validity_s": int(validity_s),
            }:
                submit = Submit(0, sender, to, text, validity_s, own_ref[:OWN_REF_CHARACTERS_MAX])
                return self._submit(line, submit, str(content.get("callback") or ""), PLAIN)
        return _json({"status": "rejected", "error": {"code": "bad_request"}}, 400)

    # -- both --------------------------------------------------------------------------------------------------------

    def _submit(self, line: ApiLine, submit: Submit, callback: str, words: "Words") -> Reply:
        """The text is in the log, and where its callbacks go is written down, before anything is answered."""

        def refer(n: int) -> str:
            ref = f"SM{self._network.boot:08x}{n:024x}"
            if callback:
                self._callbacks.keep(ref, callback)
            return ref

        done = self._network.submit(line, line.account, [submit], refer)
        for kind, delay_s, (_, _, ref) in done.odd:
            return _odd(kind, words.taken(line.account, submit, ref), delay_s)
        for delay_s, (_, _, ref) in done.delayed:
            return replace(words.taken(line.account, submit, ref), delay_s=delay_s)
        for _, outcome, *rest in done.answers:
            return words.taken(line.account, submit, rest[0]) if outcome == "taken" else words.refused(*rest)
        return LOST


@dataclass(frozen=True, slots=True)
class Words:
    """One of the two APIs: what it says of a text that is taken, and of one that is not."""

    taken: Callable[[str, Submit, str], Reply]
    refused: Callable[[str, float | None], Reply]


def _odd(kind: Kind, true: Reply, delay_s: float) -> Reply:
    """The text is taken, and the reply is not what it should be."""
    match kind:
        case Kind.HALF_OPEN:
            return Reply(silent=True)
        case Kind.GARBAGE:
            return Reply(raw=b"HTTP/banana \x00\xff\r\n\r\n")
        case Kind.OVERSIZE:
            return replace(true, body=true.body + b" " * OVERSIZE_BYTES)
        case Kind.WRONG_SEQUENCE:  # an answer, and to nobody's question
            return _error(500, 20500, "Internal Server Error")
        case Kind.EMPTY_ID:
            return replace(true, body=b"{}")
        case Kind.UNKNOWN_COMMAND | Kind.MALFORMED:  # frames between frames: HTTP has none
            return true
    return replace(LOST, delay_s=delay_s)


def _json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status, orjson.dumps(value), {**JSON, **(headers or {})})


def _retry(retry_after_s: float | None) -> dict[str, str]:
    return {} if retry_after_s is None else {"retry-after": str(math.ceil(retry_after_s))}


def _error(status: int, code: int, message: str, headers: Mapping[str, str] | None = None) -> Reply:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return _json({"code": code, "message": message, "more_info": more, "status": status}, status, headers)


def _twilio_taken(account: str, submit: Submit, ref: str) -> Reply:
    entry = {"ref": ref, "account": account, "to": submit.number, "from": submit.sender, "text": submit.text}
    return _json(_message({**entry, "at": time.time()}, "queued"), 201)


def _twilio_refused(word: str, retry_after_s: float | None) -> Reply:
    status, code = REFUSED.get(word, ANOTHER)
    return _error(status, code, word, _retry(retry_after_s))


def _message(entry: Mapping[str, Any], status: str) -> dict[str, Any]:
    at = format_datetime(datetime.fromtimestamp(entry["at"], UTC))
    return {
        "sid": entry["ref"],
        "account_sid": entry["account"],
        "to": entry["to"],
        "from": entry["from"],
        "body": entry["text"],
        "status": status,
        "error_code": None,
        "date_created": at,
        "date_updated": at,
        "api_version": "2010-04-01",
        "direction": "outbound-api",
    }


def _json_taken(_: str, submit: Submit, ref: str) -> Reply:
    return _json({"status": "accepted", "message": {"id": ref, "reference": submit.own_ref}})


def _json_refused(word: str, retry_after_s: float | None) -> Reply:
    """With status 200, as many do: the answer's own words say what it is. Only who is too fast is told by status."""
    status = 429 if word == "throttled" else 500 if word == "server_error" else 200
    return _json({"status": "rejected", "error": {"code": word}}, status, _retry(retry_after_s))


LOST = Reply(raw=b"")  # the connection is closed without an answer
TWILIO = Words(_twilio_taken, _twilio_refused)
PLAIN = Words(_json_taken, _json_refused)
