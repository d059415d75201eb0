"""The client's side of the embedded carrier's wire: frames, and the items in them as messaging's values.

Owns bytes to values and back. Everything from outside is checked here: what does not fit raises BadFrame.
See services/simulator/protocol.md, sections 1 to 4.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from services.messaging.carriers.carrier import Arrived, Failure, Part, Receipt, ReceiptStatus, Refusal, Refused, Taken
from services.messaging.carriers.embedded.codes import FAILURES, REFUSALS, STATUSES

FRAME_BYTES_MAX = 8 << 20
ITEMS_PER_FRAME_MAX = 500
LENGTH_BYTES = 4
TEXT_CHARACTERS_MAX = 1600  # longer ones are refused without asking: 500 of them must fit a frame


class BadFrame(Exception):
    """The far side does not keep to the protocol."""


def encode(kind: str, value: Any) -> bytes:
    body = orjson.dumps({kind: value})
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def submit_item(seq: int, part: Part) -> list[Any]:
    return [seq, part.sender, part.number, part.body, part.validity_s, str(part.text_id)]


class Frames:
    """Cuts what was read into frames, however the bytes are split."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[str, Any]]:
        self._rest += data
        start = 0
        try:
            while len(self._rest) - start >= LENGTH_BYTES:
                body = start + LENGTH_BYTES
                size = int.from_bytes(self._rest[start:body], "big")
                if not 0 < size <= FRAME_BYTES_MAX:
                    raise BadFrame(f"a frame of {size} bytes")
                if len(self._rest) < body + size:
                    break
                start = body + size
                yield _message(bytes(self._rest[body:start]))
        finally:
            del self._rest[:start]


def _message(body: bytes) -> tuple[str, Any]:
    try:
        message = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadFrame("not JSON") from error
    if not isinstance(message, dict) or len(message) != 1:
        raise BadFrame("not an object with one key")
    return next(iter(message.items()))


def answers(value: Any) -> Iterator[tuple[int, Taken | Refused]]:
    for item in _items(value):
        match item:
            case [int(seq), "taken", str(reference)]:
                yield seq, Taken(reference)
            case [int(seq), "refused", str(code), (int() | float() | None) as retry_after_s]:
                yield seq, Refused(REFUSALS.get(code, Refusal.UNLISTED), retry_after_s, code)
            case _:
                raise BadFrame("an answer of the wrong shape")


def receipts(value: Any) -> tuple[int, list[Receipt]]:
    number, items = _batch(value)
    return number, [_receipt(item) for item in items]


def _receipt(item: Any) -> Receipt:
    match item:
        case [str(reference), str(word), (int() | float()) as at, (str() | None) as error, str(own_ref)]:
            status = STATUSES.get(word, ReceiptStatus.UNLISTED)
            said = word if status is ReceiptStatus.UNLISTED else error
            failure = FAILURES.get(said, Failure.UNKNOWN) if said else Failure.UNKNOWN
            return Receipt(reference, status, _time(at), said, _text_id(own_ref), 1, failure)
    raise BadFrame("a receipt of the wrong shape")


def _text_id(own_ref: str) -> UUID | None:
    """None when it is not one of ours: another client of the same network may have submitted that text."""
    try:
        return UUID(own_ref)
    except ValueError:
        return None


def texts(value: Any) -> tuple[int, list[Arrived]]:
    number, items = _batch(value)
    return number, [_arrived(item) for item in items]


def _arrived(item: Any) -> Arrived:
    match item:
        case [str(carrier_id), str(number), str(to), str(body), (int() | float()) as at]:
            return Arrived(carrier_id, number, to, body, _time(at))
    raise BadFrame("a text of the wrong shape")


def _batch(value: Any) -> tuple[int, list[Any]]:
    match value:
        case {"batch": int(number), "items": items}:
            return number, _items(items)
    raise BadFrame("a batch of the wrong shape")


def _items(value: Any) -> list[Any]:
    if not isinstance(value, list) or len(value) > ITEMS_PER_FRAME_MAX:
        raise BadFrame(f"not a list of at most {ITEMS_PER_FRAME_MAX}")
    return value


def _time(at: float) -> datetime:
    try:
        return datetime.fromtimestamp(at, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise BadFrame("no time") from error
