"""A hostile request, and what becomes of it: refused, in the right format, told nothing.

Owns the frame: the operation that is tried, with one good call whose ids are real, so that a hostile request would do something were it not refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import defusedxml.ElementTree

from tests.conformance.calling import ACCEPTS, CONTENT_TYPES, read_text, require_private, status_of
from tests.conformance.good import GOOD, Call
from tests.conformance.raw import Answer, Request
from tests.conformance.wire import BY_ROUTE, Doc, target, to_form, to_json, to_xml
from tests.conformance.world import World, fresh
from tests.platform import PASSWORD

LOGIN = "POST api/Security/Login"


@dataclass(frozen=True)
class Case:
    """Refused by HTTP's own status `http`, or by a 200 that says one of `statuses`. `twin` is answered the same to the letter."""

    name: str
    request: Request
    http: int = 0
    statuses: tuple[str, ...] = ()
    twin: Request | None = None
    allow: str = ""
    absent: tuple[str, ...] = ()  # what the answer must not hold


@dataclass
class Subject:
    """An operation under attack."""

    world: World
    route: str
    call: Call
    doc: Doc = field(init=False)

    def __post_init__(self) -> None:
        self.doc = BY_ROUTE[self.route]

    @property
    def method(self) -> str:
        return self.route.partition(" ")[0]

    @property
    def body_bytes_max(self) -> int:
        return 64 * 1024 * 1024 if self.route.endswith("AddMultipleEntries") else 64 * 1024

    @property
    def fields(self) -> dict[str, str]:
        """Of the body, by name: their types."""
        return {name: type_ for name, type_, *_ in self.doc["body"]["fields"]} if self.doc["body"] else {}

    @property
    def is_one_string(self) -> bool:
        return bool(self.doc["body"]) and self.doc["body"]["model"] == "string"

    @property
    def takes_token(self) -> bool:
        return "SessionToken" in self.call.params or "SessionToken" in self.fields

    @property
    def nothing_given(self) -> tuple[str, ...]:
        """What is said to a body that gives nothing."""
        if self.route == LOGIN:
            return ("InvalidCredentials", "LimitReached")
        return ("SessionExpired",) if self.takes_token else ("InvalidCredentials",)

    @property
    def path(self) -> bytes:
        return target(self.route, self.call.params).encode()

    def asks(self, encoding: str = "JSON", /, **changes: Any) -> Request:
        """The good call, but for these values of path, query and body."""
        params = dict(self.call.params) | {name: value for name, value in changes.items() if name in self.call.params}
        where = target(self.route, params).encode()
        if not self.doc["body"]:
            return Request(self.method, where)
        if not isinstance(self.call.body, Mapping):
            return self.sends(self.written(encoding, changes.get("body", self.call.body)), CONTENT_TYPES[encoding])
        body = dict(self.call.body) | {name: value for name, value in changes.items() if name in self.fields}
        return self.sends(self.written(encoding, body), CONTENT_TYPES[encoding])

    def written(self, encoding: str, body: Any) -> bytes:
        if encoding == "XML":
            return to_xml(self.doc, body)
        return to_json(body) if encoding == "JSON" else to_form(body)

    def sends(self, body: bytes, content_type: str | None, **options: Any) -> Request:
        return Request(self.method, self.path, content_type, body, **options)

    def goes_to(self, where: bytes) -> Request:
        """The good call, to another place."""
        good = self.asks()
        return Request(good.method, where, good.content_type, good.body)


async def subject_of(world: World, route: str) -> Subject:
    """Guesses at Login are counted, so they go at a user of its own."""
    if route == LOGIN:
        victim = await world.a_user(fresh("victim"))
        return Subject(world, route, Call(body={"Username": victim, "Password": PASSWORD}))
    return Subject(world, route, await GOOD[route](world))


def fault_of(subject: Subject, case: Case, answer: Answer, answered: str) -> str:
    """What is wrong with the answer; "" where it is as it should be."""
    try:
        _check(subject, case, answer, answered)
    except (AssertionError, ValueError, KeyError, TypeError, defusedxml.ElementTree.ParseError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _check(subject: Subject, case: Case, answer: Answer, answered: str) -> None:
    text = answer.body.decode()
    assert answer.status == (case.http or 200), f"{answer.status} {text[:200]}"
    assert answer.headers["content-type"] == f"{ACCEPTS[answered]}; charset=utf-8"
    require_private(answer.headers)
    told = text + str(answer.headers)
    for secret in (subject.world.mine.token, subject.world.theirs.token, PASSWORD, "root:", *case.absent):
        assert secret not in told, f"the answer tells {secret}"
    if case.http:
        assert answer.headers.get("allow", "") == case.allow
        if case.request.method == "HEAD":
            assert not text
        else:
            _check_error(text, answered)
    else:
        assert status_of(read_text(subject.route, text, answered), answered) in case.statuses, text[:200]


def _check_error(text: str, answered: str) -> None:
    """The usual object with a Message, and perhaps a detail; both written for people."""
    if answered == "JSON":
        told = json.loads(text)
    else:
        root = defusedxml.ElementTree.fromstring(text)
        assert root.tag == "Error"
        told = {child.tag: child.text for child in root}
    assert {"Message"} <= told.keys() <= {"Message", "MessageDetail"}, text
    assert all(isinstance(value, str) and 0 < len(value) < 500 for value in told.values()), text
