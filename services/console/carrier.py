"""heliograph carrier: add, list, show, pause, drain, resume, rate, remove, cap-sender, replay."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from libs.common.contracts.carriers import ReplayCallbacks
from libs.common.contracts.routing import (
    AddCarrier,
    CarrierInfo,
    CarrierState,
    ListCarriers,
    RemoveCarrier,
    ReplayReceipts,
    SetCarrier,
    SetSenderCap,
)
from services.console import nouns
from services.console.asking import Trouble, ask

app = nouns.noun("Carriers: who brings texts to handsets. What is changed here takes effect within a second.")

Name = Annotated[str, typer.Argument(help="Small letters, digits and dashes.")]


@app.command()
def add(
    name: Name,
    protocol: Annotated[str, typer.Argument(help="smpp, twilio or generic.")],
    settings: Annotated[Path, typer.Argument(help="A JSON file; - reads it from the input. See docs/carriers.md.")],
) -> None:
    """Adds a carrier, or changes the settings of one. No text goes to it before a route does: heliograph route add."""
    text = sys.stdin.read() if str(settings) == "-" else settings.read_text()
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise Trouble(f"{settings} is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise Trouble(f"{settings} holds no object")
    ask(AddCarrier(name=name, protocol=protocol, settings=found))


@app.command("list")
def list_() -> None:
    """Every carrier: how it is, what waits for it, how it did in the last ten minutes."""
    for carrier in ask(ListCarriers()).items:
        typer.echo(_line(carrier))


@app.command()
def show(name: Name) -> None:
    """One carrier, with its sessions and its settings (without what is secret)."""
    found = next((carrier for carrier in ask(ListCarriers()).items if carrier.name == name), None)
    if found is None:
        raise Trouble(f"there is no carrier {name!r}")
    typer.echo(_line(found))
    for bind in found.binds:
        state = "connected" if bind.connected else bind.trouble or "not connected"
        typer.echo(f"  bind {bind.number}: {state} (held by {bind.owner or 'nobody'}, epoch {bind.epoch})")
    typer.echo(json.dumps(found.settings, indent=2))


def _line(carrier: CarrierInfo) -> str:
    lately = carrier.lately
    rate = f", at most {carrier.parts_per_s:g} parts/s" if carrier.parts_per_s else ""
    return (
        f"{carrier.name} ({carrier.kind}) {carrier.held or 'is up'}{rate}, share {carrier.share:g}; queued {carrier.queued}, in doubt {carrier.in_doubt}; "
        f"lately {lately.answered} answered, {lately.errors} errors, {lately.delivered} delivered, {lately.slow} of them late"
    )


@app.command()
def pause(name: Name) -> None:
    """Nothing goes out by it; what waits for it goes another way where a route allows. Receipts still come in."""
    ask(SetCarrier(name=name, state=CarrierState.PAUSED))


@app.command()
def drain(name: Name) -> None:
    """Nothing new goes to it; what waits for it still goes out."""
    ask(SetCarrier(name=name, state=CarrierState.DRAINING))


@app.command()
def resume(name: Name) -> None:
    """Texts go to it again."""
    ask(SetCarrier(name=name, state=CarrierState.ACTIVE))


@app.command()
def rate(name: Name, parts_per_s: Annotated[float, typer.Argument(help="Segments a second; 0: no cap.")]) -> None:
    """Caps what goes out by it, over all processes together."""
    ask(SetCarrier(name=name, parts_per_s=parts_per_s))


@app.command("cap-sender")
def cap_sender(header: str, parts_per_s: Annotated[float, typer.Argument(help="0: no cap.")]) -> None:
    """Caps what goes out under a header, by whatever carrier."""
    ask(SetSenderCap(sender=header, parts_per_s=parts_per_s))


@app.command()
def remove(name: Name) -> None:
    """Removes a carrier that is paused and that no text waits for, and its routes."""
    ask(RemoveCarrier(name=name))


@app.command()
def replay(
    name: Name, hours: Annotated[float, typer.Option(help="How far back.")] = 1.0, callbacks: bool = False
) -> None:
    """Applies what the carrier told us again, from its stored raw form: after a fault in reading it was mended. End states are never left."""
    until = datetime.now(UTC)
    since = until - timedelta(hours=hours)
    if callbacks:
        ask(ReplayCallbacks(carrier=name, since=since, until=until))
    else:
        ask(ReplayReceipts(carrier=name, since=since, until=until))
