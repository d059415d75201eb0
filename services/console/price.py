"""heliograph price: show, set."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from libs.common import csv_text
from libs.common.contracts.usage import Price, ReadPrices, SetPrices
from services.console import nouns
from services.console.asking import Trouble, ask
from services.console.money import micros, units

app = nouns.noun("Prices: what a part costs, by the beginning of the number.")


@app.command()
def show() -> None:
    """The table, as CSV that `set` takes."""
    told = ask(ReadPrices())
    if told.prices:
        typer.echo(f"# {told.currency}", err=True)
    typer.echo(csv_text.line(("prefix", "price")), nl=False)
    for price in told.prices:
        typer.echo(csv_text.line((price.prefix, units(price.micros))), nl=False)


@app.command("set")
def set_(
    currency: Annotated[str, typer.Argument(help="Three capitals (ISO 4217), such as GBP.")],
    file: Annotated[
        Path, typer.Argument(help="A CSV of prefix,price: +44,0.04; + stands for all others. - reads the input.")
    ],
) -> None:
    """Replaces the whole table, for what is sent from the next second on. What was sent before keeps its cost."""
    text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8-sig")
    prices = list(_prices(text, str(file)))
    ask(SetPrices(currency=currency, prices=prices))
    typer.echo(f"{len(prices)} prices")


def _prices(text: str, file: str) -> Iterator[Price]:
    for number, row in enumerate(csv.reader(text.splitlines()), 1):
        values = [value.strip().removeprefix("'") for value in row]  # with which a spreadsheet's lone + is kept a text
        if not any(values) or (number == 1 and values[0].casefold() == "prefix"):
            continue
        if len(values) != 2 or not values[0].startswith("+"):
            raise Trouble(f"{file}, line {number}: write a prefix that begins with + and a price, such as +44,0.04")
        yield Price(prefix=values[0], micros=micros(values[1]))
