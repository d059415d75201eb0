"""API keys: who gets one, what it may do, and how soon it is over."""

from __future__ import annotations

import asyncio
import hashlib
import time

import pytest
from structlog.testing import capture_logs

from libs.common.contracts.auth import (
    ADMINISTER,
    KEYS_MAX,
    SEND,
    ApiKey,
    CreateApiKey,
    CurrentUser,
    ListApiKeys,
    ListReusableTokens,
    LogInWithToken,
    LogOut,
    RequestReusableToken,
    ResolveSession,
    RevokeApiKey,
    SessionsRevoked,
    SetPassword,
    SetPermissions,
    SetUserActive,
)
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.companies import CreateCompany
from libs.common.grants import GRANT_S, Verifier
from libs.common.ids import uuid7
from libs.common.service import Process
from services.auth.keys import store
from services.auth.sessions.loop import prune
from services.auth.sessions.rules import token_sha256
from tests.harness import PUBLIC_KEY, Client, client, eventually
from tests.infra import Infra
from tests.integration.auth.conftest import (
    broadcasts_heard,
    count,
    everything_kept,
    is_waited_for,
    logged_in,
    nothing_goes_into,
    session_of,
    token_of,
)


async def a_key(gateway: Client, grant: str, name: str = "Program", *permissions: str, test: bool = False) -> ApiKey:
    wanted = CreateApiKey.model_validate({"name": name, "permissions": permissions, "test": test})
    return await gateway.ask(wanted, grant)


async def test_a_key_is_used_as_a_sessions_token_is_and_its_grant_says_what_it_is(
    auth: Process, gateway: Client, console: Client
) -> None:
    username, user_id, mine = await logged_in(gateway, console, SEND, ADMINISTER)
    live, test = await a_key(gateway, mine, "Live", SEND), await a_key(gateway, mine, "Test", SEND, test=True)
    assert (live.key[:8], test.key[:8], len(live.key), len(test.key)) == ("hg_live_", "hg_test_", 51, 51)

    for made, is_test in ((live, False), (test, True)):
        session = await session_of(gateway, made.key)
        caller = Verifier(PUBLIC_KEY).verify(session.grant)
        assert (session.user_id, session.permissions, session.test) == (user_id, [SEND], is_test)
        assert (caller.user_id, caller.company_id) == (user_id, session.company_id)
        assert (caller.permissions, caller.test, caller.key) == (frozenset({SEND}), is_test, True)
        assert 0 < session.grant_until.timestamp() - time.time() <= GRANT_S
        assert username == (await gateway.ask(CurrentUser(), session.grant)).username

    session = await session_of(gateway, await token_of(gateway, username))
    caller = Verifier(PUBLIC_KEY).verify(session.grant)
    assert (session.test, caller.test, caller.key) == (False, False, False)


async def test_a_fold_of_sessions_and_keys_is_resolved_each_for_its_own(
    auth: Process, gateway: Client, console: Client
) -> None:
    tokens: list[tuple[str, int]] = []
    for _ in range(4):
        username, user_id, mine = await logged_in(gateway, console)
        tokens += [((await a_key(gateway, mine)).key, user_id), (await token_of(gateway, username), user_id)]
    nobodys = "hg_live_" + "A" * 43

    async def whose(token: str) -> int | Code:
        try:
            return (await session_of(gateway, token)).user_id
        except Refusal as refusal:
            return refusal.code

    answers = await asyncio.gather(*(whose(token) for token, _ in tokens * 3), whose(nobodys), whose("A" * 43))

    assert answers == [user_id for _, user_id in tokens * 3] + [Code.SESSION_EXPIRED] * 2


@pytest.mark.parametrize("token", ["hg_live_", "hg_live_" + "A" * 43, "hg_test_" + "é" * 43, "hg_prod_" + "A" * 43])
async def test_what_is_no_key_opens_nothing(auth: Process, gateway: Client, token: str) -> None:
    assert await gateway.refused(ResolveSession(token=token)) == Code.SESSION_EXPIRED


async def test_a_key_may_never_do_more_than_was_asked_for_it_and_than_its_user_may_now(
    auth: Process, gateway: Client, console: Client
) -> None:
    _, user_id, mine = await logged_in(gateway, console, SEND)
    wide, narrow = await a_key(gateway, mine, "Wide", SEND), await a_key(gateway, mine, "Narrow")
    wanted = CreateApiKey(name="Too wide", permissions=[SEND, ADMINISTER])
    assert await gateway.refused(wanted, mine) == Code.PERMISSION_DENIED

    async def permissions() -> list[list[str]]:
        return [(await session_of(gateway, made.key)).permissions for made in (wide, narrow)]

    assert await permissions() == [[SEND], []]
    await console.ask(SetPermissions(user_id=user_id, permissions=[]))
    assert await permissions() == [[], []]
    await console.ask(SetPermissions(user_id=user_id, permissions=[SEND, ADMINISTER]))
    assert await permissions() == [[SEND], []]
    assert await gateway.refused(CreateCompany(name="x"), (await session_of(gateway, wide.key)).grant) == (
        Code.PERMISSION_DENIED
    )


async def test_one_who_came_with_a_key_makes_no_key_and_no_reusable_token_but_sees_and_revokes_them(
    auth: Process, gateway: Client, console: Client
) -> None:
    _, _, mine = await logged_in(gateway, console)
    made = await a_key(gateway, mine)
    by_key = (await session_of(gateway, made.key)).grant

    assert await gateway.refused(CreateApiKey(name="Another"), by_key) == Code.PERMISSION_DENIED
    assert await gateway.refused(RequestReusableToken(), by_key) == Code.PERMISSION_DENIED
    assert await gateway.refused(LogOut(token=made.key)) == Code.SESSION_EXPIRED
    assert await gateway.refused(LogInWithToken(token=made.key)) == Code.WRONG_CREDENTIALS
    await gateway.ask(ListReusableTokens(), by_key)
    assert [one.id for one in (await gateway.ask(ListApiKeys(), by_key)).items] == [made.id]
    await gateway.ask(RevokeApiKey(id=made.id), by_key)
    assert await gateway.refused(ResolveSession(token=made.key)) == Code.SESSION_EXPIRED


async def test_keys_are_made_listed_and_revoked_with_a_grant_only(
    auth: Process, gateway: Client, console: Client
) -> None:
    for ask in (CreateApiKey(name="x"), ListApiKeys(), RevokeApiKey(id=1)):
        assert await gateway.refused(ask) == Code.SESSION_EXPIRED
        assert await console.refused(ask) == Code.PERMISSION_DENIED


async def test_a_user_sees_and_revokes_no_others_keys(auth: Process, gateway: Client, console: Client) -> None:
    _, _, anns = await logged_in(gateway, console, SEND)
    _, _, bobs = await logged_in(gateway, console)
    first = await a_key(gateway, anns, "First", SEND)
    second = await a_key(gateway, anns, "Second", test=True)
    await session_of(gateway, second.key)

    listed = (await gateway.ask(ListApiKeys(), anns)).items

    assert [(one.id, one.name, one.hint, one.permissions, one.test, bool(one.last_used_at)) for one in listed] == [
        (first.id, "First", first.key[:12], [SEND], False, False),
        (second.id, "Second", second.key[:12], [], True, True),
    ]
    assert (await gateway.ask(ListApiKeys(), bobs)).items == []
    assert await gateway.refused(RevokeApiKey(id=first.id), bobs) == Code.NOT_FOUND
    await a_key(gateway, bobs, "First")
    await session_of(gateway, first.key)


async def test_a_name_is_one_live_keys_of_a_user_without_regard_to_case(
    auth: Process, gateway: Client, console: Client
) -> None:
    _, _, mine = await logged_in(gateway, console)
    made = await a_key(gateway, mine, "Straße")

    assert await gateway.refused(CreateApiKey(name="STRASSE"), mine) == Code.DUPLICATE
    assert await gateway.refused(CreateApiKey.model_construct(name="bell\x07"), mine) == Code.INVALID_REQUEST
    await gateway.ask(RevokeApiKey(id=made.id), mine)
    await a_key(gateway, mine, "STRASSE")


async def test_a_repeat_gets_the_same_key_and_nothing_secret_is_kept_or_logged(
    auth: Process, gateway: Client, console: Client
) -> None:
    _, _, mine = await logged_in(gateway, console)
    id_ = uuid7()
    with capture_logs() as said:
        made = [await gateway.ask(CreateApiKey(name="Twice"), mine, id_=id_) for _ in range(2)]
        await session_of(gateway, made[0].key)
        await gateway.refused(ResolveSession(token=made[0].key[:-1]))
        async with nothing_goes_into(auth, "api_keys"):  # a failure that is logged
            assert await gateway.refused(CreateApiKey(name="Thrice"), mine) == Code.UNAVAILABLE

    assert made[0] == made[1]
    kept = await everything_kept(auth)
    assert hashlib.sha256(made[0].key.encode()).hexdigest() in kept
    assert [one["event"] for one in said] == ["ask_failed"]
    for text in (kept, str(said)):
        assert made[0].key[13:] not in text
        assert made[0].key.encode().hex()[26:] not in text


async def test_a_late_repeat_does_not_make_a_revoked_key_good_again(
    auth: Process, gateway: Client, console: Client
) -> None:
    _, _, mine = await logged_in(gateway, console)
    id_ = uuid7()
    made = await gateway.ask(CreateApiKey(name="Late"), mine, id_=id_)
    await gateway.ask(RevokeApiKey(id=made.id), mine)

    assert made == await gateway.ask(CreateApiKey(name="Late"), mine, id_=id_)

    assert await gateway.refused(ResolveSession(token=made.key)) == Code.SESSION_EXPIRED
    assert (await gateway.ask(ListApiKeys(), mine)).items == []
    assert await gateway.refused(RevokeApiKey(id=made.id), mine) == Code.NOT_FOUND


async def test_a_user_has_so_many_keys_and_no_more_not_even_by_two_requests_at_once(
    auth: Process, gateway: Client, console: Client
) -> None:
    _, _, mine = await logged_in(gateway, console)
    async with client(gateway.infra, "gateway") as second:
        answers = await asyncio.gather(
            *(
                asks.ask(CreateApiKey(name=f"{place} {n}"), mine)
                for n in range(KEYS_MAX)
                for place, asks in enumerate((gateway, second))
            ),
            return_exceptions=True,
        )

    made = [answer for answer in answers if isinstance(answer, ApiKey)]
    assert len(made) == KEYS_MAX
    assert {answer.code for answer in answers if isinstance(answer, Refusal)} == {Code.LIMIT_REACHED}
    await gateway.ask(RevokeApiKey(id=made[0].id), mine)
    await a_key(gateway, mine, "Room again")


async def test_a_key_outlives_a_password_but_is_refused_while_its_user_is_not_active(
    auth: Process, gateway: Client, console: Client
) -> None:
    _, user_id, mine = await logged_in(gateway, console)
    made = await a_key(gateway, mine)

    await console.ask(SetPassword(user_id=user_id, password="another horse"))
    await session_of(gateway, made.key)
    await console.ask(SetUserActive(user_id=user_id, active=False))
    assert await gateway.refused(ResolveSession(token=made.key)) == Code.SESSION_EXPIRED
    await console.ask(SetUserActive(user_id=user_id, active=True))
    await session_of(gateway, made.key)


async def test_a_grant_of_before_a_changed_password_makes_no_key(
    auth: Process, gateway: Client, console: Client
) -> None:
    _, user_id, mine = await logged_in(gateway, console)

    await console.ask(SetPassword(user_id=user_id, password="another horse"))

    assert await gateway.refused(CreateApiKey(name="Mine now"), mine) == Code.SESSION_EXPIRED


async def test_every_gateway_is_told_of_a_revoked_key_and_of_one_that_may_do_other_things_now(
    auth: Process, gateway: Client, console: Client, infra: Infra
) -> None:
    _, user_id, mine = await logged_in(gateway, console, SEND)
    gone, stays = await a_key(gateway, mine, "Gone", SEND), await a_key(gateway, mine, "Stays", SEND)
    async with broadcasts_heard(infra) as heard:
        await gateway.ask(RevokeApiKey(id=gone.id), mine)
        changes = (
            SetPermissions(user_id=user_id, permissions=[]),
            SetUserActive(user_id=user_id, active=False),
            SetUserActive(user_id=user_id, active=True),
        )
        for times, change in enumerate(changes, 1):
            await console.ask(change)

            async def told(times: int = times) -> bool:
                all_ = [one for one in heard if isinstance(one, SessionsRevoked)]
                hashed = token_sha256(stays.key).hex()
                return sum(hashed in one.changed_hashes for one in all_) >= times and any(
                    token_sha256(gone.key).hex() in one.token_hashes for one in all_
                )

            await eventually(told, within_s=3)
    good_no_more = {hash_ for one in heard if isinstance(one, SessionsRevoked) for hash_ in one.token_hashes}
    assert token_sha256(stays.key).hex() not in good_no_more
    untold = "SELECT count(*) FROM api_keys WHERE user_id = $1 AND told_version < version"

    async def all_told() -> bool:
        return await count(auth, untold, user_id) == 0

    await eventually(all_told)


async def test_a_change_that_comes_while_another_is_told_stays_to_be_told(
    auth: Process, gateway: Client, console: Client
) -> None:
    _, user_id, mine = await logged_in(gateway, console)
    made = await a_key(gateway, mine)
    async with auth.kernel.db.transaction() as tx:  # not committed: the loop of this copy sees nothing of it
        await store.tell_again(tx, user_id)
        read = [row for row in await store.untold(tx, 500) if row["id"] == made.id]
        await store.tell_again(tx, user_id)
        await store.mark_told(tx, read)

        assert [(row["id"], row["version"], row["revoked"]) for row in await store.untold(tx, 500)] == [
            (made.id, 3, False)
        ]


async def test_that_a_key_is_used_is_written_down_now_and_then_and_waits_for_nobody(
    auth: Process, gateway: Client, console: Client
) -> None:
    _, _, mine = await logged_in(gateway, console)
    made = await a_key(gateway, mine)

    async def used_s_ago() -> float:
        async with auth.kernel.db.reading() as tx:
            ago: float = await tx.fetchval(
                "SELECT extract(epoch FROM now() - last_used_at) FROM api_keys WHERE id = $1", made.id
            )
            return ago

    await session_of(gateway, made.key)
    assert await used_s_ago() < 10
    async with auth.kernel.db.transaction() as tx:
        await tx.execute("UPDATE api_keys SET last_used_at = now() - interval '9 seconds' WHERE id = $1", made.id)
    await session_of(gateway, made.key)
    assert await used_s_ago() >= 9
    async with auth.kernel.db.transaction() as tx:
        await tx.execute("UPDATE api_keys SET last_used_at = now() - interval '1 hour' WHERE id = $1", made.id)
    async with auth.kernel.db.transaction() as tx:
        await tx.execute("SELECT FROM api_keys WHERE id = $1 FOR UPDATE", made.id)
        await session_of(gateway, made.key)  # not written, and not waited for
    await session_of(gateway, made.key)
    assert await used_s_ago() < 10


async def test_a_key_that_is_just_made_while_its_user_loses_activity_is_refused_too(
    auth: Process, gateway: Client, console: Client
) -> None:
    _, user_id, mine = await logged_in(gateway, console)
    async with auth.kernel.db.transaction() as tx:
        await tx.execute("UPDATE users SET active = false, access_version = access_version + 1 WHERE id = $1", user_id)
        making = asyncio.create_task(gateway.refused(CreateApiKey(name="Quick"), mine))
        await is_waited_for(auth)

    assert await making == Code.SESSION_EXPIRED
    assert await count(auth, "SELECT count(*) FROM api_keys WHERE user_id = $1", user_id) == 0


async def test_what_was_revoked_long_ago_is_forgotten(auth: Process, gateway: Client, console: Client) -> None:
    _, user_id, mine = await logged_in(gateway, console)
    old, late, unused = [await a_key(gateway, mine, name) for name in ("Old", "Late", "Unused")]
    for made, days in ((old, 181), (late, 179)):
        await gateway.ask(RevokeApiKey(id=made.id), mine)
        async with auth.kernel.db.transaction() as tx:
            await tx.execute(
                "UPDATE api_keys SET revoked_at = now() - make_interval(days => $2) WHERE id = $1", made.id, days
            )
    async with auth.kernel.db.transaction() as tx:
        await tx.execute("UPDATE api_keys SET created_at = now() - interval '5 years' WHERE id = $1", unused.id)

    await prune(auth.app)

    assert await count(auth, "SELECT count(*) FROM api_keys WHERE user_id = $1", user_id) == 2
    await session_of(gateway, unused.key)
