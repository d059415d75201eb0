"""heliograph company: create, list, show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from libs.common.contracts.auth import Folder
from libs.common.contracts.companies import Company, CreateCompany, ListCompanies
from services.console import nouns
from services.console.asking import ask, asking

if TYPE_CHECKING:
    from libs.common.bus import Asker

app = nouns.noun("Companies: each with its own users, headers, brands and folders, none seeing another's anything.")


@app.command()
def create(name: str) -> None:
    """Make a company; prints its id."""
    typer.echo(ask(CreateCompany(name=name)).id)


@app.command("list")
def list_() -> None:
    """Every company: its id, name, and how many users and headers it has."""
    for company in asking(_all):
        typer.echo(f"{company.id:>6}  {company.name}  ({len(company.users)} users, {len(company.headers)} headers)")


async def _all(asker: Asker) -> list[Company]:
    page = await asker.ask(ListCompanies())
    companies = list(page.items)
    while page.more:
        page = await asker.ask(ListCompanies(after=companies[-1].id))
        companies += page.items
    return companies


@app.command()
def show(company: nouns.CompanyName) -> None:
    """All about one company."""
    found = nouns.company(company)
    typer.echo(f"{found.name}, id {found.id}")
    for user in found.users:
        state = "" if user.active else ", not active"
        typer.echo(f"  user    {user.username}, id {user.id}: {', '.join(user.permissions) or 'no permissions'}{state}")
    for header in found.headers:
        typer.echo(
            f"  header  {header.header}{', shared' if header.shared else ''}{'' if header.active else ', not active'}"
        )
    for brand in found.brands:
        typer.echo(f"  brand   {brand.name}{'' if brand.active else ', not active'}")
    for folder in sorted(found.folders, key=lambda folder: _path(folder, found.folders)):
        typer.echo(f"  folder  {_path(folder, found.folders)}, id {folder.id}")


def _path(folder: Folder, folders: list[Folder]) -> str:
    above = [other for other in folders if other.id == folder.parent_id]
    return f"{_path(above[0], folders)} / {folder.name}" if above else folder.name
