"""heliograph ledger: retention."""

from __future__ import annotations

import typer

from libs.common.contracts.messaging import ReadRetention
from services.console import nouns
from services.console.asking import ask

app = nouns.noun("The ledger of texts: what it holds, and until when.")


@app.command()
def retention() -> None:
    """The ledger's months, how big each is and on which day it goes. How long is a setting: docs/how-to/retention.md."""
    told = ask(ReadRetention())
    for month in told.months:
        typer.echo(
            f"{month.month:%Y-%m}  about {month.texts:>13,} texts  {month.bytes / 1e6:>10,.1f} MB  goes on {month.goes_on}"
        )
    typer.echo(
        f"{told.kept_months} whole months are kept beside this one; what carriers sent, as they sent it, for {told.raw_kept_days} days"
    )
