"""heliograph optout: list, review, settle, add, remove."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from libs.common.contracts.optouts import AddOptOuts, LiftOptOut, ReadOptOuts, ReadReviews, SettleReview
from services.console import nouns
from services.console.asking import Trouble, ask

app = nouns.noun("Opt-outs: who gets no texts, how far that reaches, and what a person must read.")

Company = Annotated[str, typer.Option("--company", help="Its name or its id.")]
Everywhere = Annotated[bool, typer.Option("--everywhere", help="Of every company, such as after a complaint to 7726.")]
Reason = Annotated[str, typer.Option("--reason", help="Kept with it.")]


def _company_id(company: str, everywhere: bool) -> int:
    """0 is every company."""
    if everywhere == bool(company):
        raise Trouble("say whose: --company NAME, or --everywhere")
    return 0 if everywhere else nouns.company(company).id


@app.command("list")
def list_(company: Company = "", everywhere: Everywhere = False, number: str | None = None) -> None:
    """What is stopped, in the order it changed: one line a number and scope."""
    company_id, after = _company_id(company, everywhere), 0
    while True:
        found = ask(ReadOptOuts(number=number, after=after, company_id=company_id))
        for item in found.items:
            what = "soft" if item.soft else "stop"
            by = f"text {item.text_id}" if item.text_id else f"user {item.user_id}: {item.reason}"
            typer.echo(f"{item.at:%Y-%m-%d %H:%M}  {item.number}  {what}  {item.scope or 'all'}  {by}")
        if not found.more:
            return
        after = found.items[-1].key


@app.command()
def review(company: nouns.CompanyName) -> None:
    """Texts that may be a wish to stop, oldest first; the first hundred."""
    for item in ask(ReadReviews(company_id=nouns.company(company).id)).items:
        typer.echo(f"{item.id}  {item.at:%Y-%m-%d %H:%M}  {item.number} to {item.to}: {item.body!r}")


@app.command()
def settle(
    company: nouns.CompanyName,
    text_id: UUID,
    opt_out: Annotated[bool, typer.Option("--opt-out/--keep", help="A wish to stop, as of now; or none.")],
    reason: Reason = "",
) -> None:
    """Say what a text on the review list was."""
    ask(SettleReview(id=text_id, opt_out=opt_out, reason=reason, company_id=nouns.company(company).id))


@app.command()
def add(number: str, reason: Reason, company: Company = "", everywhere: Everywhere = False, header: str = "") -> None:
    """Opt NUMBER out: of the company, of what a STOP to --header reaches, or of every company."""
    company_id = _company_id(company, everywhere)
    ask(AddOptOuts(numbers=[number], reason=reason, header=header, company_id=company_id))


@app.command()
def remove(number: str, reason: Reason, company: Company = "", everywhere: Everywhere = False) -> None:
    """Opt NUMBER in again. Only where the person said so: their START does it by itself."""
    ask(LiftOptOut(number=number, reason=reason, company_id=_company_id(company, everywhere)))
