"""heliograph brand: add."""

from __future__ import annotations

from libs.common.contracts.auth import AddBrand
from services.console import nouns
from services.console.asking import ask

app = nouns.noun("Brands: the names a company runs its campaigns under.")


@app.command()
def add(company: nouns.CompanyName, name: str) -> None:
    """Give the company a brand."""
    ask(AddBrand(company_id=nouns.company(company).id, name=name))
