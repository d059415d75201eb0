"""heliograph textin: create."""

from __future__ import annotations

import typer

from libs.common.contracts.inbound import CreateTextIn
from services.console import nouns
from services.console.asking import ask

app = nouns.noun("Text-ins: a keyword on a header, that people text in.")


@app.command()
def create(company: nouns.CompanyName, header: str, keyword: str) -> None:
    """Texts to HEADER whose first word is KEYWORD are the company's from now on; prints the id."""
    typer.echo(ask(CreateTextIn(company_id=nouns.company(company).id, header=header, keyword=keyword)).id)
