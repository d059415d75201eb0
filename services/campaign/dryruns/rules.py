"""The sums of dry runs. Plain functions on values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TypeVar

from libs.common.contracts.messaging import Forecast

NOTHING = Forecast(would_get=0, left_out={}, texts={}, by_parts={}, micros=0, currency="")

K = TypeVar("K")


def added(found: Forecast, forecasts: Iterable[Forecast]) -> Forecast:
    """`found` and `forecasts` together. The currency is the last one's: a price table that is replaced meanwhile makes the cost a mixture."""
    for more in forecasts:
        found = Forecast(
            would_get=found.would_get + more.would_get,
            left_out=_together(found.left_out, more.left_out),
            texts=_together(found.texts, more.texts),
            by_parts=_together(found.by_parts, more.by_parts),
            micros=found.micros + more.micros,
            currency=more.currency,
        )
    return found


def _together(these: Mapping[K, int], those: Mapping[K, int]) -> dict[K, int]:
    return dict(Counter(these) + Counter(those))


def parts(by_parts: Mapping[int, int]) -> int:
    return sum(parts * texts for parts, texts in by_parts.items())
