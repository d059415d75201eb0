"""heliograph books: whether anything is lost or there twice. Inside each database at any moment, across them once nothing moves."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Annotated

import typer

from libs.common.contracts.campaign import ReadCampaignBooks
from libs.common.contracts.inbound import ReadInboundBooks
from libs.common.contracts.messaging import ReadMessagingBooks
from libs.common.contracts.phonelist import ReadPhonelistBooks
from services.console.asking import REFUSED, asking
from services.console.balance import Books
from services.console.campaign import counts

if TYPE_CHECKING:
    from libs.common.bus import Asker

QUIET_S = 7.0  # longer than the first rung of the retry ladder: what does not move for so long is not on its way
LOOK_AGAIN_S = 1.0

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def books(
    wait_s: Annotated[
        float, typer.Option("--wait", help="Seconds to wait for what is still moving between services.")
    ] = 30.0,
) -> None:
    """Check that nothing is lost and nothing is there twice; exits 1, with a sentence for each fault, where something is."""
    read, still = asking(lambda asker: _settled(asker, wait_s))
    for line in _table(read):
        typer.echo(line)
    for fault in read.faults:
        typer.echo(f"FAULT  {fault}")
    for imbalance in read.imbalances:
        typer.echo(f"FAULT  {imbalance}, and nothing moves" if still else f"MOVING {imbalance}, after {wait_s:.0f} s")
    if read.faults or read.imbalances:
        raise SystemExit(REFUSED)
    typer.echo("The books balance.")


async def _settled(asker: Asker, wait_s: float) -> tuple[Books, bool]:
    """The books once they balance across services, or once nothing has moved for QUIET_S (True), or after `wait_s`."""
    until_s = time.monotonic() + wait_s
    read = await _read(asker)
    since_s = time.monotonic()
    while read.imbalances and time.monotonic() < until_s:
        await asyncio.sleep(LOOK_AGAIN_S)
        before, read = read, await _read(asker)
        if read != before:
            since_s = time.monotonic()
        elif time.monotonic() - since_s > QUIET_S:
            return read, True
    return read, False


async def _read(asker: Asker) -> Books:
    campaign = await asker.ask(ReadCampaignBooks())
    messaging = await asker.ask(ReadMessagingBooks(campaigns=[progress.id for progress in campaign.campaigns]))
    inbound, phonelist = await asyncio.gather(asker.ask(ReadInboundBooks()), asker.ask(ReadPhonelistBooks()))
    return Books(messaging=messaging, inbound=inbound, phonelist=phonelist, campaign=campaign)


def _table(read: Books) -> list[str]:
    open_texts = ", ".join(f"{number} {state}" for state, number in sorted(read.messaging.open.items())) or "none"
    inbound = f"{read.inbound.received} received, {read.inbound.unclaimed} nobody's, {read.inbound.stopped} stopped"
    phonelist = (
        f"{read.phonelist.lists} lists, {read.phonelist.entries} entries, {read.phonelist.open_imports} open imports"
    )
    return [
        f"messaging  open texts: {open_texts}; outbox {read.messaging.outbox}",
        f"inbound    {inbound}; outbox {read.inbound.outbox}",
        f"phonelist  {phonelist}",
        f"campaign   {len(read.campaign.campaigns)} campaigns; outbox {read.campaign.outbox}",
        *(f"  {progress.id:>6}  {progress.state:<9}  {counts(progress)}" for progress in read.campaign.campaigns),
    ]
