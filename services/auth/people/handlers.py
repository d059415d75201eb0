"""People: made and changed by an operator. What takes away ends the user's sessions in the same transaction, and what else stands for the user.

A password is hashed before the first write: the transaction of the ask is open then, and has locked nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from libs.common import phone
from libs.common.bus import Asked, each
from libs.common.contracts.auth import (
    Created,
    CreateUser,
    CurrentUser,
    SetPassword,
    SetPermissions,
    SetUserActive,
    User,
)
from libs.common.contracts.base import Code, Contract, Done, Refusal
from libs.common.db import Tx
from services.auth.company import store as company
from services.auth.keys import store as keys
from services.auth.names import name_key
from services.auth.people import store
from services.auth.sessions import store as sessions
from services.auth.tokens import store as tokens

NO_USER = "there is no such user"


async def create_users(tx: Tx, asked: Sequence[Asked[CreateUser]]) -> Sequence[Contract | Refusal]:
    return await each(partial(_create, await _hashes(tx, asked)))(tx, asked)


async def _create(hashes: Mapping[UUID, str], tx: Tx, ask: Asked[CreateUser]) -> Created:
    user = ask.body
    phone_number = phone.required(user.phone_number) if user.phone_number.strip() else ""
    if not await company.exists(tx, user.company_id):
        raise Refusal(Code.NOT_FOUND, "there is no such company")

    permissions = sorted(set(user.permissions))
    user_id = await store.insert_user(tx, user, name_key(user.username), hashes[ask.id], phone_number, permissions)
    if user_id is None:
        raise Refusal(Code.DUPLICATE, "somebody is called so")
    return Created(id=user_id)


async def set_passwords(tx: Tx, asked: Sequence[Asked[SetPassword]]) -> Sequence[Contract | Refusal]:
    return await each(partial(_set_password, await _hashes(tx, asked)))(tx, asked)


async def _set_password(hashes: Mapping[UUID, str], tx: Tx, ask: Asked[SetPassword]) -> Done:
    # First the hash and the tokens, then the sessions: a login that is just under way either sees the change or is seen here.
    if not await store.set_password(tx, ask.body.user_id, hashes[ask.id]):
        raise Refusal(Code.NOT_FOUND, NO_USER)
    await tokens.revoke_all_of(tx, ask.body.user_id)
    await sessions.revoke_all_of(tx, ask.body.user_id)
    return Done()


async def _hashes(tx: Tx, asked: Sequence[Asked[Any]]) -> Mapping[UUID, str]:
    hashed = await tx.app.passwords.hashed([one.body.password for one in asked])
    return {one.id: password_hash for one, password_hash in zip(asked, hashed, strict=True)}


async def set_permissions(tx: Tx, ask: Asked[SetPermissions]) -> Done:
    if not await store.set_permissions(tx, ask.body.user_id, sorted(set(ask.body.permissions))):
        raise Refusal(Code.NOT_FOUND, NO_USER)
    await sessions.revoke_all_of(tx, ask.body.user_id)
    await keys.tell_again(tx, ask.body.user_id)
    return Done()


async def set_active(tx: Tx, ask: Asked[SetUserActive]) -> Done:
    if not await store.set_active(tx, ask.body.user_id, ask.body.active):
        raise Refusal(Code.NOT_FOUND, NO_USER)
    if not ask.body.active:
        await tokens.revoke_all_of(tx, ask.body.user_id)
    await sessions.revoke_all_of(tx, ask.body.user_id)
    await keys.tell_again(tx, ask.body.user_id)
    return Done()


async def current_users(tx: Tx, asked: Sequence[Asked[CurrentUser]]) -> list[User | Refusal]:
    users = await store.users_by_id(tx, list({one.caller.user_id for one in asked}))
    return [
        User(**users[one.caller.user_id]) if one.caller.user_id in users else Refusal(Code.NOT_FOUND, NO_USER)
        for one in asked
    ]
