"""A first program with /v2: an API key, a text with a reference of one's own, what became of it, the inbox and a reply.

Needs Python 3.11 and nothing else. Tells each step in a line. Ends with 1 and the reason where it is refused.

    SMS_USERNAME=demo SMS_PASSWORD=demo-password python3 v2.py --to "07700 900123" --wait-for-reply 60
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

Fields = dict[str, Any]


class Stopped(Exception):
    """Why the program cannot go on."""


class Heliograph:
    """One platform, asked with one token: a session's or an API key."""

    def __init__(self, address: str, token: str | None = None) -> None:
        self.address = address.rstrip("/")
        self.token = token

    def ask(self, method: str, path: str, body: Fields | None = None, key: str | None = None) -> Fields:
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if key:
            headers["Idempotency-Key"] = key
        content = None if body is None else json.dumps(body).encode()
        try:
            with urlopen(Request(f"{self.address}/v2/{path}", content, headers, method=method), timeout=30) as answer:
                return dict(json.loads(answer.read() or "{}"))
        except HTTPError as refused:
            raise Stopped(f"{method} /v2/{path}: {refused.code} {refused.read().decode()}") from refused
        except OSError as unreached:
            raise Stopped(f"{self.address} does not answer: {unreached}") from unreached

    def each(self, path: str, **filters: str) -> list[Any]:
        """All that a page and the pages after it hold."""
        found: list[Any] = []
        while True:
            page = self.ask("GET", f"{path}?{urlencode(filters)}")
            found += page["items"]
            if page["after"] is None:
                return found
            filters["after"] = page["after"]


def new_idempotency_key() -> str:
    """A UUIDv7: the time in milliseconds, then chance. One for each thing that is to be done once."""
    value = (time.time_ns() // 1_000_000) << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=value))


def wait_for(look: Callable[[], Fields | None], limit_s: int, what: str) -> Fields:
    until = time.monotonic() + limit_s
    while (seen := look()) is None:
        if time.monotonic() > until:
            raise Stopped(f"{what} did not come within {limit_s} s")
        time.sleep(0.5)
    return seen


def say(line: str) -> None:
    print(line, flush=True)


def send_once(heliograph: Heliograph, header: str, number: str, text: str) -> Fields:
    """Sends a text, and asks a second time as one does after a broken connection: it is the same text."""
    reference = f"order-{secrets.token_hex(4)}"
    body = {"to": number, "from": header, "text": text, "reference": reference}
    key = new_idempotency_key()
    sent = heliograph.ask("POST", "messages", body, key)
    again = heliograph.ask("POST", "messages", body, key)
    if again["id"] != sent["id"]:
        raise Stopped(f"the text went out twice: {sent['id']}, {again['id']}")
    say(f"sent {reference} as {sent['id']}; asked a second time with the same key, it is the same text")

    def ended() -> Fields | None:
        [found] = heliograph.each("messages", reference=reference)
        return found if found["state"] not in ("queued", "submitting", "submitted") else None

    found = wait_for(ended, 60, "the text's end")
    say(f"{reference} is {found['state']}")
    return found


def answer_one(heliograph: Heliograph, header: str, number: str, wait_s: int) -> None:
    """Waits for a text from the number, answers it, and marks it as done with."""

    def unread() -> Fields | None:
        return next(iter(heliograph.each("inbound-messages", unread="true", **{"from": number})), None)

    say(f"waiting: text Until when? from {number} to {header}")
    received = wait_for(unread, wait_s, "a text")
    say(f"received {received['text']!r} from {received['from']}")
    heliograph.ask("POST", f"inbound-messages/{received['id']}/replies", {"text": "Until six"}, new_idempotency_key())
    heliograph.ask("PATCH", f"inbound-messages/{received['id']}", {"handled": True}, new_idempotency_key())
    say("answered it, and marked it as handled")


def walk(options: argparse.Namespace) -> None:
    logon = {"username": options.username, "password": options.password}
    session = Heliograph(options.address, Heliograph(options.address).ask("POST", "sessions", logon)["token"])
    name = f"first program {time.strftime('%Y-%m-%d %H:%M:%S')} {secrets.token_hex(4)}"
    made = session.ask("POST", "api-keys", {"name": name, "permissions": ["send"], "test": options.test})
    say("logged in and made an API key; a program of yours would keep it, and never log in")

    heliograph = Heliograph(options.address, made["key"])
    header = heliograph.each("headers")[0]
    send_once(heliograph, header, options.to, "Your order is ready")
    if options.wait_for_reply:
        answer_one(heliograph, header, options.to, options.wait_for_reply)

    session.ask("DELETE", f"api-keys/{made['id']}")
    session.ask("DELETE", "sessions/current")
    say("revoked the key and logged out")


def main() -> int:
    parser = argparse.ArgumentParser(description="A first program with /v2.")
    parser.add_argument("--address", default=os.environ.get("SMS_ADDRESS", "http://127.0.0.1:8080"))
    parser.add_argument("--username", default=os.environ.get("SMS_USERNAME"))
    parser.add_argument(
        "--password", default=os.environ.get("SMS_PASSWORD"), help="better in the environment: SMS_PASSWORD"
    )
    parser.add_argument("--to", required=True, help="a number you may text: a phone of yours")
    parser.add_argument("--test", action="store_true", help="with a test key: nothing leaves the platform")
    parser.add_argument("--wait-for-reply", type=int, default=0, help="seconds to wait for a person to text; 0: don't")
    options = parser.parse_args()
    if not (options.username and options.password):
        parser.error("a username and a password are needed, as arguments or as SMS_USERNAME and SMS_PASSWORD")
    try:
        walk(options)
    except Stopped as stopped:
        print(f"stopped: {stopped}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
