"""How many items travel in one message: at most ITEMS_MAX, and about BYTES_MAX of JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from libs.common.contracts.base import BYTES_MAX, ITEMS_MAX

T = TypeVar("T")

OVERHEAD_BYTES = 300  # an item's ids, numbers, times and names
BYTES_A_CHARACTER_MAX = 6  # a control character is written as \\u0001


def in_messages(
    items: Sequence[T], characters: Callable[[T], int], items_max: int = ITEMS_MAX
) -> Iterator[Sequence[T]]:
    """`items` in order, cut where the next message begins; `characters` is how long an item's free text is."""
    start, size = 0, 0
    for end, item in enumerate(items):
        item_size = OVERHEAD_BYTES + BYTES_A_CHARACTER_MAX * characters(item)
        if end > start and (end - start == items_max or size + item_size > BYTES_MAX):
            yield items[start:end]
            start, size = end, 0
        size += item_size
    if start < len(items):
        yield items[start:]
