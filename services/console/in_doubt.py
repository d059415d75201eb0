"""heliograph in-doubt: list, settle."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from libs.common.contracts.messaging import SettleInDoubt, State
from libs.common.contracts.routing import ListDoubts
from services.console import nouns
from services.console.asking import ask

app = nouns.noun("Texts in doubt: a carrier may or may not have taken them.")


@app.command("list")
def list_(limit: Annotated[int, typer.Option(help="How many, oldest first.")] = 100) -> None:
    """What nobody knows of yet, oldest first, and how many there are."""
    doubts = ask(ListDoubts(limit=limit))
    for doubt in doubts.items:
        typer.echo(
            f"{doubt.id}  since {doubt.since}  {doubt.carrier}  {doubt.lane}  company {doubt.company_id}  {doubt.reason}"
        )
    typer.echo(f"{doubts.total} in doubt")


@app.command()
def settle(id_: UUID, state: State) -> None:
    """Say what became of a text, as the carrier or the person told you. It is never sent again by this."""
    ask(SettleInDoubt(id=id_, state=state))
