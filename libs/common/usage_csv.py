"""Usage as CSV, the same from the gateway and the command line. Cost in units of the currency, to the last micro."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from libs.common import csv_text
from libs.common.contracts.usage import UsageRow

COLUMNS = ("month", "company_id", "sender", "brand", "campaign_id", "texts", "parts", "cost", "currency")


def header() -> str:
    return csv_text.line(COLUMNS)


def lines(rows: Iterable[UsageRow], currency: str) -> str:
    return "".join(_line(row, currency) for row in rows)


def _line(row: UsageRow, currency: str) -> str:
    cost = f"{Decimal(row.micros) / 1_000_000:.6f}"
    what = (f"{row.month:%Y-%m}", row.company_id, row.sender, row.brand, row.campaign_id, row.texts, row.parts)
    return csv_text.line((*what, cost, currency))
