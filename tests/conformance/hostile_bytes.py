"""Hostile bytes: bodies that are no JSON, XML or form, or too much of it; methods and paths that no operation has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from tests.conformance.hostile import Case, Subject
from tests.conformance.raw import Request
from tests.conformance.wire import BY_ROUTE, SERIALIZATION, model_namespace

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
DEEP = 2_000
JSON, XML, FORM = "application/json", "application/xml", "application/x-www-form-urlencoded"
NO_CONTENT_TYPES = (
    *("text/plain", "text/html", "text/csv", "application/octet-stream", "multipart/form-data; boundary=x", "*/*"),
    *("application/soap+xml", "application/x-protobuf", "json", "application/json+x", "image/png", "x" * 2_000),
    *(f"{JSON}; charset={name}" for name in ("utf-7", "base64", "zlib", "rot13", "idna", "ebcdic", "x" * 200)),
    *(f"{XML}; charset={name}" for name in ("utf-7", "unicode_escape", "utf-32")),
)

ENTITIES = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
DOCTYPES = {
    "an entity": '<!DOCTYPE x [<!ENTITY e0 "lol">]>',
    "a billion laughs": f'<!DOCTYPE x [<!ENTITY e0 "lol">{ENTITIES}]>',
    "a file": '<!DOCTYPE x [<!ENTITY e0 SYSTEM "file:///etc/passwd">]>',
    "an address": '<!DOCTYPE x [<!ENTITY e0 SYSTEM "http://127.0.0.1:1/">]>',
    "a parameter entity": '<!DOCTYPE x [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p; <!ENTITY e0 "x">]>',
    "an outer DTD": '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">',
}


def bytes_(subject: Subject) -> Iterator[Case]:
    if subject.doc["body"]:
        yield from _json(subject)
        yield from _xml(subject)
        yield from _form(subject)
        yield from _content_types(subject)
    yield from _too_large(subject)
    yield from _methods(subject)
    yield from _paths(subject)


def cut_off(subject: Subject) -> Iterator[Request]:
    """Requests of which only a part ever comes."""
    good = subject.asks()
    if good.body:
        for sent in (0, 1, len(good.body) // 2, len(good.body) - 1):
            yield replace(good, body=good.body[:sent], claimed_bytes=len(good.body))


def _json(subject: Subject) -> Iterator[Case]:
    def sent(name: str, body: bytes, **expected: Any) -> Case:
        return Case(f"JSON: {name}", subject.sends(body, JSON), **(expected or {"http": 400}))

    good = subject.asks().body
    for end in sorted({1, len(good) // 4, len(good) // 2, len(good) * 3 // 4, len(good) - 1}):
        yield sent(f"cut after {end}", good[:end])
    for name, body in {
        "more after its end": good + b"x",
        "twice": good + good,
        "in single quotes": good.replace(b'"', b"'"),
        "a comment": b"/* */" + good,
        "NaN": b'{"SessionToken": NaN}',
        "a null byte at its end": good + b"\0",
        "a null byte in a string": good.replace(b'"', b'"\0', 1),
        "not UTF-8": good.replace(b'"', b'"\xff', 1),
        "half a character in UTF-8": good.replace(b'"', b'"\xed\xa0\x80', 1),
        "half a character in a name": b'{"\\ud800": 1}',
        "a mark of byte order alone": b"\xef\xbb\xbf",
        "a list": b"[]",
        "a list of it": b"[" + good + b"]",
        "a fraction": b"1.5",
        "true": b"true",
        "an object" if subject.is_one_string else "a string": b"{}" if subject.is_one_string else b'"x"',
        "lists in lists": b"[" * DEEP + b"]" * DEEP,
        "lists that never end": b"[" * DEEP,
        "objects in objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
        "a field that is deep": b'{"SessionToken":' + b"[" * DEEP + b"]" * DEEP + b"}",
        "an unknown field that is deep": b'{"x":' + b'{"x":' * DEEP + b"1" + b"}" * DEEP + b"}",
        "XML": subject.asks("XML").body,
        "a form": b"a=b&c=d",
    }.items():
        yield sent(name, body)
    for name, body in {"empty": b"", "blank": b" \n ", "null": b"null"}.items():
        yield sent(name, body, statuses=subject.nothing_given)
    if not subject.is_one_string:
        yield sent("an empty object", b"{}", statuses=subject.nothing_given)
        yield sent("an object of unknown names", b'{"x": 1, "y": [{}]}', statuses=subject.nothing_given)


def _xml(subject: Subject) -> Iterator[Case]:
    def sent(name: str, body: str | bytes) -> Case:
        raw = body if isinstance(body, bytes) else body.encode()
        return Case(f"XML: {name}", subject.sends(raw, XML), http=400)

    good = subject.asks("XML").body.decode()
    for end in sorted({1, len(good) // 4, len(good) // 2, len(good) * 3 // 4, len(good) - 1}):
        yield sent(f"cut after {end}", good[:end])
    start, inside = (good.index(">") + 1, good.rindex("</")) if subject.is_one_string else (good.index("><") + 1,) * 2
    for name, doctype in DOCTYPES.items():
        yield sent(f"{name} declared", doctype + good)
        yield sent(f"{name} used", f"{doctype}{good[:start]}&e{9 if 'laughs' in name else 0};{good[inside:]}")
    deep = "<a>" * DEEP + "</a>" * DEEP
    bodies: dict[str, str | bytes] = {
        "deep": deep,
        "deep inside": good[:start] + deep + good[inside:],
        "deep and never ended": good[:start] + "<a>" * DEEP,
        "an unknown entity": f"{good[:start]}&nbsp;{good[inside:]}",
        "a null by reference": f"{good[:start]}&#0;{good[inside:]}",
        "half a character by reference": f"{good[:start]}&#xD800;{good[inside:]}",
        "a null byte": good[:start] + "\0" + good[inside:],
        "two roots": good + good,
        "text after its end": good + "x",
        "an unknown prefix": f"{good[:start]}<q:x/>{good[inside:]}",
        "an attribute twice": f'<x a="1" a="2">{good}</x>',
        "an unknown encoding": f'<?xml version="1.0" encoding="x-none"?>{good}',
        "a wrong encoding": f'<?xml version="1.0" encoding="utf-16"?>{good}',
        "JSON": subject.asks().body,
        "text": "hello",
        "not UTF-8": good[:start].encode() + b"\xff" + good[inside:].encode(),
        "half a character in UTF-8": good[:start].encode() + b"\xed\xa0\x80" + good[inside:].encode(),
    }
    for name, body in bodies.items():
        yield sent(name, body)
    namespace = SERIALIZATION if subject.is_one_string else model_namespace(subject.doc)
    empty = f'<{subject.doc["body"]["model"]} xmlns="{namespace}"/>'
    yield Case("XML: an empty root", subject.sends(empty.encode(), XML), statuses=subject.nothing_given)


def _form(subject: Subject) -> Iterator[Case]:
    def sent(name: str, body: bytes, **expected: Any) -> Case:
        return Case(f"form: {name}", subject.sends(body, FORM), **(expected or {"http": 400}))

    good = subject.asks("form").body
    yield sent("not UTF-8", good + b"&x=%FF")
    yield sent("half a character", good + b"&x=%ED%A0%80")
    yield sent("20,001 fields", good + b"&a" * 20_001)
    yield sent("nothing", b"&&&", statuses=subject.nothing_given)
    yield sent("of JSON", b'{"SessionToken":"x"}', statuses=subject.nothing_given)
    if subject.is_one_string:
        yield sent("the string twice", good + b"&" + good)
        yield sent("the string by two names", good + b"&ReusableToken=x")
    else:
        name = next(iter(subject.fields)).encode()
        yield sent("deep", b"&" + name + b"[a]" * DEEP + b"=1")
        yield sent("deep in an unknown name", good + b"&x" + b"[a]" * DEEP + b"=1")
        yield sent("deep by dots", good + b"&x" + b".a" * DEEP + b"=1")


def _content_types(subject: Subject) -> Iterator[Case]:
    good = subject.asks()
    for content_type in NO_CONTENT_TYPES:
        yield Case(f"Content-Type {content_type[:60]}", replace(good, content_type=content_type), http=415)
    for content_type in (f"{JSON}; charset=utf-16", f"{XML}; charset=utf-16", XML, f"{XML}; charset=us-ascii"):
        yield Case(f"JSON that says it is {content_type}", replace(good, content_type=content_type), http=400)
    ascii_only = replace(good, content_type=f"{JSON}; charset=us-ascii", body=good.body.replace(b'"', '"é'.encode(), 1))
    yield Case("more than ASCII that says it is", ascii_only, http=400)


def _too_large(subject: Subject) -> Iterator[Case]:
    """Refused before it is all there: what was announced, or the last chunk, never comes."""
    size = subject.body_bytes_max + 1
    if size > 1_000_000:  # one of a kind is enough to send
        yield Case("too large", subject.sends(b" " * size, JSON, claimed_bytes=size + 1), http=413)
        return
    announced = subject.sends(b" " * size, JSON, claimed_bytes=10 * size)
    yield Case("too large", announced, http=413)
    chunk = f"{size:x}\r\n".encode() + b" " * size + b"\r\n"
    chunked = subject.sends(chunk, JSON, headers={"transfer-encoding": "chunked"})
    yield Case("too large in chunks", chunked, http=413)


def _methods(subject: Subject) -> Iterator[Case]:
    """TRACE must not tell what it was sent, OPTIONS opens nothing, HEAD is answered as any other, without the body."""
    allowed = sorted(method for method in METHODS if _routed(method, subject.path.partition(b"?")[0]) == method)
    assert subject.method in allowed
    for method in METHODS:
        if method not in allowed:
            request = replace(subject.asks(), method=method)
            if method in ("HEAD", "TRACE", "OPTIONS"):
                request = replace(request, body=b"", content_type=None)
            yield Case(method, request, http=405, allow=", ".join(allowed))


def _paths(subject: Subject) -> Iterator[Case]:
    path, mark, rest = subject.path.partition(b"?")
    query = mark + rest
    segments = path.removeprefix(b"/").split(b"/")
    last = len(BY_LITERALS[subject.route]) - 1  # of the literals
    for name, wrong in {
        "a segment more": [*segments, b"x"],
        "a segment less": segments[:-1],
        "a letter more": [*segments[:last], segments[last] + b"x", *segments[last + 1 :]],
        "a percent sign": [*segments[:last], segments[last] + b"%", *segments[last + 1 :]],
        "no hexadecimals": [*segments[:last], segments[last] + b"%zz", *segments[last + 1 :]],
        "a null byte": [*segments[:last], segments[last] + b"%00", *segments[last + 1 :]],
        "a parameter of the segment": [*segments[:last], segments[last] + b";x=1", *segments[last + 1 :]],
        "a suffix": [*segments[:last], segments[last] + b".json", *segments[last + 1 :]],
        "a slash twice": [segments[0], b"", *segments[1:]],
        "a slash encoded": [b"%2F".join(segments[: last + 1]), *segments[last + 1 :]],
        "a backslash": [b"\\".join(segments[: last + 1]), *segments[last + 1 :]],
        "up and down": [segments[0], b"x", b"..", *segments[1:]],
        "up and down, encoded": [segments[0], b"x", b"%2e%2e", *segments[1:]],
        "out of the root": [b"..", b"..", *segments],
        "here": [b".", *segments],
        "encoded twice": [b"%2561pi", *segments[1:]],
        "letters that look alike": [quote("ａpi").encode(), *segments[1:]],
        "10,000 characters more": [*segments[:last], segments[last] + b"a" * 10_000, *segments[last + 1 :]],
        "1,000 segments more": [*segments, *[b"x"] * 1_000],
        "another prefix": [b"apis", *segments[1:]],
    }.items():
        where = b"/" + b"/".join(wrong)
        found = _routed(subject.method, where)
        if found == "":
            yield Case(f"path: {name}", subject.goes_to(where + query), http=404)
    for name, bytes_ in {"not UTF-8": b"%FF", "overlong": b"%C0%AF", "half a character": b"%ED%A0%80"}.items():
        wrong = [*segments[:last], segments[last] + bytes_, *segments[last + 1 :]]
        yield Case(f"path: {name}", subject.goes_to(b"/" + b"/".join(wrong) + query), http=400)
        if len(segments) > last + 1:
            wrong = [*segments[:-1], segments[-1] + bytes_]
            yield Case(f"path: {name} in a parameter", subject.goes_to(b"/" + b"/".join(wrong) + query), http=400)
    for letter, twin in ((b"k", "\u212a"), (b"s", "\u017f"), (b"i", "\u0131")):
        if letter in segments[last].lower():
            at = segments[last].lower().index(letter)
            folded = segments[last][:at] + quote(twin).encode() + segments[last][at + 1 :]
            wrong = [*segments[:last], folded, *segments[last + 1 :]]
            yield Case(f"path: {twin} for {letter!r}", subject.goes_to(b"/" + b"/".join(wrong) + query), http=404)
    if len(segments) > last + 1:
        long = subject.asks(SessionToken="a" * 10_000)
        yield Case("path: a token of 10,000 characters", long, statuses=("SessionExpired",))


def _literals(route: str) -> tuple[str, ...]:
    path = route.partition(" ")[2].partition("?")[0]
    return tuple(segment.lower() for segment in path.split("/") if not segment.startswith("{"))


BY_LITERALS = {route: _literals(route) for route in BY_ROUTE}
PLACES: dict[tuple[tuple[str, ...], int], list[str]] = {}
for _route, _names in BY_LITERALS.items():
    _segments = len(_route.partition(" ")[2].partition("?")[0].split("/"))
    PLACES.setdefault((_names, _segments), []).append(_route.partition(" ")[0])


def _routed(method: str, path: bytes) -> str:
    """`method` where some operation is there, another where only that is, "" where there is none; by the documentation."""
    segments = path.decode("latin-1").strip("/").split("/")
    for (literals, count), methods in PLACES.items():
        here = tuple(segment.lower() for segment in segments[: len(literals)])
        if len(segments) == count and here == literals and all(segments):
            return method if method in methods else methods[0]
    return ""
