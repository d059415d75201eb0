"""API keys: made, listed and revoked by a user who is logged in; what one may do is in sessions/handlers.py, `resolve`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial

from libs.common.bus import Asked, each
from libs.common.contracts.auth import KEYS_MAX, ApiKey, ApiKeyInfo, ApiKeys, CreateApiKey, ListApiKeys, RevokeApiKey
from libs.common.contracts.base import Code, Contract, Done, Refusal
from libs.common.db import Tx
from services.auth.keys import rules, store
from services.auth.names import name_key
from services.auth.people.rules import require_login
from services.auth.people.store import lock_access
from services.auth.sessions.rules import token_sha256


async def create(tx: Tx, asked: Sequence[Asked[CreateApiKey]]) -> Sequence[Contract | Refusal]:
    versions = await lock_access(tx, {one.caller.user_id for one in asked})
    return await each(partial(_create, versions))(tx, asked)


async def _create(versions: Mapping[int, int], tx: Tx, ask: Asked[CreateApiKey]) -> ApiKey:
    user_id, wanted = ask.caller.user_id, ask.body
    require_login(ask.caller, versions.get(user_id))
    permissions = sorted(set(wanted.permissions))
    if not ask.caller.permissions.issuperset(permissions):
        raise Refusal(Code.PERMISSION_DENIED, "a key may do no more than its user")

    key = rules.key(tx.app.secrets.api_keys, ask.id, user_id, test=wanted.test)
    hashed, hint = token_sha256(key), key[: rules.HINT_CHARACTERS]
    id_ = await store.id_of(tx, hashed)  # of a repeat: the same again, be it live or revoked
    if id_ is None:
        others = len(await store.live_of(tx, [user_id]))
        id_ = await store.insert_key(
            tx, hashed, hint, user_id, wanted.name, name_key(wanted.name), permissions, wanted.test
        )
        if id_ is None:
            raise Refusal(Code.DUPLICATE, "you have a key that is called so")
        if others >= KEYS_MAX:
            raise Refusal(Code.LIMIT_REACHED, f"a user has {KEYS_MAX} keys at most: revoke one first")
    return ApiKey(id=id_, key=key)


async def list_keys(tx: Tx, asked: Sequence[Asked[ListApiKeys]]) -> list[ApiKeys | Refusal]:
    of_user: dict[int, list[ApiKeyInfo]] = defaultdict(list)
    for row in await store.live_of(tx, list({one.caller.user_id for one in asked})):
        of_user[row["user_id"]].append(ApiKeyInfo(**row))
    return [ApiKeys(items=of_user[one.caller.user_id]) for one in asked]


async def revoke(tx: Tx, ask: Asked[RevokeApiKey]) -> Done:
    if not await store.revoke_if_live(tx, ask.body.id, ask.caller.user_id):
        raise Refusal(Code.NOT_FOUND, "you have no such key")
    return Done()
