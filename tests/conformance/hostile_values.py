"""Hostile values: whose token, whose ids, and what stands in fields and parameters.

Owns which field is required by its meaning (none is by the documentation) and what is said where it is missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from tests.conformance.hostile import LOGIN, Case, Subject
from tests.conformance.raw import Request
from tests.conformance.refused import (
    ADD_MANY,
    ADD_ONE,
    CREATE,
    CREATE_LIST,
    LAUNCH,
    LINK,
    NOBODYS,
    SEND_CODE,
    SEND_TEXT,
    SENDING,
    STOP,
    UNLINK,
)
from tests.conformance.wire import to_xml
from tests.conformance.world import MINE, PERSON

WRONG = ("InvalidCredentials", "LimitReached")
REQUIRED: Mapping[str, Mapping[str, str]] = {
    LOGIN: {"Username": "InvalidCredentials", "Password": "InvalidCredentials"},
    SEND_TEXT: {"FromNumber": "InvalidSender", "ToNumber": "InvalidPhoneNumber", "Message": "MessageEmpty"},
    SEND_CODE: {"FromNumber": "InvalidSender", "ToNumber": "InvalidPhoneNumber", "Message": "InvalidRequest"},
    CREATE: {"Title": "InvalidRequest", "Text": "MessageEmpty", "FromNumber": "InvalidSender"},
    LINK: {"CampaignID": "NotFound", "ListID": "NotFound"},
    UNLINK: {"CampaignID": "NotFound", "ListID": "NotFound"},
    LAUNCH: {"CampaignID": "NotFound"},
    STOP: {"CampaignID": "NotFound"},
    CREATE_LIST: {"Title": "InvalidRequest"},
    ADD_ONE: {"ListID": "NotFound", "ListEntry": "InvalidPhoneNumber"},
    ADD_MANY: {"ListID": "NotFound"},
}
TOO_LONG = {
    "FromNumber": "InvalidSender",
    "ToNumber": "InvalidPhoneNumber",
    "Message": "MessageTooLong",
    "Text": "MessageTooLong",
    "GenerationRule": "InvalidRule",
    "Token": "InvalidRequest",
    "Title": "InvalidRequest",
    "Brand": "InvalidRequest",
}
NO_SUCH_TYPE: Mapping[str, list[Any]] = {  # what is none of a type, in JSON
    "string": [1.5, True, [], {}, ["x"], {"x": "y"}],
    "integer": ["x", "1.5", "0x1F", "1e3", "１２", 1.5, True, [], {}, [1], 2**31, -(2**31) - 1, 2**63, "99999999999"],
    "date": ["x", "yesterday", "2026-13-01", "2026-02-30", "01/02/2026", "2026-01-01T25:00", 5, 1.5, True, [], {}],
    "NewPhoneListEntry": ["x", 5, 1.5, True, [], [PERSON]],
    "Collection of NewPhoneListEntry": ["x", 5, True, {}, [5], ["x"], [[]], [[PERSON]], PERSON],
}
NO_INTEGERS = ["x", "1.5", "1e3", "0x1F", "１２", " ", "NaN", "2147483648", "-2147483649", "9" * 40, "1\0"]
NO_DATES = ["x", "2026-13-01", "2026-02-30", "01/02/2026", "2026-01-01T25:00", "2026-01-01T00:00:00+99:99", "0", "2026"]
NO_NUMBERS = ["banana", "123", "+", "07700 90012", "0800 FLOWERS", "+447700900123; DROP TABLE texts", "9" * 300]


def values(subject: Subject) -> Iterator[Case]:
    yield from _tokens(subject)
    yield from _ids(subject)
    if isinstance(subject.call.body, Mapping):
        for name, type_ in subject.fields.items():
            yield from _field(subject, name, type_)
        if "ListEntry" in subject.fields or "ListEntries" in subject.fields:
            yield from _entries(subject)
    yield from _params(subject)


def _tokens(subject: Subject) -> Iterator[Case]:
    world = subject.world
    live = world.mine.token
    bad = world.dead | {
        "unknown": "x" * 43,
        "short": "x",
        "too long": "x" * 300,
        "in the other case": live.swapcase(),
        "with a space": f"{live} ",
        "cut": live[:-1],
        "a reusable one": world.reusable_token,
        "of SQL": "' OR '1'='1",
        "a word": "null",
        "a path": "../../Help",
        "not ASCII": "tökén\u2028",
    }
    if subject.takes_token:
        unknown = subject.asks(SessionToken="y" * 43)
        for name, token in bad.items():
            twin = (
                None if name == "too long" else unknown
            )  # it is the gateway that refuses it, where others are auth's to know
            yield Case(f"token {name}", subject.asks(SessionToken=token), statuses=("SessionExpired",), twin=twin)
        if "Logout" in subject.route:  # it is revoked, not logged out
            yield Case("an API key", subject.asks(SessionToken=world.weak_key), statuses=("SessionExpired",))
        for encoding in ("XML", "form") if subject.fields else ():
            yield Case(
                f"unknown token in {encoding}", subject.asks(encoding, SessionToken="x"), statuses=("SessionExpired",)
            )
    elif subject.is_one_string:
        for name, token in (bad | {"a session's": live}).items():
            if name != "a reusable one":
                yield Case(f"token {name}", subject.asks(body=token), statuses=("InvalidCredentials",))
    if subject.route in SENDING:
        for encoding in ("JSON", "XML", "form"):
            for name, token in (("reader", world.reader_token), ("weak key", world.weak_key)):
                request = subject.asks(encoding, SessionToken=token)
                yield Case(f"no permission: {name} in {encoding}", request, statuses=("PermissionDenied",))


def _ids(subject: Subject) -> Iterator[Case]:
    """What is another company's is answered as what is nobody's, with either company's token."""
    mine, theirs = subject.world.mine, subject.world.theirs
    known = {
        "List": (mine.list_id, theirs.list_id, NOBODYS),
        "ListID": (mine.list_id, theirs.list_id, NOBODYS),
        "CampaignID": (mine.campaign_id, theirs.campaign_id, NOBODYS),
        "TextInID": (mine.text_in_id, theirs.text_in_id, NOBODYS),
        "Folder": (mine.folder_id, theirs.folder_id, NOBODYS),
        "FromNumber": (mine.header, theirs.header, "82839"),
        "PhoneNumber": (mine.numbers[1], theirs.numbers[1], "+447400000009"),
    }
    if not subject.takes_token:
        return
    named = [name for name in known if name in subject.call.params or name in subject.fields]
    said = ("NotFound", "InvalidSender", *(("Success",) if "GetConversation" in subject.route else ()))
    if named:
        of_mine = subject.asks(SessionToken=theirs.token, **{name: known[name][0] for name in named})
        of_nobody = subject.asks(SessionToken=theirs.token, **{name: known[name][2] for name in named})
        yield Case("another company's token", of_mine, statuses=said, twin=of_nobody)
    elif subject.method == "GET" and "Logout" not in subject.route and "RequestReusableToken" not in subject.route:
        yield Case(
            "another company's token", subject.asks(SessionToken=theirs.token), statuses=("Success",), absent=MINE
        )
    for name in named:
        request, twin = subject.asks(**{name: known[name][1]}), subject.asks(**{name: known[name][2]})
        yield Case(f"another company's {name}", request, statuses=said, twin=twin)
        if name not in ("FromNumber", "PhoneNumber"):
            for id_ in (2**31 - 1, -(2**31), -1):
                yield Case(f"{name} {id_}", subject.asks(**{name: id_}), statuses=("NotFound",))


def _field(subject: Subject, name: str, type_: str) -> Iterator[Case]:
    body = dict(subject.call.body)
    for value in NO_SUCH_TYPE[type_]:
        yield Case(f"{name} is {value!r:.60}", subject.asks(**{name: value}), http=400, absent=_told(value))
    required = {"SessionToken": "SessionExpired", **REQUIRED[subject.route]}.get(name)
    if required:
        said = WRONG if required == "InvalidCredentials" else (required,)
        without = {each: value for each, value in body.items() if each != name}
        for encoding, content_type in (
            ("JSON", "application/json"),
            ("XML", "text/xml"),
            ("form", "application/x-www-form-urlencoded"),
        ):
            request = subject.sends(subject.written(encoding, without), content_type)
            yield Case(f"{name} is missing in {encoding}", request, statuses=said)
        yield Case(f"{name} is null", subject.asks(**{name: None}), statuses=said)
        yield Case(f"{name} is nil", subject.asks("XML", **{name: None}), statuses=said)
        if type_ in ("string", "integer"):
            yield Case(f"{name} is empty", subject.asks(**{name: ""}), statuses=said)
    if type_ == "string":
        said = WRONG if subject.route == LOGIN else (TOO_LONG.get(name, "SessionExpired"),)
        yield Case(f"{name} is overlong", subject.asks(**{name: "#" + "x" * 50_000}), statuses=said)
        yield Case(f"{name} holds a null character", subject.asks(**{name: "a\0b"}), http=400)
        yield Case(f"{name} holds a null character in a form", subject.asks("form", **{name: "a\0b"}), http=400)
        raw = subject.asks(**{name: "MARK"}).body.replace(b"MARK", rb"a\ud800b")
        yield Case(f"{name} holds half a character", subject.sends(raw, "application/json"), http=400)
        inner = to_xml(subject.doc, body | {name: "MARK"}).replace(b"MARK", b"<b>a</b>")
        yield Case(f"{name} holds an element", subject.sends(inner, "application/xml"), http=400)
        form = subject.written("form", {each: value for each, value in body.items() if each != name})
        request = subject.sends(form + f"&{name}[x]=1".encode(), "application/x-www-form-urlencoded")
        yield Case(f"{name} is an object in a form", request, http=400)
    if type_ in ("integer", "date"):
        for encoding in ("XML", "form"):
            for value in (NO_INTEGERS if type_ == "integer" else NO_DATES)[:5]:
                yield Case(f"{name} is {value} in {encoding}", subject.asks(encoding, **{name: value}), http=400)
    yield from _twice(subject, name)


def _told(value: Any) -> tuple[str, ...]:
    """What a refusal must not repeat: it may be a secret that stands in the wrong field."""
    return (value,) if isinstance(value, str) and len(value) > 7 else ()


def _twice(subject: Subject, name: str) -> Iterator[Case]:
    """The same name twice, in the same case and in another: which of the two is meant, nobody knows."""
    value = json.dumps(subject.call.body[name])
    in_json, in_xml = subject.asks().body.decode(), subject.asks("XML").body.decode()
    element = in_xml[in_xml.index(f"<{name}>") : in_xml.index(f"</{name}>") + len(name) + 3]
    root_end = in_xml.rindex("</")
    form = subject.asks("form").body.decode()
    pair = form[form.index(name) :].partition("&")[0]
    aliases = {"ListID": "PhonelistID"} if subject.route in (LINK, UNLINK) else {}
    for again in {name, name.lower(), name.upper(), aliases.get(name, name)}:
        twice = f'{in_json[:-1]}, "{again}": {value}}}'.encode()
        yield Case(f"{name} and {again}", subject.sends(twice, "application/json"), http=400)
        twice = (in_xml[:root_end] + element.replace(name, again) + in_xml[root_end:]).encode()
        yield Case(f"{name} and {again} in XML", subject.sends(twice, "application/xml"), http=400)
        twice = f"{form}&{again}{pair[len(name) :]}".encode()
        yield Case(f"{name} and {again} in a form", subject.sends(twice, "application/x-www-form-urlencoded"), http=400)


def _entries(subject: Subject) -> Iterator[Case]:
    """What stands in an entry: the second of two, whose neighbour is good, where there are many."""

    def asks(entry: Any, encoding: str = "JSON") -> Request:
        if "ListEntry" in subject.fields:
            return subject.asks(encoding, ListEntry=entry)
        return subject.asks(encoding, ListEntries=[PERSON, entry])

    for name in PERSON:
        for value in NO_SUCH_TYPE["date" if name == "DateOfBirth" else "string"]:
            yield Case(f"an entry's {name} is {value!r:.60}", asks(PERSON | {name: value}), http=400)
        yield Case(f"an entry's {name} holds a null character", asks(PERSON | {name: "a\0b"}), http=400)
        twice = asks(PERSON).body.replace(b'"Title": ', f'"{name.upper()}": "x", "Title": '.encode())
        yield Case(f"an entry's {name} twice", subject.sends(twice, "application/json"), http=400)
        twice = asks(PERSON).body.replace(b'"Title": ', f'"{name}": null, "Title": '.encode())
        yield Case(f"an entry's {name} twice in one case", subject.sends(twice, "application/json"), http=400)
    for number in ("", None, *NO_NUMBERS):
        for encoding in ("JSON", "XML", "form"):
            request = asks(PERSON | {"PhoneNumber": number}, encoding)
            yield Case(
                f"an entry's number is {str(number)[:40]} in {encoding}", request, statuses=("InvalidPhoneNumber",)
            )
    yield Case("an entry that is empty", asks({}), statuses=("InvalidPhoneNumber",))
    if "ListEntries" in subject.fields:
        yield Case("an entry that is null", asks(None), http=400)
        nil = subject.asks("XML").body.replace(b"</ListEntries>", b'<NewPhoneListEntry i:nil="true"/></ListEntries>')
        yield Case("an entry that is nil", subject.sends(nil, "text/xml"), http=400)


def _params(subject: Subject) -> Iterator[Case]:
    for name, type_, _ in subject.doc["params"]:
        if name == "SessionToken":
            yield Case("token with a null character", subject.asks(SessionToken="a\0b"), http=400)
        elif type_ == "integer":
            for value in NO_INTEGERS:
                yield Case(f"{name} is {value!r}", subject.asks(**{name: value}), http=400, absent=_told(value))
        elif type_ == "date":
            for value in NO_DATES:
                yield Case(f"{name} is {value!r}", subject.asks(**{name: value}), http=400, absent=_told(value))
        elif name == "PhoneNumber":
            for value in NO_NUMBERS:
                yield Case(f"{name} is {value[:40]!r}", subject.asks(**{name: value}), statuses=("InvalidPhoneNumber",))
            yield Case(f"{name} holds a null character", subject.asks(**{name: "0770\0"}), http=400)
    yield from _queries(subject)


def _queries(subject: Subject) -> Iterator[Case]:
    path, _, query = subject.path.partition(b"?")
    if subject.route == UNLINK:
        yield from _unlink_by_query(subject)
    if not query:
        return
    documented = [name for name, _, required in subject.doc["params"] if f"={{{name}}}" in subject.route and required]
    for name in documented:
        others = {
            each: str(value)
            for each, value in subject.call.params.items()
            if each != name and f"={{{each}}}" in subject.route
        }
        for what, there in (("missing", others), ("empty", others | {name: ""})):
            request = subject.goes_to(path + b"?" + urlencode(there).encode())
            yield Case(f"{name} is {what}", request, http=400)
    for name in [name for name, *_ in subject.doc["params"] if f"={{{name}}}" in subject.route]:
        value = quote(str(subject.call.params[name])).encode()
        for again in (name, name.lower(), name.upper()):
            request = subject.goes_to(subject.path + b"&" + again.encode() + b"=" + value)
            yield Case(f"{name} and {again} in the query", request, http=400)
        for what, bytes_ in (("not UTF-8", b"%FF"), ("half a character", b"%ED%A0%80"), ("null", b"a%00")):
            request = subject.goes_to(path + b"?" + name.encode() + b"=" + bytes_)
            yield Case(f"{name} is {what}", request, http=400)
    yield Case("101 names in the query", subject.goes_to(subject.path + b"&x=1" * 101), http=400)


def _unlink_by_query(subject: Subject) -> Iterator[Case]:
    """Without a body it is the query that is read, as strictly."""
    good = subject.asks("form").body
    cases: list[tuple[str, bytes, dict[str, Any]]] = [
        ("a name twice", good + b"&listid=1", {"http": 400}),
        ("no integer", good.replace(b"ListID=", b"ListID=x"), {"http": 400}),
        ("not UTF-8", good + b"&x=%FF", {"http": 400}),
        ("a null character", good.replace(b"SessionToken=", b"SessionToken=%00"), {"http": 400}),
        ("no token", good.replace(b"SessionToken=", b"Nothing="), {"statuses": ("SessionExpired",)}),
        ("no list", good.replace(b"ListID=", b"Nothing="), {"statuses": ("NotFound",)}),
    ]
    for name, query, expected in cases:
        where = Request(subject.method, subject.path + b"?" + query)
        yield Case(f"query in place of the body: {name}", where, **expected)
