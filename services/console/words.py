"""How the command line writes tables, counts, moments and spans. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from libs.common.clock import UK


def table(rows: Sequence[tuple[str, object]], indent: str = "") -> list[str]:
    """Two columns: names, and numbers set flush right with thousands."""
    written = [(name, f"{value:,}" if isinstance(value, int) else str(value)) for name, value in rows]
    names, values = (max((len(row[n]) for row in written), default=0) for n in (0, 1))
    return [f"{indent}{name:<{names}}  {value:>{values}}" for name, value in written]


def moment(at: datetime | None) -> str:
    """By the clock in the United Kingdom; "" for none."""
    return "" if at is None else f"{at.astimezone(UK):%Y-%m-%d %H:%M}"


def span(seconds: float) -> str:
    """Such as 8 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def plural(number: int, one: str) -> str:
    return f"{number:,} {one}" if number == 1 else f"{number:,} {one}s"
