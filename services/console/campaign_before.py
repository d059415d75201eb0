"""heliograph campaign preview, test, dry-run: what would come of it, before anybody gets anything."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer

from libs.common.contracts.base import Refusal
from libs.common.contracts.campaign import (
    BeginDryRun,
    CampaignPreview,
    DryRun,
    PreviewCampaign,
    ReadDryRun,
    ShowCampaign,
)
from libs.common.contracts.messaging import SendText
from services.console.as_user import AsUser, Password, Username, ask_as, asking_as
from services.console.asking import REFUSED, Trouble
from services.console.campaign_make import CampaignId
from services.console.money import units
from services.console.words import plural, table

TEST_NUMBERS_MAX = 10
LOOK_EACH_S = 0.5
INCOMPLETE_SHOWN_MAX = 20
RUNNING = ("freezing", "forecasting")
ALPHABETS = {"gsm": "GSM", "ucs2": "Unicode"}


def preview(
    campaign_id: CampaignId,
    username: Username,
    password: Password,
    number: Annotated[str, typer.Option(help="As this number would get it.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100, help="Of how many entries.")] = 5,
) -> None:
    """Show the text as entries of its lists would get it. Sends nothing."""
    told = ask_as(username, password, PreviewCampaign(campaign_id=campaign_id, number=number, limit=limit))
    for line in previewed(told):
        typer.echo(line)


def previewed(told: CampaignPreview) -> list[str]:
    lines = [
        f"{item.number}  {'lacks ' + ', '.join(item.missing) if item.missing else item.body}" for item in told.items
    ]
    return [f"from {told.sender}", *lines] if lines else ["its lists hold nobody"]


def try_out(
    campaign_id: CampaignId,
    numbers: Annotated[list[str], typer.Argument(metavar="NUMBER...", help=f"Up to {TEST_NUMBERS_MAX}.")],
    username: Username,
    password: Password,
    like: Annotated[
        str, typer.Option(metavar="NUMBER", help="Whose entry's values a personal text has; else the first one's.")
    ] = "",
) -> None:
    """Try its text out on a few numbers. They get it as single texts, and are no recipients of it."""
    if len(numbers) > TEST_NUMBERS_MAX:
        raise Trouble(f"at most {TEST_NUMBERS_MAX} numbers at once")
    for line, _ in (said := asking_as(username, password, lambda user: _tried(user, campaign_id, numbers, like))):
        typer.echo(line)
    if not all(sent for _, sent in said):
        raise SystemExit(REFUSED)


async def _tried(user: AsUser, campaign_id: int, numbers: list[str], like: str) -> list[tuple[str, bool]]:
    """A line a number, and whether it was sent."""
    info = await user.ask(ShowCampaign(campaign_id=campaign_id))
    if info.test:
        raise Trouble("it was made with a test key: nothing of it leaves the platform")
    body = info.body
    if info.personal:
        told = await user.ask(PreviewCampaign(campaign_id=campaign_id, number=like, limit=1))
        if not told.items or told.items[0].missing:
            raise Trouble("; ".join(previewed(told)[-1:]))
        body = told.items[0].body
    said = []
    for number in numbers:
        text = SendText(to=number, sender=info.sender, body=body, reference=f"test of campaign {campaign_id}")
        try:
            said.append((f"{number}  {(await user.ask(text)).id}", True))
        except Refusal as refusal:
            said.append((f"{number}  not sent: {refusal.detail or refusal.code} ({refusal.code})", False))
    return said


def dry_run(campaign_id: CampaignId, username: Username, password: Password) -> None:
    """Tell what a launch would do, and send nothing. Found by the code that sends: who gets it, who not and why, in which parts, at what cost."""
    found = asking_as(username, password, lambda user: _run(user, campaign_id))
    if found.state == "failed":
        raise Trouble(f"the dry run failed: {found.trouble}")
    for line in told(found):
        typer.echo(line)


async def _run(user: AsUser, campaign_id: int) -> DryRun:
    begun = await user.ask(BeginDryRun(campaign_id=campaign_id))
    while True:
        found = await user.ask(ReadDryRun(campaign_id=campaign_id))
        if found.id == begun.id and found.state not in RUNNING:
            _show("")
            return found
        read = f"{found.numbers:,} numbers read, {found.forecast:,} of {found.recipients:,} looked at"
        _show(f"{found.state}: {read}")
        await asyncio.sleep(LOOK_EACH_S)


def _show(line: str) -> None:
    """Over the last one, where somebody looks; it is gone in the end."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{line}")
        sys.stderr.flush()


def told(found: DryRun) -> list[str]:
    left_out = sorted(((reason, count) for reason, count in found.left_out.items() if count), key=lambda item: -item[1])
    people: list[tuple[str, object]] = [("numbers in its lists", found.numbers)]
    people += [(f"  left out: {reason.replace('_', ' ')}", count) for reason, count in left_out]
    people += [("would get it", found.would_get)]
    texts: list[tuple[str, object]] = [(ALPHABETS.get(name, name), count) for name, count in found.texts.items()]
    by_parts: list[tuple[str, object]] = [(plural(n, "part"), count) for n, count in sorted(found.by_parts.items())]
    cost = f"{units(found.micros, 2)} {found.currency}" if found.currency else "unknown: there is no price table"
    lines = [
        f"Dry run of campaign {found.campaign_id}: nothing was sent.",
        *table(people, "  "),
        "Texts",
        *table([*texts, *by_parts, ("parts in all", found.parts), ("cost", cost)], "  "),
    ]
    if found.incomplete:
        lacking = found.left_out.get("incomplete", len(found.incomplete))
        shown = found.incomplete[:INCOMPLETE_SHOWN_MAX]
        lines += [f"{lacking:,} entries lack a field: launch --leave-out-incomplete sends to the others"]
        lines += [f"  list {row.list_id}, row {row.row}: {row.number} lacks {', '.join(row.missing)}" for row in shown]
        lines += [f"  and {lacking - len(shown):,} more"] if lacking > len(shown) else []
    return lines
