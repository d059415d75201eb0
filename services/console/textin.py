"""heliograph textin: create, list, activate, deactivate."""

from __future__ import annotations

import typer

from libs.common.contracts.inbound import CreateTextIn, ListTextIns, SetTextInActive
from services.console import nouns
from services.console.asking import ask

app = nouns.noun("Text-ins: a keyword on a header, that people text in.")


@app.command()
def create(company: nouns.CompanyName, header: str, keyword: str) -> None:
    """Texts to HEADER whose first word is KEYWORD are the company's from now on; '*': those that no other keyword claims. Prints the id."""
    typer.echo(ask(CreateTextIn(company_id=nouns.company(company).id, header=header, keyword=keyword)).id)


@app.command("list")
def list_(company: nouns.CompanyName) -> None:
    """The company's text-ins, and what follows from a text with each."""
    for text_in in ask(ListTextIns(company_id=nouns.company(company).id)).items:
        active = "" if text_in.active else "  not active"
        actions = "".join(
            f"  {name}={value!r}" for name, value in text_in.actions.model_dump(exclude_defaults=True).items()
        )
        typer.echo(f"{text_in.id}  {text_in.header}  {text_in.keyword}{active}{actions}")


@app.command()
def activate(text_in_id: int) -> None:
    """Its keyword claims texts again."""
    ask(SetTextInActive(id=text_in_id, active=True))


@app.command()
def deactivate(text_in_id: int) -> None:
    """Its keyword claims no texts from now on, and stays the company's."""
    ask(SetTextInActive(id=text_in_id, active=False))
