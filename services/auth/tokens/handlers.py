"""Reusable tokens: asked for by a user who is logged in, to log in later without a password; listed and revoked by the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from uuid import UUID

from libs.common.bus import Asked, each
from libs.common.contracts.auth import (
    TOKENS_MAX,
    CheckReusableToken,
    ListReusableTokens,
    LoggedIn,
    LogInWithToken,
    RequestReusableToken,
    ReusableToken,
    ReusableTokenInfo,
    ReusableTokens,
    RevokeReusableToken,
    User,
)
from libs.common.contracts.base import Code, Contract, Done, Refusal
from libs.common.db import Tx
from services.auth.people.rules import require_login
from services.auth.people.store import lock_access
from services.auth.sessions.opening import LetIn, open_sessions
from services.auth.sessions.rules import token as make_token
from services.auth.sessions.rules import token_sha256
from services.auth.sessions.store import revoke_opened_by
from services.auth.tokens import store

WRONG = Refusal(Code.WRONG_CREDENTIALS, "there is no such reusable token, or it is good no more")


async def request(tx: Tx, asked: Sequence[Asked[RequestReusableToken]]) -> Sequence[Contract | Refusal]:
    versions = await lock_access(tx, {one.caller.user_id for one in asked})
    return await each(partial(_request, versions))(tx, asked)


async def _request(versions: Mapping[int, int], tx: Tx, ask: Asked[RequestReusableToken]) -> ReusableToken:
    user_id = ask.caller.user_id
    require_login(ask.caller, versions.get(user_id))
    token = make_token(tx.app.secrets.reusable_tokens, ask.id, user_id)
    hashed = token_sha256(token)
    id_ = await store.id_of(tx, hashed)  # of a repeat: the same again, be it live or dead
    if id_ is None:
        live = await store.live_of(tx, [user_id])
        if len(live) >= TOKENS_MAX and not ask.body.make_room:
            raise Refusal(Code.LIMIT_REACHED, f"a user has {TOKENS_MAX} reusable tokens at most: revoke one first")
        if len(live) >= TOKENS_MAX:
            unused_for_longest = min(live, key=lambda one: one["last_used_at"] or one["created_at"])
            await _revoke(tx, unused_for_longest["id"], user_id)
        id_ = await store.insert_token(tx, hashed, user_id)
    return ReusableToken(id=id_, token=token)


async def log_in(tx: Tx, asked: Sequence[Asked[LogInWithToken]]) -> list[LoggedIn | Refusal]:
    """A session for each token that is live."""
    hash_of = {one.id: token_sha256(one.body.token) for one in asked}
    users = await store.use_live_tokens(tx, list(set(hash_of.values())))
    let_in: dict[UUID, LetIn] = {}
    for id_, hashed in hash_of.items():
        if user := users.get(hashed):
            by = user["reusable_token_id"]
            let_in[id_] = LetIn(user, make_token(tx.app.secrets.session_tokens, id_, user["id"], by), by)
    opened = await open_sessions(tx, let_in)
    return [opened.get(one.id, WRONG) for one in asked]


async def check(tx: Tx, asked: Sequence[Asked[CheckReusableToken]]) -> list[User | Refusal]:
    hashes = [token_sha256(one.body.token) for one in asked]
    users = await store.users_by_token(tx, list(set(hashes)))
    return [User(**users[hashed]) if hashed in users else WRONG for hashed in hashes]


async def list_tokens(tx: Tx, asked: Sequence[Asked[ListReusableTokens]]) -> list[ReusableTokens | Refusal]:
    of_user: dict[int, list[ReusableTokenInfo]] = defaultdict(list)
    for row in await store.live_of(tx, list({one.caller.user_id for one in asked})):
        of_user[row["user_id"]].append(ReusableTokenInfo(**row))
    return [ReusableTokens(items=of_user[one.caller.user_id]) for one in asked]


async def revoke(tx: Tx, ask: Asked[RevokeReusableToken]) -> Done:
    if not await _revoke(tx, ask.body.id, ask.caller.user_id):
        raise Refusal(Code.NOT_FOUND, "you have no such reusable token")
    return Done()


async def _revoke(tx: Tx, id_: int, user_id: int) -> bool:
    """First the token, then its sessions: a login by it that is just under way either sees this or is seen here."""
    revoked = await store.revoke_if_live(tx, id_, user_id)
    if revoked:
        await revoke_opened_by(tx, id_)
    return revoked
