"""How fast a bind may be written to: the contract's rate in segments a second, and slower for a while where the carrier asks for that.

Owns the arithmetic. Plain: told the time, holds no clock. A second's segments go out evenly, for carriers count within less than a second.
"""

import math

BURST_S = 0.05  # so much of a second may go at once: at 10 segments a second, one
HOLD_S = 1.0  # nothing at all for so long after the carrier said that it is too fast
PACE_MIN = 20.0  # slower than any contract's rate, or the contract's: a carrier that complains at random must not bring a bind to a halt
FASTER_BY = 1.25  # each second without a complaint
PACE_UNLIMITED = 100_000.0  # grown so far, a bind without a contract's rate has none again


class Meter:
    def __init__(self, parts_per_s: float | None) -> None:
        self._contract = parts_per_s or math.inf
        self.pace = self._contract
        self._next_at = -math.inf  # when the next segment would go if all went evenly
        self._slowed_at = -math.inf
        self._faster_at = math.inf
        self._counted_from, self._counted, self._second_before = -math.inf, 0, 0

    def room(self, now: float) -> int:
        """How many segments may go now."""
        self._speed_up(now)
        if now < self._slowed_at + HOLD_S:
            return 0
        if math.isinf(self.pace):
            return 1_000_000
        self._next_at = max(self._next_at, now)
        ahead_s = max(BURST_S, 1 / self.pace) - (self._next_at - now)
        return max(0, int(ahead_s * self.pace + 1e-6))

    def wait_s(self, now: float) -> float:
        """How long there is no room yet, where there is none."""
        held_s = self._slowed_at + HOLD_S - now
        even_s = (
            self._next_at - now - max(BURST_S - 1 / self.pace, 0.0) / 2
        )  # half a burst at a time, not each as it may
        return max(held_s, even_s, 0.001)

    def took(self, now: float, segments: int) -> None:
        if now - self._counted_from > 1.0:
            self._second_before = self._counted if now - self._counted_from < 2.0 else 0
            self._counted_from, self._counted = now, 0
        self._counted += segments
        if not math.isinf(self.pace):
            self._next_at = max(self._next_at, now) + segments / self.pace

    def slow_down(self, now: float, written_at: float) -> bool:
        """The carrier refused what was written at `written_at` as too fast: half as fast as it was written to, then slowly faster again.

        A window full of such refusals is one complaint. Answers whether it was a new one.
        """
        if written_at < self._slowed_at:
            return False
        counted_per_s = max(self._counted, self._second_before)
        self.pace = max(min(self.pace, counted_per_s) / 2, min(PACE_MIN, self._contract))
        self._slowed_at = now
        self._faster_at = now + HOLD_S + 1.0
        return True

    def _speed_up(self, now: float) -> None:
        while now >= self._faster_at:
            self._faster_at += 1.0
            self.pace = min(self.pace * FASTER_BY, self._contract)
            if self.pace >= PACE_UNLIMITED:
                self.pace = self._contract
            if self.pace == self._contract:
                self._faster_at = math.inf
