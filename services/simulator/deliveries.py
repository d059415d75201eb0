"""What the network has for its clients, receipts or texts: in batches, bounded, again until acknowledged.

Owns what waits, what is unacknowledged, and on which session. Gives nothing up: a dead session's goes to another.
Never looks into an item and does no I/O of its own.
See protocol.md, section 4.
"""

import itertools
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from services.simulator.wire import ITEMS_PER_FRAME_MAX

UNACKED_BATCHES_MAX = 16
REDELIVER_AFTER_S = 5.0

Item = list[Any]


class Line(Protocol):
    """A bound session, as far as deliveries need one."""

    @property
    def writable(self) -> bool: ...

    def send(self, kind: str, value: Any) -> None: ...


@dataclass(slots=True)
class Batch:
    items: list[Item]
    sent_at: float


@dataclass(slots=True)
class OnLine:
    """What one session has to do: what waits for it alone, and what it has not acknowledged."""

    waiting: deque[Item] = field(default_factory=deque)
    unacked: dict[int, Batch] = field(default_factory=dict)


class Deliveries:
    def __init__(
        self, kind: str, batch_numbers: "itertools.count[int]", on_acked: Callable[[list[Item]], None]
    ) -> None:
        self._kind = kind
        self._batch_numbers = batch_numbers
        self._on_acked = on_acked
        self._anyones: deque[Item] = deque()
        self._lines: dict[Line, OnLine] = {}
        self.sent = 0
        self.acked = 0

    @property
    def pending(self) -> int:
        """Items that wait or are unacknowledged."""
        lines = self._lines.values()
        unacked = sum(len(batch.items) for line in lines for batch in line.unacked.values())
        return len(self._anyones) + sum(len(line.waiting) for line in lines) + unacked

    def bound(self, line: Line, now: float) -> None:
        self._lines[line] = OnLine()
        self.pump(now)

    def lost(self, line: Line, now: float) -> None:
        gone = self._lines.pop(line, None)
        if gone is None:
            return
        for batch in gone.unacked.values():
            self._anyones.extend(batch.items)
        self._anyones.extend(gone.waiting)
        self.pump(now)

    def add(self, items: Sequence[Item], line: Line | None) -> None:
        """Takes items in, for `line` while that is bound, else for any. Nothing goes out before `pump`."""
        own = self._lines.get(line) if line is not None else None
        (own.waiting if own else self._anyones).extend(items)

    def pump(self, now: float) -> None:
        """Sends what the windows allow. What is anyone's goes round: who was sent a batch comes last for the next."""
        busy = True
        while busy:
            busy = False
            for line, on in list(self._lines.items()):
                if line.writable and len(on.unacked) < UNACKED_BATCHES_MAX and (on.waiting or self._anyones):
                    self._lines[line] = self._lines.pop(line)
                    self._send(line, on, now)
                    busy = True

    def _send(self, line: Line, on: OnLine, now: float) -> None:
        items: list[Item] = []
        while len(items) < ITEMS_PER_FRAME_MAX and (on.waiting or self._anyones):
            items.append(on.waiting.popleft() if on.waiting else self._anyones.popleft())
        number = next(self._batch_numbers)
        on.unacked[number] = Batch(items, now)
        self.sent += len(items)
        line.send(self._kind, {"batch": number, "items": items})

    def ack(self, line: Line, number: int, now: float) -> None:
        """An acknowledgement from a session that has no such batch means nothing: another one has it now."""
        on = self._lines.get(line)
        batch = on.unacked.pop(number, None) if on else None
        if batch is not None:
            self.acked += len(batch.items)
            self._on_acked(batch.items)
            self.pump(now)

    def redeliver_overdue(self, now: float) -> None:
        for line, on in self._lines.items():
            for number, batch in on.unacked.items():
                if line.writable and now - batch.sent_at >= REDELIVER_AFTER_S:
                    batch.sent_at = now
                    line.send(self._kind, {"batch": number, "items": batch.items})

    def forget(self) -> None:
        self._anyones.clear()
        for on in self._lines.values():
            on.waiting.clear()
            on.unacked.clear()
