"""heliograph campaign launch, pause, resume, stop, extend: its course. Each may be given again, and each is legal or refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from libs.common.contracts.campaign import (
    ExtendCampaign,
    Halted,
    LaunchCampaign,
    Launched,
    PauseCampaign,
    Progress,
    ReadProgress,
    ResumeCampaign,
    StopCampaign,
)
from services.console.as_user import AsUser, Password, Username, ask_as, asking_as
from services.console.campaign_make import CampaignId
from services.console.words import moment


def launch(
    campaign_id: CampaignId,
    username: Username,
    password: Password,
    leave_out_incomplete: Annotated[
        bool, typer.Option("--leave-out-incomplete", help="Whose entry lacks a field of the text gets nothing.")
    ] = False,
) -> None:
    """Pin text, sender and lists, and send. It begins now, or at the time that it was made with."""

    async def work(user: AsUser) -> tuple[Launched, Progress]:
        launched = await user.ask(LaunchCampaign(campaign_id=campaign_id, leave_out_incomplete=leave_out_incomplete))
        return launched, await user.ask(ReadProgress(campaign_id=campaign_id))

    launched, progress = asking_as(username, password, work)
    for warning in launched.warnings:
        typer.echo(f"warning: {warning}")
    later = progress.starts_at is not None and progress.starts_at > datetime.now(UTC)
    typer.echo(f"campaign {campaign_id}: launched{f', it starts at {moment(progress.starts_at)}' if later else ''}")


def pause(campaign_id: CampaignId, username: Username, password: Password) -> None:
    """Hold it, until it is resumed. From then on nobody further gets the text, but those whose text a carrier has already."""
    halted = ask_as(username, password, PauseCampaign(campaign_id=campaign_id))
    typer.echo(f"campaign {campaign_id}: paused. {told(halted)}")


def resume(campaign_id: CampaignId, username: Username, password: Password) -> None:
    """Send on, to exactly those who remain."""
    ask_as(username, password, ResumeCampaign(campaign_id=campaign_id))
    typer.echo(f"campaign {campaign_id}: sends on")


def stop(campaign_id: CampaignId, username: Username, password: Password) -> None:
    """Stop it for good. Before it has begun it is a draft again, to be launched anew."""

    async def work(user: AsUser) -> tuple[Halted, Progress]:
        halted = await user.ask(StopCampaign(campaign_id=campaign_id))
        return halted, await user.ask(ReadProgress(campaign_id=campaign_id))

    halted, progress = asking_as(username, password, work)
    typer.echo(f"campaign {campaign_id}: {progress.state}. {told(halted)}")


def extend(
    campaign_id: CampaignId,
    lease_hours: Annotated[int, typer.Argument(help="Counted from its start; 0: no end.")],
    username: Username,
    password: Password,
) -> None:
    """Set its lease anew. It may be longer or shorter, and holds for all that has not been sent."""
    extended = ask_as(username, password, ExtendCampaign(campaign_id=campaign_id, lease_hours=lease_hours))
    until = f"until {moment(extended.expires_at)}" if extended.expires_at else "without an end"
    typer.echo(f"campaign {campaign_id}: may send {until}")


def told(halted: Halted) -> str:
    if not halted.targeted:
        return "Nobody was sent anything."
    return (
        f"{halted.handed_over:,} of {halted.targeted:,} were handed over; {halted.can_still_arrive:,} can still arrive."
    )
