"""Ids: UUIDv7 (RFC 9562, 5.7), made before hope: by whoever asks, so that a repeat carries the same id.

The first 48 bits are the time in milliseconds, so ids sort by age and the ledger is partitioned by ranges of them.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from uuid import UUID

_last = 0


def uuid7() -> UUID:
    """A new UUIDv7, greater than every one this process made before: 12 sub-millisecond bits keep the order."""
    global _last
    stamp = time.time_ns() * 4096 // 1_000_000  # milliseconds << 12 | fraction
    _last = stamp = max(stamp, _last + 1)
    random = int.from_bytes(os.urandom(8)) & 0x3FFF_FFFF_FFFF_FFFF
    return UUID(int=(stamp >> 12) << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64 | 0b10 << 62 | random)


def uuid7s(count: int) -> list[UUID]:
    """As many new ones, as if made one after the other; at half the cost."""
    global _last
    first = max(time.time_ns() * 4096 // 1_000_000, _last + 1)
    _last = first + count - 1  # a batch of 5,000 is a millisecond ahead of the clock
    random = memoryview(os.urandom(8 * count)).cast("Q")
    return [
        UUID(int=(stamp >> 12) << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64 | 0b10 << 62 | bits & 0x3FFF_FFFF_FFFF_FFFF)
        for stamp, bits in enumerate(random, first)
    ]


def uuid7_time(id_: UUID) -> datetime:
    """When `id_` was made, to the millisecond, in UTC."""
    return datetime.fromtimestamp((id_.int >> 80) / 1000, UTC)
