"""heliograph in-doubt: settle."""

from __future__ import annotations

from uuid import UUID

from libs.common.contracts.messaging import SettleInDoubt, State
from services.console import nouns
from services.console.asking import ask

app = nouns.noun("Texts in doubt: a carrier may or may not have taken them.")


@app.command()
def settle(id_: UUID, state: State) -> None:
    """Say what became of a text, as the carrier or the person told you. It is never sent again by this."""
    ask(SettleInDoubt(id=id_, state=state))
