"""A campaign's report as CSV: a line a recipient, in order of position, to be streamed as its pages come. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from libs.common import csv_text
from libs.common.contracts.campaign import ReportRow

COLUMNS = ("number", "state", "reason", "parts", "settled_at", "took_ms", "replied", "opted_out")


def header() -> str:
    return csv_text.line(COLUMNS)


def lines(rows: Iterable[ReportRow]) -> str:
    """Empty values: it has no end yet, or nothing is known of it. Times are UTC, to the millisecond."""
    return csv_text.lines(map(_values, rows))


def _values(row: ReportRow) -> Iterator[object]:
    yield row.number
    yield row.state
    yield row.reason
    yield row.parts
    yield row.settled_at and _moment(row.settled_at)
    yield row.took_ms
    yield row.replied
    yield row.opted_out


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
