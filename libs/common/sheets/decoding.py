"""Text out of bytes whose encoding nobody told: UTF-8, UTF-16 or Windows-1252, piece by piece. No I/O."""

from __future__ import annotations

import codecs

BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
CHARSETS = {"utf-8", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "ascii"}
LOOKED_AT_BYTES = 512


class NotText(Exception):
    """At the byte that comes after the text `before`, the bytes are none of the encoding that those before them are of."""

    def __init__(self, before: str, encoding: str) -> None:
        super().__init__(encoding)
        self.before = before
        self.encoding = encoding


class Decoder:
    """A byte order mark decides, else the NULs that UTF-16 has in the text of any Western list. What begins as ASCII is UTF-8 until a byte comes that
    it cannot be: if nothing but ASCII came before, Windows-1252 says the same of all that, so the rest is read as it. Five bytes that Windows-1252
    has no character for become U+FFFD."""

    def __init__(self) -> None:
        self._decoder: codecs.IncrementalDecoder | None = None
        self._encoding = ""
        self._ascii = True
        self._first = b""

    def decode(self, chunk: bytes, *, final: bool) -> str:
        """Raises NotText."""
        if self._decoder is None:
            self._first += chunk
            if len(self._first) < LOOKED_AT_BYTES and not final:
                return ""
            chunk = self._begin(self._first)
        assert self._decoder is not None
        try:
            text = self._decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            return self._otherwise(error, final=final)
        self._ascii = self._ascii and text.isascii()
        return text

    def _begin(self, first: bytes) -> bytes:
        bom, self._encoding = next(((bom, name) for bom, name in BOMS if first.startswith(bom)), (b"", _guess(first)))
        self._decoder = codecs.getincrementaldecoder(self._encoding)()
        return first[len(bom) :]

    def _otherwise(self, error: UnicodeDecodeError, *, final: bool) -> str:
        before, rest = error.object[: error.start].decode(self._encoding), error.object[error.start :]
        if self._encoding != "utf-8" or not self._ascii or not before.isascii():
            raise NotText(before, self._encoding) from None
        self._encoding = "cp1252"
        self._decoder = codecs.getincrementaldecoder("cp1252")("replace")
        return before + self._decoder.decode(rest, final)


def _guess(first: bytes) -> str:
    """UTF-16 has a NUL in each letter and digit of the West, always on one side; nothing else has many."""
    even, odd = first[0:LOOKED_AT_BYTES:2].count(0), first[1:LOOKED_AT_BYTES:2].count(0)
    if even + odd <= min(len(first), LOOKED_AT_BYTES) / 16:
        return "utf-8"
    return "utf-16-le" if odd > even else "utf-16-be"
