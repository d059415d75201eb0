"""heliograph seed-demo: a company to play with, with passwords that everybody knows. Refused outside development mode.

Makes only what is missing, so it can be called again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from libs.common.contracts.auth import CreateFolder, CreateUser
from libs.common.contracts.companies import Company, CreateCompany
from libs.common.contracts.senders import AddBrand, AddHeader
from services.console.asking import Trouble, asking
from services.console.nouns import find_company
from services.console.settings import ConsoleSettings

if TYPE_CHECKING:
    from libs.common.bus import Asker

COMPANY = "Demo"
USERS = (
    ("demo", "demo-password", "Demo", "User", "send"),
    ("operator", "operator-password", "Olive", "Operator", "administer"),
)
HEADERS = ("82830", "Heliograph")
BRAND = "Demo"
FOLDER = "Demo"

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command("seed-demo")
def seed_demo() -> None:
    """Make the demo company, its users and headers. Development mode only; safe to call again."""
    if ConsoleSettings().mode != "development":
        raise Trouble(
            "the demo company has passwords that everybody knows: it is made in development mode only (HELIOGRAPH_MODE)"
        )
    made = asking(_seed)
    typer.echo(f"{COMPANY}: {', '.join(made) or 'all there'}")


async def _seed(asker: Asker) -> list[str]:
    """What had to be made."""
    company = await find_company(asker, COMPANY)
    made = []
    if company is None:
        await asker.ask(CreateCompany(name=COMPANY))
        made.append(f"company {COMPANY}")
        company = await find_company(asker, COMPANY)
        assert company is not None, "it was made just now"
    return made + await _furnish(asker, company)


async def _furnish(asker: Asker, company: Company) -> list[str]:
    made = []
    for username, password, firstname, surname, permission in USERS:
        if username not in {user.username for user in company.users}:
            told = {"username": username, "password": password, "firstname": firstname, "surname": surname}
            await asker.ask(CreateUser.model_validate(told | {"company_id": company.id, "permissions": [permission]}))
            made.append(f"user {username}")
    for header in HEADERS:
        if header not in {known.header for known in company.headers}:
            await asker.ask(AddHeader(company_id=company.id, header=header))
            made.append(f"header {header}")
    if BRAND not in {brand.name for brand in company.brands}:
        await asker.ask(AddBrand(company_id=company.id, name=BRAND))
        made.append(f"brand {BRAND}")
    if FOLDER not in {folder.name for folder in company.folders}:
        await asker.ask(CreateFolder(company_id=company.id, name=FOLDER))
        made.append(f"folder {FOLDER}")
    return made
