"""What the demo reaches: the gateway as any client does, the handsets through the simulator's control. HTTP and nothing else.

Owns the waiting: for a condition, up to a limit. Raises Trouble with what was expected and what came.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, TypeVar

import httpx
from pydantic import Field

from libs.common.settings import Settings
from services.console.asking import AWAY, Trouble

T = TypeVar("T")

POLL_S = 0.02
LOG_PAGE = 10_000


class DemoSettings(Settings):
    gateway_url: str = Field("http://127.0.0.1:8080", description="Where the demo finds the gateway.")
    control_url: str = Field("http://127.0.0.1:8090", description="Where the demo finds the simulator's handsets.")


def promise(kept: bool, what: str) -> None:
    if not kept:
        raise Trouble(f"PROMISE BROKEN: {what}")


def wait_for(what: str, look: Callable[[], T], limit_s: float = 30.0, poll_s: float = POLL_S) -> T:
    """What `look` answers once it is true."""
    until_s = time.monotonic() + limit_s
    while not (seen := look()):
        promise(time.monotonic() < until_s, f"{what} within {limit_s:.0f} s")
        time.sleep(poll_s)
    return seen


class Gateway:
    """The documented surface, and /v2 where it has what the documented one lacks."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=60)
        self.token = ""

    def log_in(self, username: str, password: str) -> dict[str, Any]:
        answer = self._answer("POST", "/api/Security/Login", {"Username": username, "Password": password})
        promise(answer["Status"] == "Success", f"{username} can log in; it says {answer['Status']}")
        self.token = answer["Token"]
        return answer

    def call(self, operation: str, **fields: Any) -> Any:
        """The Result of a documented POST; anything but Success breaks a promise."""
        answer = self.answer(operation, **fields)
        promise(answer["Status"] == "Success", f"{operation} succeeds; it says {answer['Status']}")
        return answer["Result"]

    def answer(self, operation: str, **fields: Any) -> dict[str, Any]:
        return self._answer("POST", f"/api/{operation}", fields | {"SessionToken": self.token})

    def get(self, operation: str, *path: str, **query: str) -> Any:
        """The Result of a documented GET."""
        answer = self._answer("GET", "/".join(("/api", operation, self.token, *path)), query=query)
        promise(answer["Status"] == "Success", f"{operation} succeeds; it says {answer['Status']}")
        return answer["Result"]

    def v2(self, method: str, path: str, content: bytes = b"") -> Any:
        headers = {"authorization": f"Bearer {self.token}"} | ({"content-type": "text/csv"} if content else {})
        answer = self._request(method, f"/v2{path}", content=content, headers=headers)
        promise(answer.is_success, f"{method} /v2{path} succeeds; it says {answer.status_code} {answer.text[:200]}")
        return answer.json()

    def _answer(
        self, method: str, path: str, body: dict[str, Any] | None = None, query: dict[str, str] | None = None
    ) -> dict[str, Any]:
        answer = self._request(method, path, json=body, params=query)
        place = "/".join(path.split("/")[:4])  # the token comes after
        promise(answer.status_code == 200, f"{place} answers 200; it says {answer.status_code}")
        told: dict[str, Any] = answer.json()
        return told

    def _request(self, method: str, path: str, **what: Any) -> httpx.Response:
        return _request(self.http, "the gateway", method, path, **what)


class Handsets:
    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=60)
        self._submits_before = self._submits()

    def texts_of(self, number: str) -> list[str]:
        answer = self._request("GET", f"/handsets/{number}/messages")
        return [text["text"] for text in answer.json()]

    def text_in(self, header: str, texts: list[tuple[str, str]]) -> None:
        """Each number texts what stands beside it, all in one go."""
        body = [{"from": number, "to": header, "text": text} for number, text in texts]
        self._request("POST", "/handsets/messages", json=body)

    def who_got(self, text: str) -> list[str]:
        """The number of each taken submit of `text` since the demo began, as the network's own log has them."""
        after, numbers = self._submits_before, []
        while lines := self._request("GET", "/log", params={"after": after, "limit": LOG_PAGE}).text.splitlines():
            entries = [json.loads(line) for line in lines]
            numbers += [entry["to"] for entry in entries if entry["text"] == text and entry["outcome"] == "taken"]
            after = entries[-1]["n"]
        return numbers

    def _submits(self) -> int:
        submits: int = self._request("GET", "/stats").json()["submits"]
        return submits

    def _request(self, method: str, path: str, **what: Any) -> httpx.Response:
        answer = _request(self.http, "the simulator", method, path, **what)
        promise(answer.is_success, f"the simulator does {method} {path}; it says {answer.status_code}")
        return answer


def _request(http: httpx.Client, who: str, method: str, path: str, **what: Any) -> httpx.Response:
    try:
        return http.request(method, path, **what)
    except httpx.ConnectError:
        raise Trouble(f"{who} does not answer at {http.base_url}: is it up? (make up)", AWAY) from None
    except httpx.TransportError as error:
        raise Trouble(f"{who} broke off at {path.split('/')[1:4]}: {type(error).__name__}", AWAY) from None
