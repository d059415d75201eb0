"""Reading what a configured carrier says: one value at a named place, answers, callbacks, and proof of who calls.

Plain functions of the settings and the bytes. What is not there is None; what cannot be understood is a ValueError.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import orjson
import regex  # type: ignore[import-untyped]

from services.messaging.carriers.carrier import (
    Answer,
    Arrived,
    Callback,
    Failure,
    Receipt,
    ReceiptStatus,
    Refusal,
    Refused,
    Taken,
    Unknown,
)
from services.messaging.carriers.generic.settings import (
    Answering,
    Authentication,
    ByHeader,
    ByHmac,
    ByQuery,
    Mapped,
    Receipts,
    Texts,
)
from services.messaging.carriers.http import Answered, by_status

PATTERN_LIMIT_S = 0.1  # an unlucky pattern must not stop the process
FIELDS_MAX = 200


class Document:
    """One answer or callback, read only as far as it is asked for."""

    def __init__(self, body: bytes, query: str = "", item: Any = None) -> None:
        self._body = body
        self._query = query
        self._item = item

    def find(self, place: str | None) -> str | None:
        """The value at "source:place" as a string; None where it is not there. Raises ValueError where the source cannot be read."""
        if place is None:
            return None
        source, _, path = place.partition(":")
        match source:
            case "json":
                return _as_text(_walk(orjson.loads(self._body), path))
            case "item":
                return _as_text(_walk(self._item, path))
            case "form":
                return _field(self._body.decode(), path)
            case "query":
                return _field(self._query, path)
        try:
            found = regex.search(path, self._body.decode(errors="replace"), timeout=PATTERN_LIMIT_S)
        except TimeoutError:
            return None
        return found[1] if found else None

    def each(self, items: str | None) -> "Iterator[Document]":
        if items is None:
            yield self
            return
        listed = _walk(orjson.loads(self._body), items.partition(":")[2])
        if not isinstance(listed, list):
            raise ValueError(f"{items} is no list")
        for item in listed:
            yield Document(self._body, self._query, item)


def _walk(value: Any, path: str) -> Any:
    for step in path.split("."):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isascii() and step.isdigit() and int(step[:6]) < len(value):
            value = value[int(step[:6])]
        else:
            return None
    return value


def _as_text(value: Any) -> str | None:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
    return None


def _field(encoded: str, name: str) -> str | None:
    pairs = parse_qsl(encoded, keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX)
    return next((value for key, value in pairs if key == name), None)


# -- answers -----------------------------------------------------------------------------------------------------


def answer(settings: Answering, answered: Answered) -> Answer:
    """Taken only where all that the settings ask for is there; refused where they name the code, or the status says so; else Unknown."""
    document = Document(answered.body)
    code = _if_there(document, settings.error)
    if answered.status in settings.taken_status:
        said = None if settings.taken_if is None else _if_there(document, settings.taken_if.field)
        if settings.taken_if is None or said == settings.taken_if.equals:
            reference = _if_there(document, settings.reference)
            return Taken(reference) if reference else Unknown("taken, and no reference in the answer")
        if said is None:
            return Unknown("the answer does not say whether it is taken")
        return _by_table(settings, code, answered) or Refused(Refusal.UNLISTED, None, code or said)
    return _by_table(settings, code, answered) or by_status(answered, code)


def _by_table(settings: Answering, code: str | None, answered: Answered) -> Refused | None:
    for word in (code, str(answered.status)):
        if word is not None and (rule := settings.refusals.get(word)):
            return Refused(rule.reason, rule.retry_after_s, word)
    return None


def _if_there(document: Document, place: str | None) -> str | None:
    try:
        return document.find(place)
    except ValueError:  # not JSON: an error page
        return None


# -- callbacks ---------------------------------------------------------------------------------------------------


def authentic(settings: Authentication, secret: str, callback: Callback) -> bool:
    match settings:
        case ByHeader():
            given, expected = callback.headers.get(settings.name.lower(), ""), secret
        case ByQuery():
            try:
                given, expected = _field(urlsplit(callback.url).query, settings.name) or "", secret
            except ValueError:
                return False
        case ByHmac():
            digest = hmac.digest(secret.encode(), callback.body, hashlib.sha256)
            encoded = digest.hex() if settings.encoding == "hex" else base64.b64encode(digest).decode()
            given, expected = callback.headers.get(settings.header.lower(), ""), settings.prefix + encoded
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())


def receipts(settings: Receipts, callback: Callback) -> list[Receipt]:
    """Raises ValueError; what one callback says is taken whole or not at all."""
    return [_receipt(settings, document, callback) for document in _documents(settings, callback)]


def texts(settings: Texts, callback: Callback) -> list[Arrived]:
    """Raises ValueError."""
    return [_arrived(settings, document, callback.at) for document in _documents(settings, callback)]


def _documents(settings: Mapped, callback: Callback) -> Iterator[Document]:
    return Document(callback.body, urlsplit(callback.url).query).each(settings.items)


def _receipt(settings: Receipts, document: Document, callback: Callback) -> Receipt:
    word = _required(document, settings.status)
    status = settings.statuses.get(word, ReceiptStatus.UNLISTED)
    error = document.find(settings.error)
    return Receipt(
        _required(document, settings.reference),
        status,
        _time(document, settings, callback.at),
        word if status is ReceiptStatus.UNLISTED else error,
        text_id=_text_id(document.find(settings.text_id)),
        failure=settings.failures.get(error or "", Failure.UNKNOWN),
        raw=callback.body.decode(errors="replace"),
        number=_e164(document.find(settings.number) or ""),
    )


def _arrived(settings: Texts, document: Document, at: datetime) -> Arrived:
    return Arrived(
        document.find(settings.id) or "",
        _e164(_required(document, settings.sender)),
        _required(document, settings.to),
        document.find(settings.text) or "",
        _time(document, settings, at),
    )


def _e164(number: str) -> str:
    """Many write it without the plus."""
    bare = number.isascii() and number.isdigit() and len(number) > 6 and number[0] != "0"
    return f"+{number}" if bare else number


def _required(document: Document, place: str) -> str:
    value = document.find(place)
    if not value:
        raise ValueError(f"nothing at {place}")
    return value


def _text_id(value: str | None) -> UUID | None:
    try:
        return UUID(value) if value else None
    except ValueError:
        return None


def _time(document: Document, settings: Mapped, otherwise: datetime) -> datetime:
    value = document.find(settings.at)
    if value is None:
        return otherwise
    try:
        if settings.at_is == "iso8601":
            at = datetime.fromisoformat(value)
            return at if at.tzinfo else at.replace(tzinfo=UTC)
        return datetime.fromtimestamp(float(value) / (1000 if settings.at_is == "unix_ms" else 1), UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"no time at {settings.at}") from None
