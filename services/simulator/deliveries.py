"""What the network has for its clients, receipts or texts: in batches, bounded, again until acknowledged.

Owns what waits, what is unacknowledged, and on which line. Gives nothing up: a lost line's goes to another one of the
same account. Never looks into an item and does no I/O of its own.
See protocol.md, section 4.
"""

import itertools
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

REDELIVER_AFTER_S = 5.0

T = TypeVar("T")


class Line(Protocol):
    """A client that is there, whatever wire it speaks, as far as deliveries need one."""

    account: str  # what was submitted by one account has its receipts there, and nowhere else
    batch_items_max: int
    unacked_batches_max: int

    @property
    def writable(self) -> bool: ...

    def deliver(self, kind: str, number: int, items: Sequence[Any]) -> None:
        """Sends a batch, "receipts" or "texts"; called again with the same number when it was not acknowledged in time."""


@dataclass(slots=True)
class Batch(Generic[T]):
    items: list[T]
    sent_at: float


@dataclass(slots=True)
class OnLine(Generic[T]):
    """What one line has to do: what waits for it alone, and what it has not acknowledged."""

    waiting: deque[T] = field(default_factory=deque)
    unacked: dict[int, Batch[T]] = field(default_factory=dict)


class Deliveries(Generic[T]):
    def __init__(self, kind: str, batch_numbers: "itertools.count[int]", on_acked: Callable[[list[T]], None]) -> None:
        self._kind = kind
        self._batch_numbers = batch_numbers
        self._on_acked = on_acked
        self._anyones: deque[T] = deque()
        self._accounts: dict[str, deque[T]] = {}
        self._lines: dict[Line, OnLine[T]] = {}
        self.sent = 0
        self.acked = 0

    @property
    def pending(self) -> int:
        """Items that wait or are unacknowledged."""
        lines = self._lines.values()
        unacked = sum(len(batch.items) for line in lines for batch in line.unacked.values())
        waiting = len(self._anyones) + sum(map(len, self._accounts.values())) + sum(len(line.waiting) for line in lines)
        return waiting + unacked

    def bound(self, line: Line, now: float) -> None:
        self._lines[line] = OnLine()
        self._accounts.setdefault(line.account, deque())
        self.pump(now)

    def lost(self, line: Line, now: float) -> None:
        gone = self._lines.pop(line, None)
        if gone is None:
            return
        accounts = self._accounts[line.account]
        for batch in gone.unacked.values():
            accounts.extend(batch.items)
        accounts.extend(gone.waiting)
        self.pump(now)

    def add(self, items: Sequence[T], account: str | None, line: Line | None = None) -> None:
        """Takes items in, for `line` while that is bound, else for any of its account, or for anyone where that is None.

        Nothing goes out before `pump`.
        """
        own = self._lines.get(line) if line is not None else None
        if own is not None:
            own.waiting.extend(items)
        elif account is not None:
            self._accounts.setdefault(account, deque()).extend(items)
        else:
            self._anyones.extend(items)

    def pump(self, now: float) -> None:
        """Sends what the windows allow. What is for several lines goes round: who was sent a batch comes last for the next."""
        busy = True
        while busy:
            busy = False
            for line, on in list(self._lines.items()):
                if not line.writable or len(on.unacked) >= line.unacked_batches_max:
                    continue
                sources = [each for each in (on.waiting, self._accounts[line.account], self._anyones) if each]
                if sources:
                    self._lines[line] = self._lines.pop(line)
                    self._send(line, on, sources, now)
                    busy = True

    def _send(self, line: Line, on: OnLine[T], sources: list[deque[T]], now: float) -> None:
        items: list[T] = []
        for source in sources:
            while source and len(items) < line.batch_items_max:
                items.append(source.popleft())
        number = next(self._batch_numbers)
        on.unacked[number] = Batch(items, now)
        self.sent += len(items)
        line.deliver(self._kind, number, items)

    def ack(self, line: Line, numbers: Sequence[int], now: float) -> None:
        """An acknowledgement from a line that has no such batch means nothing: another one has it now."""
        on = self._lines.get(line)
        if on is None:
            return
        batches = [batch for number in numbers if (batch := on.unacked.pop(number, None)) is not None]
        if batches:
            items = [item for batch in batches for item in batch.items]
            self.acked += len(items)
            self._on_acked(items)
            self.pump(now)

    def redeliver_overdue(self, now: float) -> None:
        for line, on in list(self._lines.items()):
            for number, batch in list(on.unacked.items()):
                if line.writable and now - batch.sent_at >= REDELIVER_AFTER_S:
                    batch.sent_at = now
                    line.deliver(self._kind, number, batch.items)

    def forget(self) -> None:
        self._anyones.clear()
        for waiting in self._accounts.values():
            waiting.clear()
        for on in self._lines.values():
            on.waiting.clear()
            on.unacked.clear()
