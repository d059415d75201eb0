"""Opening a session: what logging in by password and by reusable token share, once it is settled who may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from libs.common.contracts.auth import LoggedIn
from libs.common.db import Tx
from libs.common.db.pool import Record
from services.auth.sessions import rules, store


@dataclass(frozen=True, slots=True)
class LetIn:
    """`user`: id, firstname, surname, phone_number and company."""

    user: Record
    token: str = field(repr=False)
    reusable_token_id: int | None = None


async def open_sessions(tx: Tx, let_in: Mapping[UUID, LetIn]) -> dict[UUID, LoggedIn]:
    """A session each; a repeat of an ask has the one it had."""
    hash_of = {id_: rules.token_sha256(one.token) for id_, one in let_in.items()}
    whose = {hash_of[id_]: (one.user["id"], one.reusable_token_id) for id_, one in let_in.items()}
    expires_at = await store.open_sessions(tx, whose, tx.app.settings.session_life_s)
    return {
        id_: LoggedIn(
            token=one.token,
            expires_at=expires_at[hash_of[id_]],
            firstname=one.user["firstname"],
            surname=one.user["surname"],
            phone_number=one.user["phone_number"],
            company=one.user["company"],
        )
        for id_, one in let_in.items()
    }
