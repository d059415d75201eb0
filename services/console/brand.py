"""heliograph brand: add, activate, deactivate."""

from __future__ import annotations

from libs.common.contracts.senders import AddBrand, SetBrandActive
from services.console import nouns
from services.console.asking import ask

app = nouns.noun("Brands: the names a company runs its campaigns under.")


@app.command()
def add(company: nouns.CompanyName, name: str) -> None:
    """Give the company a brand."""
    ask(AddBrand(company_id=nouns.company(company).id, name=name))


@app.command()
def activate(company: nouns.CompanyName, name: str) -> None:
    """Let the company's campaigns name the brand again."""
    ask(SetBrandActive(company_id=nouns.company(company).id, name=name, active=True))


@app.command()
def deactivate(company: nouns.CompanyName, name: str) -> None:
    """No new campaign names the brand."""
    ask(SetBrandActive(company_id=nouns.company(company).id, name=name, active=False))
