"""heliograph campaign: a campaign from its making to its report, as a user of its company; list, show and books of all companies, as the operator.

Owns which verb there is and where it is; the verbs are in the files beside this one. Owns the equation of a campaign's books, too.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Annotated

import typer

from libs.common.contracts.campaign import (
    CAMPAIGNS_PAGE_MAX,
    CampaignInfo,
    CampaignState,
    ListCampaigns,
    Progress,
    ReadCampaignBooks,
    ReadProgress,
    ShowCampaign,
)
from libs.common.contracts.messaging import ReadMessagingBooks
from services.console import campaign_before, campaign_course, campaign_make, campaign_report, campaign_watch, nouns
from services.console.as_user import AsUser, MaybePassword, MaybeUsername, asking_as, password_of
from services.console.asking import REFUSED, Trouble, ask, asking
from services.console.balance import imbalances
from services.console.campaign_make import CampaignId, days_of
from services.console.words import moment

if TYPE_CHECKING:
    from libs.common.bus import Asker

QUIET_S = 7.0  # longer than the first rung of the retry ladder: what does not move for so long is not on its way

app = nouns.noun(
    "Campaigns: one text to many. With --as they are a user's of the company; HELIOGRAPH_USERNAME and HELIOGRAPH_PASSWORD may say whose."
)
app.command("create")(campaign_make.create)
app.command("link")(campaign_make.link)
app.command("unlink")(campaign_make.unlink)
app.command("preview")(campaign_before.preview)
app.command("test")(campaign_before.try_out)
app.command("dry-run")(campaign_before.dry_run)
app.command("launch")(campaign_course.launch)
app.command("watch")(campaign_watch.watch)
app.command("pause")(campaign_course.pause)
app.command("resume")(campaign_course.resume)
app.command("stop")(campaign_course.stop)
app.command("extend")(campaign_course.extend)
app.command("report")(campaign_report.report)


@app.command("list")
def list_(
    username: MaybeUsername = "",
    password: MaybePassword = "",
    state: Annotated[CampaignState | None, typer.Option(help="Those in one state only; with --as.")] = None,
) -> None:
    """A line a campaign. With --as the company's, by id; without, the newest hundred of all companies, newest first."""
    if username:
        for info in asking_as(username, password_of(password), lambda user: _of_company(user, state)):
            typer.echo(f"{info.id:>6}  {info.state:<9}  {moment(info.launched_at or info.launch_at):<16}  {info.title}")
        return
    for campaign in ask(ReadCampaignBooks()).campaigns:
        typer.echo(f"{campaign.id:>6}  {campaign.state:<9}  {counts(campaign)}  {campaign.title}")


async def _of_company(user: AsUser, state: CampaignState | None) -> list[CampaignInfo]:
    found: list[CampaignInfo] = []
    more = True
    while more:
        page = await user.ask(ListCampaigns(state=state, after=found[-1].id if found else 0, limit=CAMPAIGNS_PAGE_MAX))
        found, more = found + page.items, page.more
    return found


@app.command()
def show(campaign_id: CampaignId, username: MaybeUsername = "", password: MaybePassword = "") -> None:
    """Show how far it is. With --as what it was made of, too; without, it is one of the newest hundred of all companies."""
    if username:

        async def read(user: AsUser) -> tuple[CampaignInfo, Progress]:
            return await asyncio.gather(
                user.ask(ShowCampaign(campaign_id=campaign_id)), user.ask(ReadProgress(campaign_id=campaign_id))
            )

        info, campaign = asking_as(username, password_of(password), read)
    else:
        info, campaign = None, _among_newest(campaign_id)
    typer.echo(
        f"campaign {campaign.id}, {campaign.title}: {campaign.state}{f' ({campaign.why})' if campaign.why else ''}"
    )
    typer.echo(f"  {counts(campaign)}")
    for reason, number in campaign.left_out.items():
        if number:
            typer.echo(f"  left out at launch: {number} {reason}")
    typer.echo(f"  launched {campaign.launched_at or 'not yet'}, finished {campaign.finished_at or 'not yet'}")
    for line in _made_of(info) if info else ():
        typer.echo(f"  {line}")


def _among_newest(campaign_id: int) -> Progress:
    found = [campaign for campaign in ask(ReadCampaignBooks()).campaigns if campaign.id == campaign_id]
    if not found:
        raise Trouble(f"campaign {campaign_id} is not among the newest hundred")
    return found[0]


def _made_of(info: CampaignInfo) -> list[str]:
    lists = " ".join(str(id_) for id_ in info.list_ids) or "none"
    excluded = f", without those of {' '.join(map(str, info.excluded_list_ids))}" if info.excluded_list_ids else ""
    pace = f"at most {info.per_minute:,} a minute" if info.per_minute else "as fast as it goes"
    if info.spread_until:
        pace = f"evenly until {moment(info.spread_until)}"
    windows = [f"{days_of(each)} {each.opens:%H:%M}-{each.closes:%H:%M}" for each in info.windows]
    return [
        f"from {info.sender}: {info.body!r}",
        f"lists {lists}{excluded}",
        f"{pace}{', only ' if windows else ''}{'; '.join(windows)}",
        *(["made with a test key: nothing of it leaves the platform"] if info.test else []),
    ]


@app.command()
def books(
    campaign_id: CampaignId,
    wait_s: Annotated[float, typer.Option("--wait", help="Seconds to wait for what is still moving.")] = 30.0,
) -> None:
    """Check one against the ledger. It is one of the newest hundred; exits 1, with a sentence for each fault, where they differ."""
    campaign, faults = asking(lambda asker: _settled(asker, campaign_id, wait_s))
    typer.echo(f"campaign {campaign.id}, {campaign.title}: {campaign.state}")
    typer.echo(f"  {counts(campaign)}")
    for fault in faults:
        typer.echo(f"FAULT  {fault}")
    if faults:
        raise SystemExit(REFUSED)
    typer.echo("Its books balance.")


async def _settled(asker: Asker, campaign_id: int, wait_s: float) -> tuple[Progress, list[str]]:
    """Its progress and what is amiss, once nothing is, or nothing has moved for QUIET_S, or after `wait_s`."""
    until_s, since_s, before = time.monotonic() + wait_s, time.monotonic(), None
    while True:
        read = await asker.ask(ReadCampaignBooks())
        ledger = await asker.ask(ReadMessagingBooks(campaigns=[campaign_id]))
        campaign = next((each for each in read.campaigns if each.id == campaign_id), None)
        if campaign is None:
            raise Trouble(f"campaign {campaign_id} is not among the newest hundred")
        tally = next((each.states for each in ledger.campaigns if each.campaign_id == campaign_id), {})
        faults = list(imbalances(campaign, tally))
        if (campaign, tally) != before:
            since_s, before = time.monotonic(), (campaign, tally)
        now_s = time.monotonic()
        if not faults or now_s - since_s > QUIET_S or now_s > until_s:
            return campaign, faults
        await asyncio.sleep(1)


def counts(campaign: Progress) -> str:
    """The equation of a campaign's books."""
    ended = "".join(f" + {number} {state}" for state, number in sorted(campaign.ended.items()))
    return f"{campaign.targeted} targeted = {campaign.waiting} waiting + {campaign.handed_over} handed over{ended}"
