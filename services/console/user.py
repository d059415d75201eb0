"""heliograph user: create, password, permit, activate, deactivate."""

from __future__ import annotations

from typing import Annotated

import typer

from libs.common.contracts.auth import CreateUser, SetPassword, SetPermissions, SetUserActive
from services.console import nouns
from services.console.asking import ask

app = nouns.noun("Users: people and programs that log in for a company.")

NewPassword = Annotated[
    str,
    typer.Option(
        prompt="Password",
        hide_input=True,
        confirmation_prompt=True,
        envvar="HELIOGRAPH_NEW_PASSWORD",
        help="Asked for where it is not given: a command line can be read by others.",
    ),
]
Permissions = Annotated[
    list[str],
    typer.Option(
        "--permission", "-p", help="send (texts and campaigns) or administer (every company); may be repeated."
    ),
]


@app.command()
def create(
    company: nouns.CompanyName,
    username: str,
    password: NewPassword,
    permission: Permissions = [],  # noqa: B006  Typer copies it
    firstname: str = "",
    surname: str = "",
    phone: str = "",
) -> None:
    """Make a user; prints the id. The name is unique across all companies, without regard to case."""
    made = ask(
        CreateUser.model_validate(
            {
                "company_id": nouns.company(company).id,
                "username": username,
                "password": password,
                "permissions": permission,
                "firstname": firstname,
                "surname": surname,
                "phone_number": phone,
            }
        )
    )
    typer.echo(made.id)


@app.command()
def password(company: nouns.CompanyName, username: str, password: NewPassword) -> None:
    """Set another password. Ends every session and every reusable token of the user; API keys stay."""
    ask(SetPassword(user_id=nouns.user_of(nouns.company(company), username).id, password=password))


@app.command()
def permit(company: nouns.CompanyName, username: str, permission: Permissions = []) -> None:  # noqa: B006  Typer copies it
    """Set what the user may do, instead of what was so far; nothing given: nothing. Ends every session; API keys may do no more than that from now on."""
    user = nouns.user_of(nouns.company(company), username)
    ask(SetPermissions.model_validate({"user_id": user.id, "permissions": permission}))


@app.command()
def activate(company: nouns.CompanyName, username: str) -> None:
    """Let the user log in again."""
    ask(SetUserActive(user_id=nouns.user_of(nouns.company(company), username).id, active=True))


@app.command()
def deactivate(company: nouns.CompanyName, username: str) -> None:
    """Shut the user out: no new session, every open one and every reusable token ends, API keys are refused until the user is active again."""
    ask(SetUserActive(user_id=nouns.user_of(nouns.company(company), username).id, active=False))
