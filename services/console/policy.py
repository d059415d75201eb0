"""heliograph policy: show, set."""

from __future__ import annotations

from typing import Annotated

import typer

from libs.common.contracts.policies import Policy, ReadPolicy, SetPolicy
from services.console import nouns
from services.console.asking import Trouble, ask

app = nouns.noun("Policies: what a company decides about its own texts.")


@app.command()
def show(company: nouns.CompanyName) -> None:
    """The company's choices, and the defaults where it made none."""
    policy = ask(ReadPolicy(company_id=nouns.company(company).id))
    for name, value in policy.model_dump(mode="json").items():
        typer.echo(f"{name:<24}{_written(value)}")


@app.command("set")
def set_(
    company: nouns.CompanyName,
    choices: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...", help="As show prints them.")],
) -> None:
    """Change some choices, such as quiet_from=21:00 quiet_until=08:00; nothing after = takes the default back."""
    company_id = nouns.company(company).id
    known = ask(ReadPolicy(company_id=company_id)).model_dump(mode="json")
    for choice in choices:
        name, equals, value = choice.partition("=")
        if not equals or name not in known:
            raise Trouble(f"{choice!r} is no choice: write NAME=VALUE with a NAME of {', '.join(known)}")
        known[name] = value.split(",") if isinstance(known[name], list) else value
        if not value:
            del known[name]
    ask(SetPolicy(company_id=company_id, policy=Policy.model_validate(known)))


def _written(value: object) -> str:
    if isinstance(value, list):
        return ",".join(value)
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
