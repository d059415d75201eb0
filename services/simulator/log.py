"""The network's memory: every submit in one file, and in another what handsets sent and what was acknowledged.

Owns both files and the way back from them after a kill. What is appended is with the kernel when the call returns: it
survives a killed process. Never changes a line; a line torn by a kill is cut off at the next start.
See protocol.md, section 5.
"""

import os
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

READ_BYTES = 4 << 20


class LineFile:
    """A file of JSON lines that only grows."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._starts = array("Q", [0])  # line n is between [n - 1] and [n]

    def __len__(self) -> int:
        return len(self._starts) - 1

    def load(self) -> Iterator[Any]:
        """Each line, oldest first; to be run through once, before the first append."""
        rest = b""
        while chunk := os.read(self._file, READ_BYTES):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._starts.append(self._starts[-1] + len(line) + 1)
                yield orjson.loads(line)
        os.ftruncate(self._file, self._starts[-1])

    def append(self, lines: list[bytes]) -> None:
        data = b"".join(lines)
        written = os.write(self._file, data)
        if written != len(data):  # a full disk; going on would answer texts that the log does not have
            os.ftruncate(self._file, self._starts[-1])
            raise OSError(f"only {written} of {len(data)} bytes were written")
        end = self._starts[-1]
        for line in lines:
            end += len(line)
            self._starts.append(end)

    def read(self, after: int, limit: int) -> bytes:
        """The lines after + 1 to after + limit, as far as they exist."""
        last = min(after + limit, len(self))
        if after >= last:
            return b""
        return os.pread(self._file, self._starts[last] - self._starts[after], self._starts[after])

    def close(self) -> None:
        os.close(self._file)


def line(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
