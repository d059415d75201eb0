"""Sessions: who gets one, how long it lives, how it ends, and what is kept of its token."""

from __future__ import annotations

import asyncio
import hashlib
import time

import pytest

from libs.common.contracts.auth import (
    SEND,
    CurrentUser,
    LogIn,
    LogOut,
    ResolveSession,
    SessionsRevoked,
    SetPassword,
    SetPermissions,
    SetUserActive,
    Tick,
)
from libs.common.contracts.base import Code, Refusal
from libs.common.grants import GRANT_S, Verifier
from libs.common.ids import uuid7
from libs.common.service import Process
from services.auth.sessions import store
from services.auth.sessions.loop import prune
from services.auth.sessions.rules import FAILURES_MAX
from tests.harness import PUBLIC_KEY, Client, eventually
from tests.infra import Infra
from tests.integration.auth.conftest import PASSWORD, a_company, a_user, broadcasts_heard, count, session_of, token_of


async def age(auth: Process, column: str, token: str, by_s: float) -> None:
    """Moves a time of the session into the past, as if the clock had gone on."""
    async with auth.kernel.db.transaction() as tx:
        await tx.execute(
            f"""
            UPDATE sessions SET created_at = created_at - make_interval(secs => $2), {column} = {column} - make_interval(secs => $2)
            WHERE token_sha256 = $1
            """,
            hashlib.sha256(token.encode()).digest(),
            by_s,
        )


async def test_a_login_opens_a_session_whose_grant_says_who_it_is(
    auth: Process, gateway: Client, console: Client
) -> None:
    company_id = await a_company(console)
    username, user_id = await a_user(console, company_id, SEND)

    session = await session_of(gateway, await token_of(gateway, username.upper()))

    caller = Verifier(PUBLIC_KEY).verify(session.grant)
    assert (company_id, user_id, frozenset({SEND})) == (caller.company_id, caller.user_id, caller.permissions)
    assert 0 < session.grant_until.timestamp() - time.time() <= GRANT_S
    assert username == (await gateway.ask(CurrentUser(), session.grant)).username


@pytest.mark.parametrize("password", ["", "correct hors", "CORRECT HORSE", "p" * 1000, "\x00"])
async def test_a_wrong_password_is_refused(auth: Process, gateway: Client, console: Client, password: str) -> None:
    username, _ = await a_user(console)

    assert await gateway.refused(LogIn(username=username, password=password)) == Code.WRONG_CREDENTIALS


@pytest.mark.parametrize("username", ["", "nobody", "n" * 1000, "no\x00body", "' OR 1=1 --"])
async def test_a_user_who_is_not_there_is_refused_in_the_same_words_as_a_wrong_password(
    auth: Process, gateway: Client, console: Client, username: str
) -> None:
    known, _ = await a_user(console)
    with pytest.raises(Refusal) as wrong:
        await gateway.ask(LogIn(username=known, password="wrong password"))

    with pytest.raises(Refusal) as unknown:
        await gateway.ask(LogIn(username=username, password=PASSWORD))

    assert (wrong.value.code, wrong.value.detail) == (unknown.value.code, unknown.value.detail)


async def test_a_user_who_is_not_there_takes_as_long_as_a_wrong_password(
    auth: Process, gateway: Client, console: Client
) -> None:
    async def fastest_s(names: list[str]) -> float:
        took = []
        for name in names:
            began = time.perf_counter()
            await gateway.refused(LogIn(username=name, password="wrong password"))
            took.append(time.perf_counter() - began)
        return min(took)

    known = [(await a_user(console))[0] for _ in range(4)]

    known_s, unknown_s = await fastest_s(known), await fastest_s([f"nobody-{n}" for n in range(4)])

    assert 0.5 < known_s / unknown_s < 2


async def test_after_too_many_wrong_passwords_not_even_the_right_one_is_let_in_until_the_window_is_over(
    auth: Process, gateway: Client, console: Client
) -> None:
    username, _ = await a_user(console)
    for n in range(FAILURES_MAX):
        assert await gateway.refused(LogIn(username=username, password=f"guess {n}")) == Code.WRONG_CREDENTIALS

    assert await gateway.refused(LogIn(username=username.upper(), password=PASSWORD)) == Code.LIMIT_REACHED

    async with auth.kernel.db.transaction() as tx:
        await tx.execute(
            "UPDATE login_failures SET since = since - interval '16 minutes' WHERE username_key = $1", username
        )
    await token_of(gateway, username)


async def test_guesses_that_arrive_together_are_limited_all_the_same(
    auth: Process, gateway: Client, console: Client
) -> None:
    username, _ = await a_user(console)

    codes = await asyncio.gather(
        *(gateway.refused(LogIn(username=username, password=f"guess {n}")) for n in range(100))
    )

    # The gateway has two folds in flight, so twice what one window allows is the most that can be tried.
    assert FAILURES_MAX <= codes.count(Code.WRONG_CREDENTIALS) <= 2 * FAILURES_MAX
    assert codes.count(Code.WRONG_CREDENTIALS) + codes.count(Code.LIMIT_REACHED) == 100


async def test_sixty_four_clients_log_in_at_once_and_each_gets_its_own_session(
    auth: Process, gateway: Client, console: Client
) -> None:
    username, _ = await a_user(console)

    tokens = await asyncio.gather(*(token_of(gateway, username) for _ in range(64)))

    assert len(set(tokens)) == 64
    assert len({(await session_of(gateway, token)).user_id for token in tokens}) == 1


async def test_a_repeat_of_a_login_gets_the_same_token_and_no_copy_of_it_is_kept(
    auth: Process, gateway: Client, console: Client, infra: Infra
) -> None:
    username, _ = await a_user(console)
    id_ = uuid7()

    first = await gateway.ask(LogIn(username=username, password=PASSWORD), id_=id_)
    again = await gateway.ask(LogIn(username=username, password=PASSWORD), id_=id_)

    assert first == again
    assert 12 * 3600 - 60 < first.expires_at.timestamp() - time.time() <= 12 * 3600
    assert await count(auth, "SELECT count(*) FROM inbox WHERE id = $1", id_) == 0
    sessions = "SELECT count(*) FROM sessions WHERE token_sha256 = $1"
    assert await count(auth, sessions, hashlib.sha256(first.token.encode()).digest()) == 1
    for table in ("inbox", "sessions", "login_failures", "outbox"):
        rows = f"SELECT count(*) FROM {table} AS t WHERE t::text LIKE '%' || $1 || '%' OR t::text LIKE '%' || $2 || '%'"
        assert await count(auth, rows, first.token, first.token.encode().hex()) == 0


async def test_another_users_ask_id_gives_no_way_into_their_session(
    auth: Process, gateway: Client, console: Client
) -> None:
    (ann, _), (bob, bob_id) = await a_user(console), await a_user(console)
    id_ = uuid7()
    anns = await gateway.ask(LogIn(username=ann, password=PASSWORD), id_=id_)

    bobs = await gateway.ask(LogIn(username=bob, password=PASSWORD), id_=id_)

    assert anns.token != bobs.token
    assert bob_id == (await session_of(gateway, bobs.token)).user_id


async def test_a_late_repeat_of_a_login_does_not_open_a_session_again_that_was_logged_out(
    auth: Process, gateway: Client, console: Client
) -> None:
    username, _ = await a_user(console)
    id_ = uuid7()
    token = (await gateway.ask(LogIn(username=username, password=PASSWORD), id_=id_)).token
    await gateway.ask(LogOut(token=token))

    assert token == (await gateway.ask(LogIn(username=username, password=PASSWORD), id_=id_)).token

    assert await gateway.refused(ResolveSession(token=token)) == Code.SESSION_EXPIRED


async def test_a_session_that_is_logged_out_is_over_at_once_and_every_gateway_is_told(
    auth: Process, gateway: Client, console: Client, infra: Infra
) -> None:
    username, _ = await a_user(console)
    token, other = await token_of(gateway, username), await token_of(gateway, username)
    async with broadcasts_heard(infra) as heard:
        id_ = uuid7()
        await gateway.ask(LogOut(token=token), id_=id_)
        await gateway.ask(LogOut(token=token), id_=id_)  # a repeat is answered as the first

        assert await gateway.refused(ResolveSession(token=token)) == Code.SESSION_EXPIRED
        assert await gateway.refused(LogOut(token=token)) == Code.SESSION_EXPIRED
        await session_of(gateway, other)
        hashed = hashlib.sha256(token.encode()).hexdigest()

        async def told() -> bool:
            return any(isinstance(one, SessionsRevoked) and hashed in one.token_hashes for one in heard)

        await eventually(told, within_s=3)


async def test_the_tick_is_told_each_second_and_never_before_what_was_revoked(
    auth: Process, gateway: Client, console: Client, infra: Infra
) -> None:
    username, _ = await a_user(console)
    token = await token_of(gateway, username)
    async with broadcasts_heard(infra) as heard:
        # Revoked behind this copy's back, as by another copy that died before it could tell.
        async with auth.kernel.db.transaction() as tx:
            await store.revoke_if_live(tx, [hashlib.sha256(token.encode()).digest()], 60)

        async def ticked_twice() -> bool:
            return sum(isinstance(one, Tick) for one in heard) >= 2

        await eventually(ticked_twice, within_s=4)

    told = next(n for n, one in enumerate(heard) if isinstance(one, SessionsRevoked))
    assert sum(isinstance(one, Tick) for one in heard[:told]) <= 1


async def test_a_session_that_is_not_used_is_over_and_one_that_is_lives_until_its_last_day(
    auth: Process, gateway: Client, console: Client
) -> None:
    username, _ = await a_user(console)
    idle, used, old = [await token_of(gateway, username) for _ in range(3)]
    await age(auth, "last_used_at", idle, 1801)
    await age(auth, "last_used_at", used, 1700)
    await session_of(gateway, used)
    await age(auth, "last_used_at", used, 1700)
    await age(auth, "expires_at", old, 12 * 3600)

    assert await gateway.refused(ResolveSession(token=idle)) == Code.SESSION_EXPIRED
    assert await gateway.refused(LogOut(token=idle)) == Code.SESSION_EXPIRED
    assert await gateway.refused(ResolveSession(token=old)) == Code.SESSION_EXPIRED
    await session_of(gateway, used)


async def test_what_has_expired_is_forgotten(auth: Process, gateway: Client, console: Client) -> None:
    username, user_id = await a_user(console)
    live, idle, old = [await token_of(gateway, username) for _ in range(3)]
    await age(auth, "last_used_at", idle, 1801)
    await age(auth, "expires_at", old, 12 * 3600)
    await gateway.refused(LogIn(username="forgotten", password="wrong password"))
    async with auth.kernel.db.transaction() as tx:
        await tx.execute("UPDATE login_failures SET since = since - interval '1 hour' WHERE username_key = 'forgotten'")

    assert await prune(auth.app) >= 2

    assert await count(auth, "SELECT count(*) FROM sessions WHERE user_id = $1", user_id) == 1
    assert await count(auth, "SELECT count(*) FROM login_failures WHERE username_key = 'forgotten'") == 0
    await session_of(gateway, live)


async def test_a_changed_password_ends_every_session_and_is_the_only_one_from_then(
    auth: Process, gateway: Client, console: Client
) -> None:
    username, user_id = await a_user(console)
    tokens = [await token_of(gateway, username) for _ in range(2)]

    await console.ask(SetPassword(user_id=user_id, password="another horse"))

    for token in tokens:
        assert await gateway.refused(ResolveSession(token=token)) == Code.SESSION_EXPIRED
    assert await gateway.refused(LogIn(username=username, password=PASSWORD)) == Code.WRONG_CREDENTIALS
    await token_of(gateway, username, "another horse")


async def test_a_login_that_was_checked_before_the_password_changed_opens_nothing_after_it(
    auth: Process, gateway: Client, console: Client
) -> None:
    username, user_id = await a_user(console)
    async with auth.kernel.db.reading() as tx:
        before = (await store.users_called(tx, [username]))[username]

    await console.ask(SetPassword(user_id=user_id, password="another horse"))

    async with auth.kernel.db.transaction() as tx:
        assert set() == await store.lock_unchanged(tx, {user_id: before["password_hash"]})


async def test_changed_permissions_end_every_session_and_hold_from_the_next(
    auth: Process, gateway: Client, console: Client
) -> None:
    username, user_id = await a_user(console)
    token = await token_of(gateway, username)

    await console.ask(SetPermissions(user_id=user_id, permissions=[SEND]))

    assert await gateway.refused(ResolveSession(token=token)) == Code.SESSION_EXPIRED
    assert (await session_of(gateway, await token_of(gateway, username))).permissions == [SEND]


async def test_one_who_is_not_active_has_no_session_and_gets_none_until_made_active_again(
    auth: Process, gateway: Client, console: Client
) -> None:
    username, user_id = await a_user(console)
    token = await token_of(gateway, username)

    await console.ask(SetUserActive(user_id=user_id, active=False))

    assert await gateway.refused(ResolveSession(token=token)) == Code.SESSION_EXPIRED
    assert await gateway.refused(LogIn(username=username, password=PASSWORD)) == Code.WRONG_CREDENTIALS
    await console.ask(SetUserActive(user_id=user_id, active=True))
    await token_of(gateway, username)


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "\x00", "é" * 10_000])
async def test_what_is_no_token_opens_nothing(auth: Process, gateway: Client, token: str) -> None:
    assert await gateway.refused(ResolveSession(token=token)) == Code.SESSION_EXPIRED
    assert await gateway.refused(LogOut(token=token)) == Code.SESSION_EXPIRED
