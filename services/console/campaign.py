"""heliograph campaign: list, show."""

from __future__ import annotations

import typer

from libs.common.contracts.campaign import Progress, ReadCampaignBooks
from services.console import nouns
from services.console.asking import Trouble, ask

app = nouns.noun("Campaigns: the newest hundred of all companies.")


@app.command("list")
def list_() -> None:
    """One line a campaign, the newest first."""
    for campaign in ask(ReadCampaignBooks()).campaigns:
        typer.echo(f"{campaign.id:>6}  {campaign.state:<9}  {counts(campaign)}  {campaign.title}")


@app.command()
def show(id_: int) -> None:
    """How far a campaign is."""
    found = [campaign for campaign in ask(ReadCampaignBooks()).campaigns if campaign.id == id_]
    if not found:
        raise Trouble(f"campaign {id_} is not among the newest hundred")
    campaign = found[0]
    typer.echo(f"campaign {campaign.id}, {campaign.title}: {campaign.state}")
    typer.echo(f"  {counts(campaign)}")
    for reason, number in campaign.left_out.items():
        typer.echo(f"  left out at launch: {number} {reason}")
    typer.echo(f"  launched {campaign.launched_at or 'not yet'}, finished {campaign.finished_at or 'not yet'}")


def counts(campaign: Progress) -> str:
    """The equation of a campaign's books."""
    ended = "".join(f" + {number} {state}" for state, number in sorted(campaign.ended.items()))
    return f"{campaign.targeted} targeted = {campaign.waiting} waiting + {campaign.handed_over} handed over{ended}"
