"""heliograph text: preview."""

from __future__ import annotations

from typing import Annotated

import typer

from libs.common.contracts.texts import ForeignCharacter, OnAir, PreviewText
from services.console import nouns
from services.console.asking import ask

app = nouns.noun("Texts before they are sent.")

UNITS = {"gsm": ("GSM", "septets"), "ucs2": ("Unicode", "units of UTF-16")}


@app.command()
def preview(
    words: Annotated[str, typer.Argument(help="The text.")],
    sender: Annotated[str, typer.Option("--from", metavar="HEADER", help="What it would be sent as.")] = "",
    company: Annotated[str, typer.Option(metavar="COMPANY", help="Whose choices hold: its name or its id.")] = "",
) -> None:
    """What WORDS take on the air, part by part, and which characters make them Unicode. Sends nothing."""
    company_id = nouns.company(company).id if company else 0
    told = ask(PreviewText(body=words, sender=sender, company_id=company_id))
    _tell(told)
    if told.too_long:
        typer.echo("too long: it would be refused")
    for foreign in told.foreign:
        typer.echo(_line(foreign))
    if told.replaced:
        typer.echo("is sent as:" if told.replaces else "could be sent as:")
        _tell(told.replaced)
    if told.opt_out:
        typer.echo("tells how to stop" if told.opt_out.told else told.opt_out.reason)


def _tell(text: OnAir) -> None:
    alphabet, units = UNITS[text.alphabet]
    parts = "1 part" if text.parts == 1 else f"{text.parts} parts"
    typer.echo(
        f"{parts}, {alphabet}: {text.units} {units}, {text.units_left} of {text.units_each} left in the last part"
    )
    for number, segment in enumerate(text.segments, 1):
        typer.echo(f"  {number}  {segment.characters} characters, {segment.units} {units}: {segment.text!r}")


def _line(foreign: ForeignCharacter) -> str:
    places = ", ".join(str(place) for place in foreign.at)
    equal = "nothing says the same" if foreign.replacement is None else f"{foreign.replacement!r} says the same"
    return f"Unicode for {foreign.text!r} ({foreign.name}) at {places}: {equal}"
