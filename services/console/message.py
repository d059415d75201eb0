"""heliograph message: show."""

from __future__ import annotations

from uuid import UUID

import typer

from libs.common.contracts.messaging import ShowText
from services.console import nouns
from services.console.asking import ask

app = nouns.noun("Messages: single texts, never their content.")


@app.command()
def show(id_: UUID) -> None:
    """The whole life of the text with this id: every step it took, with its time in UTC."""
    life = ask(ShowText(id=id_))
    of_campaign = f", campaign {life.campaign_id}" if life.campaign_id else ""
    typer.echo(f"{life.id}  {life.state}{f' ({life.reason})' if life.reason else ''}")
    typer.echo(f"  from {life.sender} to {life.to}, company {life.company_id}{of_campaign}")
    if life.carrier:
        typer.echo(f"  carrier {life.carrier}, reference {life.reference or 'none'}, attempts {life.attempts}")
    for step in life.steps:
        typer.echo(f"  {step['at']}  {step['what']}")
