"""The carrier wire's frames: a length of four bytes and one JSON object with one key.

Owns bytes to frames and back, with the limits of both. Knows nothing of what a frame means.
See protocol.md, section 1.
"""

from collections.abc import Iterator
from typing import Any

import orjson

FRAME_BYTES_MAX = 8 << 20  # 500 texts of 1,600 characters, each escaped to 6 bytes, are 4.8 MB
ITEMS_PER_FRAME_MAX = 500
LENGTH_BYTES = 4


class BadFrame(Exception):
    """What came is not protocol.md: the session cannot go on."""


def encode(kind: str, value: Any) -> bytes:
    body = orjson.dumps({kind: value})
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


class Frames:
    """Cuts a stream into frames, however the bytes are split."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[str, Any]]:
        """Each whole frame as (kind, value). A length above the limit is refused before its body comes."""
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
