"""heliograph campaign report: what became of it, as a table, and of each recipient, as CSV."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from libs.common import report_csv
from libs.common.contracts.campaign import REPLY_DAYS, CampaignReport, ReadReport, ReadReportRows
from services.console.as_user import AsUser, Password, Username, asking_as
from services.console.campaign_make import CampaignId
from services.console.words import moment, plural, span, table


def report(
    campaign_id: CampaignId,
    username: Username,
    password: Password,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", dir_okay=False, help="Written anew: a line a recipient.")
    ] = None,
) -> None:
    """Tell what became of it: who got it, who not and why, how long that took, what came back."""

    async def work(user: AsUser) -> tuple[CampaignReport, int]:
        read = await user.ask(ReadReport(campaign_id=campaign_id), limit_s=60)
        return read, await _write(user, campaign_id, csv) if csv else 0

    read, rows = asking_as(username, password, work)
    for line in told(read):
        typer.echo(line)
    if csv:
        typer.echo(f"{plural(rows, 'recipient')} in {csv}")


async def _write(user: AsUser, campaign_id: int, file: Path) -> int:
    """How many rows; a page at a time, whatever the campaign's size."""
    count, after, more = 0, 0, True
    with file.open("w", encoding="utf-8", newline="") as out:
        out.write(report_csv.header())
        while more:
            page = await user.ask(ReadReportRows(campaign_id=campaign_id, after=after))
            out.write(report_csv.lines(page.rows))
            count, more = count + len(page.rows), page.more
            after = page.rows[-1].position if page.rows else after
            if sys.stderr.isatty():
                sys.stderr.write(f"\r\033[K{f'{count:,} written' if more else ''}")
    return count


def told(read: CampaignReport) -> list[str]:
    """Shares are of those who were to get it."""
    progress = read.progress
    outcomes = sorted(read.outcomes, key=lambda each: (each.state, -each.recipients))
    ends: list[tuple[str, object]] = [
        (
            f"{each.state.replace('_', ' ')}{f': {each.reason}' if each.reason else ''}",
            _share(each.recipients, progress.targeted),
        )
        for each in outcomes
    ]
    rest = [("waiting", progress.waiting), ("handed over, not ended", progress.handed_over)]
    ends += [(name, _share(count, progress.targeted)) for name, count in rest if count]
    came: list[tuple[str, object]] = [
        ("parts", read.parts),
        (f"replies within {REPLY_DAYS} days", read.replies),
        ("opt-outs", read.opt_outs),
    ]
    times = [moment(progress.launched_at), moment(progress.finished_at)]
    lines = [
        f"campaign {progress.id}, {progress.title}: {progress.state}{f' ({progress.why})' if progress.why else ''}",
        f"  launched {times[0] or 'not yet'}{f', finished {times[1]}' if times[1] else ''}",
        *table([("recipients", progress.targeted)], "  "),
        *table(ends, "    "),
        *table(came, "  "),
    ]
    if read.delivery:
        each = read.delivery
        within = [("half", each.p50_s), ("90 %", each.p90_s), ("99 %", each.p99_s), ("all", each.max_s)]
        lines += ["  delivered: " + ", ".join(f"{share} within {exact_span(seconds)}" for share, seconds in within)]
    if left_out := [(reason, count) for reason, count in sorted(progress.left_out.items()) if count]:
        lines += ["  left out at launch", *table(left_out, "    ")]
    return lines


def _share(count: int, of: int) -> str:
    return f"{count:,}  {100 * count / of:5.1f} %" if of else f"{count:,}"


def exact_span(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds < 10 else span(seconds)
