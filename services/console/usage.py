"""heliograph usage: what was sent and what it cost, by month, company, sender and campaign."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from libs.common import usage_csv
from libs.common.contracts.usage import ReadUsage, UsagePage, UsageRow
from services.console import nouns
from services.console.asking import Trouble, asking
from services.console.money import units

if TYPE_CHECKING:
    from libs.common.bus import Asker

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def usage(
    company: Annotated[str, typer.Option(metavar="COMPANY", help="Its name or its id; none: all of them.")] = "",
    since: Annotated[str, typer.Option(metavar="MONTH", help="Such as 2026-11; none: this month.")] = "",
    until: Annotated[str, typer.Option(metavar="MONTH", help="Included; none: this month.")] = "",
    csv: Annotated[bool, typer.Option("--csv", help="As CSV, for a file or a spreadsheet.")] = False,
) -> None:
    """What carriers took, or may have taken: texts, parts and cost by month, company, sender and campaign (0: single texts). Months are in UTC."""
    company_id = nouns.company(company).id if company else 0
    ask = ReadUsage(since=_month(since), until=_month(until), company_id=company_id)
    asking(lambda asker: _told(asker, ask, csv=csv))


def _month(written: str) -> date:
    if not written:
        return datetime.now(UTC).date().replace(day=1)
    try:
        return date.fromisoformat(f"{written[:7]}-01")
    except ValueError:
        raise Trouble(f"{written!r} is no month: write one such as 2026-11") from None


async def _told(asker: Asker, ask: ReadUsage, *, csv: bool) -> None:
    typer.echo(usage_csv.header() if csv else _heading(), nl=not csv)
    texts = parts = micros = 0
    currency = ""
    async for page in _pages(asker, ask):
        if csv:
            typer.echo(usage_csv.lines(page.rows, page.currency), nl=False)
            continue
        for row in page.rows:
            typer.echo(_line(row, page.currency))
            texts, parts, micros = texts + row.texts, parts + row.parts, micros + row.micros
        currency = page.currency
    if not csv:
        typer.echo(f"{'together':<58}{texts:>12,}{parts:>12,}  {units(micros, 2):>14} {currency}".rstrip())


async def _pages(asker: Asker, ask: ReadUsage) -> AsyncIterator[UsagePage]:
    skip, more = 0, True
    while more:
        page = await asker.ask(ask.model_copy(update={"skip": skip}))
        skip, more = skip + len(page.rows), page.more
        yield page


def _heading() -> str:
    return f"{'month':<9}{'company':>8}  {'sender':<16}{'brand':<13}{'campaign':>10}{'texts':>12}{'parts':>12}  {'cost':>14}"


def _line(row: UsageRow, currency: str) -> str:
    what = f"{row.month:%Y-%m}  {row.company_id:>8}  {row.sender:<16}{row.brand[:12]:<13}{row.campaign_id or '-':>10}"
    return f"{what}{row.texts:>12,}{row.parts:>12,}  {units(row.micros, 2):>14} {currency}".rstrip()
