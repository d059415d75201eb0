"""Negotiation: which of the two formats a client wants answered, and which one it sent.

Owns media types and the reading of Accept and Content-Type. Kind to what is malformed: a client that cannot say what it
wants gets JSON, as the documented service gave.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache


class Format(StrEnum):
    JSON = "json"
    XML = "xml"
    FORM = "form"  # of requests only


FORMATS = {
    "application/json": Format.JSON,
    "text/json": Format.JSON,
    "application/xml": Format.XML,
    "text/xml": Format.XML,
    "application/x-www-form-urlencoded": Format.FORM,
}
REQUEST_MEDIA_TYPES = tuple(FORMATS)
ANSWER_MEDIA_TYPES = REQUEST_MEDIA_TYPES[:4]  # first come, first chosen among equals

RANGES_MAX = 64  # media ranges of one Accept header that are looked at; browsers send about ten


@lru_cache(maxsize=64)  # clients say the same each time
def negotiate(accept: str) -> str:
    """The media type to answer with; `FORMATS` says how it is written.

    The highest q wins, then the more exact range (so `application/xml, */*` is XML), then JSON.
    """
    ranges = [part.split(";") for part in accept.split(",")[:RANGES_MAX]]

    def rank(media_type: str) -> tuple[float, int]:
        fits = ((_exactness(name.strip().lower(), media_type), _quality(rest)) for name, *rest in ranges)
        exactness, quality = max(fits)
        return (quality, exactness) if exactness and quality else (0.0, 0)

    return max(ANSWER_MEDIA_TYPES, key=rank)


def _exactness(media_range: str, media_type: str) -> int:
    if media_range == media_type:
        return 3
    if media_range == media_type.partition("/")[0] + "/*":
        return 2
    return 1 if media_range in ("*/*", "*") else 0


def _quality(parameters: list[str]) -> float:
    """The q of a media range; one that is no number between 0 and 1 is as good as none."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                quality = float(value)
            except ValueError:
                return 1.0
            return quality if 0 <= quality <= 1 else 1.0
    return 1.0


def content_type(header: str) -> tuple[Format | None, str]:
    """The format that a request's Content-Type names, and its charset. JSON where nothing is said, None where unknown."""
    media_type, *parameters = header.split(";")
    charset = ""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            charset = value.strip().strip("\"'").lower()
    media_type = media_type.strip().lower()
    return FORMATS.get(media_type) if media_type else Format.JSON, charset
