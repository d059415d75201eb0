"""heliograph verification: watch, limit, refuse-unused."""

from __future__ import annotations

from typing import Annotated

import typer

from libs.common.contracts.verification import (
    RefuseUnusedPrefixes,
    Scope,
    SetVerificationLimit,
    WatchVerifications,
)
from services.console import nouns
from services.console.asking import ask

app = nouns.noun("Verifications: whose codes are used, and how often they may be sent.")


@app.command()
def watch(alarmed: Annotated[bool, typer.Option("--alarmed", help="Only prefixes with an alarm.")] = False) -> None:
    """The last hour by company and prefix, least used first. An alarm: codes are sent but not used, as by somebody who earns by each text."""
    for each in ask(WatchVerifications(alarmed=alarmed)).items:
        percent = 100 * each.used // each.codes
        alarm = f"  ALARM since {each.since:%Y-%m-%d %H:%M} UTC" if each.since else ""
        refused = ", new ones are refused" if each.refused else ""
        typer.echo(
            f"company {each.company_id:>6}  {each.prefix:<9} {each.codes:>6} codes, {percent:>3} % used, {each.texts} texts{alarm}{refused}"
        )


@app.command()
def limit(company: nouns.CompanyName, scope: Scope, sends: int, window_s: int) -> None:
    """Let a company send so many codes in so many seconds, by number, prefix, address or in all."""
    company_id = nouns.company(company).id
    ask(SetVerificationLimit(company_id=company_id, scope=scope, sends=sends, window_s=window_s))


@app.command("refuse-unused")
def refuse_unused(company: nouns.CompanyName, refuse: bool) -> None:
    """Whether new codes of a company to a prefix are refused (true) while nearly none there is used, or only an alarm is raised (false)."""
    ask(RefuseUnusedPrefixes(company_id=nouns.company(company).id, refuse=refuse))
