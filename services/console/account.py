"""heliograph account: show, set."""

from __future__ import annotations

from typing import Annotated

import typer

from libs.common.contracts.usage import ReadAccount, ReadPrices, SetAccount
from services.console import nouns
from services.console.asking import ask
from services.console.money import micros, units

app = nouns.noun("Accounts: what bounds a company's sending, and its share beside others.")

Amount = Annotated[str, typer.Option(metavar="AMOUNT", help="In units of the prices' currency, such as 250 or 0.50.")]


@app.command()
def show(company: nouns.CompanyName) -> None:
    """What is left to the company, and what it used this month."""
    told = ask(ReadAccount(company_id=nouns.company(company).id))
    currency = ask(ReadPrices()).currency
    credit = "no bound" if told.credit_micros is None else f"{units(told.credit_micros)} {currency}".rstrip()
    cap = "no bound" if told.parts_a_month is None else f"{told.parts_a_month:,}"
    typer.echo(f"credit              {credit}")
    typer.echo(f"low below           {units(told.low_micros)} {currency}".rstrip())
    typer.echo(f"parts a month       {cap}")
    typer.echo(f"parts this month    {told.parts_this_month:,}")
    typer.echo(f"weight              {told.weight}")


@app.command("set")
def set_(
    company: nouns.CompanyName,
    credit: Amount = "",
    top_up: Amount = "",
    low: Amount = "",
    parts_a_month: Annotated[int | None, typer.Option(help="A cap; 0 stops all.")] = None,
    weight: Annotated[int | None, typer.Option(help="1 to 100: of a lane, beside the others' weights.")] = None,
    unlimited: Annotated[bool, typer.Option("--unlimited", help="Takes credit and cap away.")] = False,
) -> None:
    """Changes what is given; the rest stays. What a company wants to send beyond its credit or cap waits in the queue."""
    ask(
        SetAccount(
            company_id=nouns.company(company).id,
            unlimited=unlimited,
            credit_micros=micros(credit) if credit else None,
            top_up_micros=micros(top_up) if top_up else None,
            low_micros=micros(low) if low else None,
            parts_a_month=parts_a_month,
            weight=weight,
        )
    )
