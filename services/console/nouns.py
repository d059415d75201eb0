"""What the nouns share: a Typer of their own, plain; and companies and people as an operator names them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from libs.common.contracts.auth import User
from libs.common.contracts.companies import Company, ListCompanies
from services.console.asking import Trouble, asking

if TYPE_CHECKING:
    from libs.common.bus import Asker

CompanyName = Annotated[str, typer.Argument(metavar="COMPANY", help="Its name or its id.")]


def noun(help_: str) -> typer.Typer:
    app = typer.Typer(help=help_, no_args_is_help=True, rich_markup_mode=None, add_completion=False)
    app.callback()(_nothing)  # Typer would take the verb away from a noun that has only one
    return app


def _nothing() -> None:
    pass


async def find_company(asker: Asker, named: str) -> Company | None:
    """By name, without regard to case, or by id."""
    if named.isdecimal():
        companies = await asker.ask(ListCompanies(after=int(named) - 1))
        return next((company for company in companies.items if company.id == int(named)), None)
    companies = await asker.ask(ListCompanies(name=named))
    return companies.items[0] if companies.items else None


def company(named: str) -> Company:
    """The company an operator means; ends the command where there is none."""

    async def find(asker: Asker) -> Company | None:
        return await find_company(asker, named)

    found = asking(find)
    if found is None:
        raise Trouble(f"there is no company {named!r}")
    return found


def user_of(company: Company, username: str) -> User:
    """Without regard to case; ends the command where there is none."""
    found = [user for user in company.users if user.username.casefold() == username.casefold()]
    if not found:
        raise Trouble(f"{company.name} has no user {username!r}")
    return found[0]
