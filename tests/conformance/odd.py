"""Odd, yet legal: what a client may leave out, add, or write in a way of its own.

Owns which fields may be missing: those that hostile_values.REQUIRED does not name. Each call is made afresh, for it is done.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from tests.conformance.hostile import Subject
from tests.conformance.hostile_values import REQUIRED
from tests.conformance.raw import Request

WITHOUT = {"Token": {"Message": "Your code"}}  # without a name for the code's place, the code stands at the end


def odd(subject: Subject) -> Iterator[tuple[str, Request]]:
    """Name -> a request that is as good as the good call."""
    path, mark, query = subject.path.partition(b"?")
    good = subject.asks()
    yield "a slash at its end", subject.goes_to(path + b"/" + mark + query)
    yield "letters that are encoded", subject.goes_to(b"/%61%70%69/" + path.removeprefix(b"/api/") + mark + query)
    yield "a query of other names", subject.goes_to(subject.path + (b"&" if query else b"?") + b"_=1&x=%00")
    yield "a long header", replace(good, headers={"x-odd": "a" * 4_000})
    if not subject.doc["body"]:
        return
    yield "no Content-Type", replace(good, content_type=None)
    yield "Content-Type in capitals", replace(good, content_type='APPLICATION/JSON ; Charset="UTF-8"')
    yield "a mark of byte order", replace(good, body=b"\xef\xbb\xbf" + good.body)
    yield "UTF-16", replace(good, content_type="text/json; charset=utf-16", body=good.body.decode().encode("utf-16"))
    yield "space around it", replace(good, body=b"\r\n\t " + good.body + b" \n")
    if isinstance(subject.call.body, Mapping):
        yield from _fields(subject, dict(subject.call.body))


def _fields(subject: Subject, body: dict[str, Any]) -> Iterator[tuple[str, Request]]:
    def sends(changed: Mapping[str, Any], encoding: str = "JSON") -> Request:
        content_type = {"JSON": "application/json", "XML": "text/xml", "form": "application/x-www-form-urlencoded"}
        return subject.sends(subject.written(encoding, changed), content_type[encoding])

    more = {"Unknown": "x", "Deep": [{"er": [1, None, True]}], "": 1}
    yield "unknown fields", subject.sends(json.dumps(body | more).encode(), "application/json")
    xml = subject.asks("XML").body.decode()
    at = xml.rindex("</")
    unknown = f"{xml[:at]}<Unknown a='b'>x<Title>y</Title></Unknown><!-- c --><?p q?>{xml[at:]}"
    yield "unknown elements", subject.sends(unknown.encode(), "application/xml")
    yield "integers as texts", sends({name: str(each) if type(each) is int else each for name, each in body.items()})
    optional = [name for name in body if name not in REQUIRED[subject.route] and name != "SessionToken"]
    for name in optional:
        if name == "ListEntries":
            continue  # without it the call is legal and does nothing: see test_hostile
        changes = WITHOUT.get(name, {}) if "Message" in body else {}
        without = {each: value for each, value in (body | changes).items() if each != name}
        for encoding in ("JSON", "XML", "form"):
            yield f"{name} is missing in {encoding}", sends(without, encoding)
        yield f"{name} is null", sends(body | changes | {name: None})
        yield f"{name} is nil", sends(body | changes | {name: None}, "XML")
