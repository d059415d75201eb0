"""Sessions: log in, log out, and what a live session, or an API key, may do.

Passwords are checked while the transaction of the ask is open but has locked nothing and holds no snapshot (read committed, between statements):
it costs a connection of the lane's share, no one waits for it. All writes come after.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import structlog

from libs.common.bus import Asked
from libs.common.contracts.auth import LoggedIn, LogIn, LogOut, ResolveSession, Session
from libs.common.contracts.base import Code, Done, Refusal
from libs.common.db import Tx
from libs.common.db.pool import Record
from libs.common.grants import GRANT_S, Caller
from services.auth.app import Auth
from services.auth.keys import store as keys
from services.auth.keys.rules import is_key, may
from services.auth.sessions import rules, store
from services.auth.sessions.opening import LetIn, open_sessions
from services.auth.sessions.rules import Guess

log = structlog.get_logger()

WRONG = Refusal(Code.WRONG_CREDENTIALS, "the username or the password is wrong")
TOO_MANY_FAILURES = Refusal(
    Code.LIMIT_REACHED,
    f"{rules.FAILURES_MAX} wrong passwords: try again in {rules.FAILURES_WINDOW.seconds // 60} minutes",
)
NO_SESSION = Refusal(Code.SESSION_EXPIRED, "there is no such session, or it is over")


async def log_in(tx: Tx, asked: Sequence[Asked[LogIn]]) -> list[LoggedIn | Refusal]:
    """A session for each right guess. Wrong ones are counted, and stay counted: a refusal undoes nothing here."""
    guesses = {one.id: rules.guess(one.body.username, one.body.password) for one in asked}
    possible = [guess for guess in guesses.values() if guess]
    names = list({guess.username_key for guess in possible})
    users = await store.users_called(tx, names)
    admitted = rules.admitted(possible, await store.failures_of(tx, names))

    right = await _right(tx.app, admitted, users)

    await store.count_failures(tx, dict(sorted(Counter(guess.username_key for guess in admitted - right).items())))
    checked = [users[guess.username_key] for guess in right]
    unchanged = await store.lock_unchanged(tx, {user["id"]: user["password_hash"] for user in checked})
    let_in: dict[UUID, LetIn] = {}
    for one in asked:
        guess = guesses[one.id]
        user = users.get(guess.username_key) if guess else None
        if guess in right and user and user["id"] in unchanged:
            let_in[one.id] = LetIn(user, rules.token(tx.app.secrets.session_tokens, one.id, user["id"]))
    opened = await open_sessions(tx, let_in)
    return [opened.get(one.id) or _wrong(guesses[one.id], admitted) for one in asked]


def _wrong(guess: Guess | None, admitted: set[Guess]) -> Refusal:
    return WRONG if guess is None or guess in admitted else TOO_MANY_FAILURES


async def _right(auth: Auth, guesses: set[Guess], users: dict[str, Record]) -> set[Guess]:
    order = list(guesses)
    hashes = [users[guess.username_key]["password_hash"] if guess.username_key in users else None for guess in order]
    verdicts = await auth.passwords.right(
        [(guess.password, hashed) for guess, hashed in zip(order, hashes, strict=True)]
    )
    return {guess for guess, verdict in zip(order, verdicts, strict=True) if verdict}


async def log_out(tx: Tx, asked: Sequence[Asked[LogOut]]) -> list[Done | Refusal]:
    hashes = [rules.token_sha256(one.body.token) for one in asked]
    ended = await store.revoke_if_live(tx, hashes, tx.app.settings.session_idle_s)
    tx.wake("revoked")
    return [Done() if token_sha256 in ended else NO_SESSION for token_sha256 in hashes]


async def resolve(tx: Tx, asked: Sequence[Asked[ResolveSession]]) -> list[Session | Refusal]:
    hash_of = {one.body.token: rules.token_sha256(one.body.token) for one in asked}
    key_hashes = [hash_of[token] for token in hash_of if is_key(token)]
    token_hashes = [hash_of[token] for token in hash_of if not is_key(token)]
    live = await store.use_live_sessions(tx, token_hashes, tx.app.settings.session_idle_s)
    in_use = await keys.use_keys(tx, key_hashes)
    sessions = {hash_: _of_session(tx.app, row) for hash_, row in live.items()}
    sessions |= {hash_: _of_key(tx.app, row) for hash_, row in in_use.items()}
    return [sessions.get(hash_of[one.body.token], NO_SESSION) for one in asked]


def _of_session(auth: Auth, row: Record) -> Session:
    caller = Caller(
        row["company_id"], row["user_id"], frozenset(row["permissions"]), access_version=row["access_version"]
    )
    return _granted(auth, caller, min(time.time() + GRANT_S, row["expires_at"].timestamp()))


def _of_key(auth: Auth, row: Record) -> Session:
    permissions = may(row["permissions"], row["users_permissions"])
    caller = Caller(row["company_id"], row["user_id"], permissions, test=row["test"], key=True)
    return _granted(auth, caller, time.time() + GRANT_S)


def _granted(auth: Auth, caller: Caller, until_s: float) -> Session:
    return Session(
        grant=auth.signer.sign(caller, until_s),
        grant_until=datetime.fromtimestamp(until_s, UTC),
        company_id=caller.company_id,
        user_id=caller.user_id,
        permissions=sorted(caller.permissions),
        test=caller.test,
    )
