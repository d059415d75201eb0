"""heliograph header: add, activate, deactivate."""

from __future__ import annotations

from typing import Annotated

import typer

from libs.common.contracts.auth import AddHeader, SetHeaderActive
from services.console import nouns
from services.console.asking import ask

app = nouns.noun(
    "Headers: what a company sends as. A phone number, a short code, or a name of up to 11 letters and digits."
)


@app.command()
def add(
    company: nouns.CompanyName,
    header: str,
    shared: Annotated[
        bool, typer.Option("--shared", help="A number that other companies may add as shared, too.")
    ] = False,
) -> None:
    """Let a company send as HEADER. A number also receives, so it is one company's only, or shared by all that have it."""
    ask(AddHeader(company_id=nouns.company(company).id, header=header, shared=shared))


@app.command()
def activate(company: nouns.CompanyName, header: str) -> None:
    """Let the company send as HEADER again."""
    ask(SetHeaderActive(company_id=nouns.company(company).id, header=header, active=True))


@app.command()
def deactivate(company: nouns.CompanyName, header: str) -> None:
    """Nothing more is sent as HEADER. It stays the company's: no other can have its number, and answers still arrive."""
    ask(SetHeaderActive(company_id=nouns.company(company).id, header=header, active=False))
