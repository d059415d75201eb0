"""heliograph folder: create."""

from __future__ import annotations

from typing import Annotated

import typer

from libs.common.contracts.auth import CreateFolder
from services.console import nouns
from services.console.asking import ask

app = nouns.noun("Folders: where a company files its lists and campaigns.")


@app.command()
def create(
    company: nouns.CompanyName,
    name: str,
    under: Annotated[int, typer.Option(help="Id of the folder above; 0 is the root.")] = 0,
) -> None:
    """Make a folder; prints its id."""
    typer.echo(ask(CreateFolder(company_id=nouns.company(company).id, name=name, parent_id=under)).id)
