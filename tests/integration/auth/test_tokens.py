"""Reusable tokens: who gets one, what it opens, what ends it, and that nothing brings it back."""

from __future__ import annotations

import asyncio
import hashlib
import time

import pytest
from structlog.testing import capture_logs

from libs.common.contracts.auth import (
    SEND,
    TOKENS_MAX,
    CheckReusableToken,
    ListReusableTokens,
    LoggedIn,
    LogIn,
    LogInWithToken,
    LogOut,
    RequestReusableToken,
    ResolveSession,
    ReusableToken,
    RevokeReusableToken,
    SessionsRevoked,
    SetPassword,
    SetPermissions,
    SetUserActive,
)
from libs.common.contracts.base import Code, Refusal
from libs.common.ids import uuid7
from libs.common.service import Process
from services.auth.people import store as people
from services.auth.sessions import store as sessions
from services.auth.sessions.loop import prune
from services.auth.sessions.rules import token_sha256
from services.auth.tokens import store
from tests.harness import Client, client, eventually, grant
from tests.infra import Infra
from tests.integration.auth.conftest import (
    PASSWORD,
    a_company,
    broadcasts_heard,
    count,
    everything_kept,
    is_waited_for,
    logged_in,
    nothing_goes_into,
    session_of,
    token_of,
)

NEW = "another horse"


async def a_token(gateway: Client, grant_: str) -> ReusableToken:
    return await gateway.ask(RequestReusableToken(), grant_)


async def opened_by(gateway: Client, token: str) -> str:
    """The token of the session that a reusable token opens."""
    return (await gateway.ask(LogInWithToken(token=token))).token


async def age(auth: Process, id_: int, column: str, days: int) -> None:
    async with auth.kernel.db.transaction() as tx:
        await tx.execute(
            f"UPDATE reusable_tokens SET {column} = now() - make_interval(days => $2) WHERE id = $1", id_, days
        )


async def test_a_reusable_token_logs_its_user_in_again_and_again(
    auth: Process, gateway: Client, console: Client
) -> None:
    username, user_id, mine = await logged_in(gateway, console, SEND)
    reusable = await a_token(gateway, mine)

    opened = [await gateway.ask(LogInWithToken(token=reusable.token)) for _ in range(2)]

    by_password = await gateway.ask(LogIn(username=username, password=PASSWORD))
    assert len({reusable.token, *(one.token for one in opened)}) == 3
    for one in opened:
        assert 12 * 3600 - 60 < one.expires_at.timestamp() - time.time() <= 12 * 3600
        assert one.model_copy(update={"token": "", "expires_at": by_password.expires_at}) == by_password.model_copy(
            update={"token": ""}
        )
        session = await session_of(gateway, one.token)
        assert (session.user_id, session.permissions) == (user_id, [SEND])


async def test_a_reusable_token_is_no_session_and_a_session_no_reusable_token(
    auth: Process, gateway: Client, console: Client
) -> None:
    username, _, mine = await logged_in(gateway, console)
    reusable, session = (await a_token(gateway, mine)).token, await token_of(gateway, username)

    assert await gateway.refused(ResolveSession(token=reusable)) == Code.SESSION_EXPIRED
    assert await gateway.refused(LogOut(token=reusable)) == Code.SESSION_EXPIRED
    assert await gateway.refused(LogInWithToken(token=session)) == Code.WRONG_CREDENTIALS
    assert await gateway.refused(CheckReusableToken(token=session)) == Code.WRONG_CREDENTIALS


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "\x00", "é" * 10_000, "' OR 1=1 --"])
async def test_what_is_no_token_opens_nothing(auth: Process, gateway: Client, token: str) -> None:
    assert await gateway.refused(LogInWithToken(token=token)) == Code.WRONG_CREDENTIALS
    assert await gateway.refused(CheckReusableToken(token=token)) == Code.WRONG_CREDENTIALS


async def test_tokens_are_asked_for_listed_and_revoked_with_a_grant_only(
    auth: Process, gateway: Client, console: Client
) -> None:
    for ask in (RequestReusableToken(), ListReusableTokens(), RevokeReusableToken(id=1)):
        assert await gateway.refused(ask) == Code.SESSION_EXPIRED
        assert await console.refused(ask) == Code.PERMISSION_DENIED
    company_id = await a_company(console)
    assert await gateway.refused(RequestReusableToken(), grant(company_id, user_id=2**62)) == Code.SESSION_EXPIRED


async def test_a_check_says_whom_a_token_would_log_in_and_opens_and_writes_nothing(
    auth: Process, gateway: Client, console: Client
) -> None:
    username, user_id, mine = await logged_in(gateway, console, SEND)
    reusable = await a_token(gateway, mine)
    before = await count(auth, "SELECT count(*) FROM sessions")

    user = await gateway.ask(CheckReusableToken(token=reusable.token))

    assert (user.id, user.username, user.permissions, user.active) == (user_id, username, [SEND], True)
    assert before == await count(auth, "SELECT count(*) FROM sessions")
    assert (await gateway.ask(ListReusableTokens(), mine)).items[0].last_used_at is None


async def test_a_repeat_of_a_request_gets_the_same_token_and_nothing_secret_is_kept_or_logged(
    auth: Process, gateway: Client, console: Client
) -> None:
    username, _, mine = await logged_in(gateway, console)
    id_, login_id = uuid7(), uuid7()
    with capture_logs() as said:
        made = [await gateway.ask(RequestReusableToken(), mine, id_=id_) for _ in range(2)]
        opened = [await gateway.ask(LogInWithToken(token=made[0].token), id_=login_id) for _ in range(2)]
        await gateway.ask(CheckReusableToken(token=made[0].token))
        await gateway.refused(LogInWithToken(token=made[0].token + "x"))
        async with nothing_goes_into(auth, "sessions"):  # a failure that is logged
            assert await gateway.refused(LogInWithToken(token=made[0].token)) == Code.UNAVAILABLE

    assert made[0] == made[1]
    assert opened[0] == opened[1]
    assert (await gateway.ask(LogIn(username=username, password=PASSWORD), id_=id_)).token != made[0].token
    assert (await gateway.ask(LogIn(username=username, password=PASSWORD), id_=login_id)).token != opened[0].token
    kept = await everything_kept(auth)
    assert [one["event"] for one in said] == ["ask_failed"]
    for secret in (made[0].token, opened[0].token):
        assert hashlib.sha256(secret.encode()).hexdigest() in kept
        for text in (kept, str(said)):
            assert secret not in text
            assert secret.encode().hex() not in text


async def test_a_user_lists_and_revokes_no_others_tokens(auth: Process, gateway: Client, console: Client) -> None:
    _, _, anns = await logged_in(gateway, console)
    _, _, bobs = await logged_in(gateway, console)
    first, second = await a_token(gateway, anns), await a_token(gateway, anns)
    await gateway.ask(LogInWithToken(token=second.token))

    listed = (await gateway.ask(ListReusableTokens(), anns)).items

    assert [(one.id, one.last_used_at is not None) for one in listed] == [(first.id, False), (second.id, True)]
    assert (await gateway.ask(ListReusableTokens(), bobs)).items == []
    assert await gateway.refused(RevokeReusableToken(id=first.id), bobs) == Code.NOT_FOUND
    assert await gateway.refused(RevokeReusableToken(id=2**62), anns) == Code.NOT_FOUND
    await gateway.ask(CheckReusableToken(token=first.token))


async def test_a_revoked_token_takes_the_sessions_it_opened_along_and_no_other(
    auth: Process, gateway: Client, console: Client, infra: Infra
) -> None:
    username, _, mine = await logged_in(gateway, console)
    stolen, kept = await a_token(gateway, mine), await a_token(gateway, mine)
    ended = [await opened_by(gateway, stolen.token) for _ in range(2)]
    others = [await opened_by(gateway, kept.token), await token_of(gateway, username)]
    async with broadcasts_heard(infra) as heard:
        id_ = uuid7()
        await gateway.ask(RevokeReusableToken(id=stolen.id), mine, id_=id_)
        await gateway.ask(RevokeReusableToken(id=stolen.id), mine, id_=id_)  # a repeat is answered as the first

        for token in ended:
            assert await gateway.refused(ResolveSession(token=token)) == Code.SESSION_EXPIRED
        for token in others:
            await session_of(gateway, token)
        assert await gateway.refused(LogInWithToken(token=stolen.token)) == Code.WRONG_CREDENTIALS
        assert await gateway.refused(CheckReusableToken(token=stolen.token)) == Code.WRONG_CREDENTIALS
        assert await gateway.refused(RevokeReusableToken(id=stolen.id), mine) == Code.NOT_FOUND
        hashes = {token_sha256(token).hex() for token in ended}

        async def told() -> bool:
            return hashes <= {hash_ for one in heard if isinstance(one, SessionsRevoked) for hash_ in one.token_hashes}

        await eventually(told, within_s=3)
    assert [one.id for one in (await gateway.ask(ListReusableTokens(), mine)).items] == [kept.id]


async def test_a_late_repeat_of_a_request_or_a_login_brings_nothing_back(
    auth: Process, gateway: Client, console: Client
) -> None:
    _, _, mine = await logged_in(gateway, console)
    id_, login_id = uuid7(), uuid7()
    reusable = await gateway.ask(RequestReusableToken(), mine, id_=id_)
    session = (await gateway.ask(LogInWithToken(token=reusable.token), id_=login_id)).token
    await gateway.ask(LogOut(token=session))
    assert session == (await gateway.ask(LogInWithToken(token=reusable.token), id_=login_id)).token
    await gateway.ask(RevokeReusableToken(id=reusable.id), mine)

    assert reusable == await gateway.ask(RequestReusableToken(), mine, id_=id_)

    assert await gateway.refused(ResolveSession(token=session)) == Code.SESSION_EXPIRED
    assert await gateway.refused(LogInWithToken(token=reusable.token)) == Code.WRONG_CREDENTIALS


async def test_a_user_has_so_many_tokens_and_no_more_not_even_by_two_requests_at_once(
    auth: Process, gateway: Client, console: Client
) -> None:
    _, _, mine = await logged_in(gateway, console)
    first_id = uuid7()
    first = await gateway.ask(RequestReusableToken(), mine, id_=first_id)
    async with client(gateway.infra, "gateway") as second:
        answers = await asyncio.gather(
            *(asks.ask(RequestReusableToken(), mine) for _ in range(TOKENS_MAX) for asks in (gateway, second)),
            return_exceptions=True,
        )

    made = [answer for answer in answers if isinstance(answer, ReusableToken)]
    assert len(made) == TOKENS_MAX - 1
    assert {a.code for a in answers if isinstance(a, Refusal)} == {Code.LIMIT_REACHED}
    assert first == await gateway.ask(RequestReusableToken(), mine, id_=first_id)
    await gateway.ask(RevokeReusableToken(id=first.id), mine)
    await a_token(gateway, mine)
    assert await gateway.refused(RequestReusableToken(), mine) == Code.LIMIT_REACHED


async def test_where_room_is_made_the_one_that_was_not_used_for_longest_goes_with_its_sessions(
    auth: Process, gateway: Client, console: Client
) -> None:
    _, _, mine = await logged_in(gateway, console)
    made = [await a_token(gateway, mine) for _ in range(TOKENS_MAX)]
    await opened_by(gateway, made[0].token)
    session = await opened_by(gateway, made[1].token)
    await age(auth, made[1].id, "created_at", 9)
    await age(auth, made[1].id, "last_used_at", 8)

    last = await gateway.ask(RequestReusableToken(make_room=True), mine)

    kept = [made[0].id, *(one.id for one in made[2:]), last.id]
    assert [one.id for one in (await gateway.ask(ListReusableTokens(), mine)).items] == kept
    assert await gateway.refused(ResolveSession(token=session)) == Code.SESSION_EXPIRED
    assert await gateway.refused(LogInWithToken(token=made[1].token)) == Code.WRONG_CREDENTIALS
    again = await gateway.ask(RequestReusableToken(make_room=True), mine)
    assert await gateway.refused(CheckReusableToken(token=made[2].token)) == Code.WRONG_CREDENTIALS
    for token in (made[0], last, again):
        await gateway.ask(CheckReusableToken(token=token.token))


@pytest.mark.parametrize("change", ["password", "activity"])
async def test_a_changed_password_and_lost_activity_end_every_reusable_token_for_good(
    auth: Process, gateway: Client, console: Client, change: str
) -> None:
    username, user_id, mine = await logged_in(gateway, console)
    id_ = uuid7()
    reusable = await gateway.ask(RequestReusableToken(), mine, id_=id_)
    session = await opened_by(gateway, reusable.token)

    if change == "password":
        await console.ask(SetPassword(user_id=user_id, password=NEW))
    else:
        await console.ask(SetUserActive(user_id=user_id, active=False))
        assert await gateway.refused(CheckReusableToken(token=reusable.token)) == Code.WRONG_CREDENTIALS
        await console.ask(SetUserActive(user_id=user_id, active=True))

    assert await gateway.refused(LogInWithToken(token=reusable.token)) == Code.WRONG_CREDENTIALS
    assert await gateway.refused(ResolveSession(token=session)) == Code.SESSION_EXPIRED
    password = NEW if change == "password" else PASSWORD
    anew = (await session_of(gateway, await token_of(gateway, username, password))).grant
    assert (await gateway.ask(ListReusableTokens(), anew)).items == []
    assert reusable == await gateway.ask(RequestReusableToken(), anew, id_=id_)  # a late repeat: the same, dead
    assert await gateway.refused(LogInWithToken(token=reusable.token)) == Code.WRONG_CREDENTIALS


async def test_changed_permissions_end_the_sessions_of_a_token_but_not_the_token(
    auth: Process, gateway: Client, console: Client
) -> None:
    _, user_id, mine = await logged_in(gateway, console, SEND)
    reusable = await a_token(gateway, mine)
    session = await opened_by(gateway, reusable.token)

    await console.ask(SetPermissions(user_id=user_id, permissions=[]))

    assert await gateway.refused(ResolveSession(token=session)) == Code.SESSION_EXPIRED
    assert (await session_of(gateway, await opened_by(gateway, reusable.token))).permissions == []


@pytest.mark.parametrize(
    "change",
    [
        SetPassword(user_id=0, password=NEW),
        SetPermissions(user_id=0, permissions=[]),
        SetUserActive(user_id=0, active=False),
    ],
    ids=lambda change: type(change).__name__,
)
async def test_a_grant_of_before_a_change_of_the_user_makes_no_token(
    auth: Process, gateway: Client, console: Client, change: SetPassword | SetPermissions | SetUserActive
) -> None:
    """A gateway may hold the grant of a stolen session for a moment longer: it must not become a token that outlives the change."""
    _, user_id, mine = await logged_in(gateway, console, SEND)
    await console.ask(change.model_copy(update={"user_id": user_id}))

    assert await gateway.refused(RequestReusableToken(), mine) == Code.SESSION_EXPIRED
    assert await count(auth, "SELECT count(*) FROM reusable_tokens WHERE user_id = $1", user_id) == 0


async def test_a_login_by_token_that_is_under_way_while_the_password_changes_is_ended_by_the_change(
    auth: Process, gateway: Client, console: Client
) -> None:
    _, user_id, mine = await logged_in(gateway, console)
    reusable = await a_token(gateway, mine)
    hashed, session = token_sha256(reusable.token), b"s" * 32
    async with auth.kernel.db.transaction() as tx:
        assert hashed in await store.use_live_tokens(tx, [hashed])
        changing = asyncio.create_task(console.ask(SetPassword(user_id=user_id, password=NEW)))
        await is_waited_for(auth)
        await sessions.open_sessions(tx, {session: (user_id, reusable.id)}, 3600)
    await changing

    live = "SELECT count(*) FROM sessions WHERE user_id = $1 AND revoked_at IS NULL"
    assert await count(auth, live, user_id) == 0
    assert await count(auth, "SELECT count(*) FROM sessions WHERE token_sha256 = $1", session) == 1


async def test_a_login_by_token_that_comes_while_the_password_changes_waits_and_is_refused(
    auth: Process, gateway: Client, console: Client
) -> None:
    _, user_id, mine = await logged_in(gateway, console)
    reusable = await a_token(gateway, mine)
    async with auth.kernel.db.transaction() as tx:
        await people.set_password(tx, user_id, "$argon2id$changed")
        await store.revoke_all_of(tx, user_id)
        logging_in = asyncio.create_task(gateway.refused(LogInWithToken(token=reusable.token)))
        await is_waited_for(auth)
        await sessions.revoke_all_of(tx, user_id)

    assert await logging_in == Code.WRONG_CREDENTIALS
    assert await count(auth, "SELECT count(*) FROM sessions WHERE user_id = $1 AND revoked_at IS NULL", user_id) == 0


@pytest.mark.parametrize("way", ["password", "activity", "revoked"])
async def test_however_logins_by_token_meet_its_end_no_session_outlives_it(
    auth: Process, gateway: Client, console: Client, way: str
) -> None:
    for _ in range(8):
        _, user_id, mine = await logged_in(gateway, console)
        reusable = await a_token(gateway, mine)
        logins = [asyncio.create_task(gateway.ask(LogInWithToken(token=reusable.token))) for _ in range(5)]
        async with client(gateway.infra, "gateway") as second:
            logins += [asyncio.create_task(second.ask(LogInWithToken(token=reusable.token))) for _ in range(5)]
            if way == "password":
                await console.ask(SetPassword(user_id=user_id, password=NEW))
            elif way == "activity":
                await console.ask(SetUserActive(user_id=user_id, active=False))
            else:
                await gateway.ask(RevokeReusableToken(id=reusable.id), mine)
            answers = await asyncio.gather(*logins, return_exceptions=True)

        for answer in answers:
            if isinstance(answer, LoggedIn):
                assert await gateway.refused(ResolveSession(token=answer.token)) == Code.SESSION_EXPIRED
            else:
                assert isinstance(answer, Refusal)
                assert answer.code == Code.WRONG_CREDENTIALS


async def test_a_token_that_nobody_uses_for_half_a_year_is_gone_and_forgotten_with_what_was_revoked(
    auth: Process, gateway: Client, console: Client
) -> None:
    _, user_id, mine = await logged_in(gateway, console)
    unused, used, revoked, late = [await a_token(gateway, mine) for _ in range(4)]
    await age(auth, unused.id, "created_at", 181)
    await age(auth, late.id, "created_at", 179)
    await age(auth, used.id, "created_at", 400)
    await age(auth, used.id, "last_used_at", 179)
    await gateway.ask(RevokeReusableToken(id=revoked.id), mine)
    await age(auth, revoked.id, "created_at", 181)

    assert await gateway.refused(LogInWithToken(token=unused.token)) == Code.WRONG_CREDENTIALS
    assert await gateway.refused(CheckReusableToken(token=unused.token)) == Code.WRONG_CREDENTIALS
    assert [one.id for one in (await gateway.ask(ListReusableTokens(), mine)).items] == [used.id, late.id]
    session = await opened_by(gateway, used.token)
    assert await prune(auth.app) >= 2

    assert await count(auth, "SELECT count(*) FROM reusable_tokens WHERE user_id = $1", user_id) == 2
    await session_of(gateway, session)
    await opened_by(gateway, late.token)
