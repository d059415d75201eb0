"""heliograph header: add, activate, deactivate, brand; approve, reject, decisions; protect, unprotect, protected."""

from __future__ import annotations

from typing import Annotated

import typer

from libs.common.contracts.senders import (
    AddHeader,
    ApproveHeader,
    ListProtectedNames,
    ProtectName,
    ReadHeaderDecisions,
    RejectHeader,
    SetHeaderActive,
    SetHeaderBrand,
    UnprotectName,
)
from services.console import nouns
from services.console.asking import ask

Evidence = Annotated[str, typer.Option(help="What shows it, and where it is kept; or why not.")]

app = nouns.noun("Headers: what a company sends as. A phone number, a short code, or a name of up to 11 characters.")


@app.command()
def add(
    company: nouns.CompanyName,
    header: str,
    shared: Annotated[
        bool, typer.Option("--shared", help="A number that other companies may add as shared, too.")
    ] = False,
) -> None:
    """Let a company send as HEADER. A number also receives, so it is one company's only, or shared by all that have it."""
    added = ask(AddHeader(company_id=nouns.company(company).id, header=header, shared=shared))
    if added.approval == "pending":
        typer.echo(
            f"{added.header} looks like a protected name: it sends nothing until `heliograph header approve`, with evidence"
        )


@app.command()
def activate(company: nouns.CompanyName, header: str) -> None:
    """Let the company send as HEADER again."""
    ask(SetHeaderActive(company_id=nouns.company(company).id, header=header, active=True))


@app.command()
def deactivate(company: nouns.CompanyName, header: str) -> None:
    """Nothing more is sent as HEADER. It stays the company's: no other can have its number, and answers still arrive."""
    ask(SetHeaderActive(company_id=nouns.company(company).id, header=header, active=False))


@app.command()
def brand(company: nouns.CompanyName, header: str, brand: Annotated[str, typer.Argument()] = "") -> None:
    """Say which of the company's brands HEADER speaks for; without BRAND, none."""
    ask(SetHeaderBrand(company_id=nouns.company(company).id, header=header, brand=brand))


@app.command()
def approve(company: nouns.CompanyName, header: str, evidence: Evidence) -> None:
    """Let the company use a protected name. Written down for good."""
    ask(ApproveHeader(company_id=nouns.company(company).id, header=header, evidence=evidence))


@app.command()
def reject(company: nouns.CompanyName, header: str, evidence: Evidence) -> None:
    """Do not let the company use the name, or no longer. Written down for good."""
    ask(RejectHeader(company_id=nouns.company(company).id, header=header, evidence=evidence))


@app.command()
def decisions(company: nouns.CompanyName, header: str) -> None:
    """Who let the company use HEADER, or not, and on what evidence."""
    for one in ask(ReadHeaderDecisions(company_id=nouns.company(company).id, header=header)).items:
        who = f"user {one.user_id}" if one.user_id else "the command line"
        typer.echo(f"{one.at:%Y-%m-%d %H:%M} {'approved' if one.approved else 'rejected'} by {who}: {one.evidence}")


@app.command()
def protect(name: str) -> None:
    """From now on a header that is NAME, or looks like it, needs approval, whoever's it is."""
    ask(ProtectName(name=name))


@app.command()
def unprotect(name: str) -> None:
    """Take back a protection that an operator made."""
    ask(UnprotectName(name=name))


@app.command()
def protected() -> None:
    """The names that operators protected, beside the country's own."""
    for name in ask(ListProtectedNames()).items:
        typer.echo(name)
