"""Migrating: each database once, however many do it at once; and what is said when it cannot be done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from libs.common.db.migrator import files_of
from tests.infra import Infra
from tests.integration.console.conftest import Heliograph

WITH_DATABASE = ("auth", "messaging", "inbound", "phonelist", "campaign")


@pytest.fixture
async def auths(infra: Infra) -> AsyncIterator[dict[str, str]]:
    """An empty one, as a variable."""
    dsn = infra.create_database("auth")
    yield {"DATABASE_URL_AUTH": dsn}
    infra.drop_database(dsn)


@pytest.fixture
async def databases(infra: Infra) -> AsyncIterator[dict[str, str]]:
    """An empty one for each, as variables."""
    made = {f"DATABASE_URL_{service.upper()}": infra.create_database(service) for service in WITH_DATABASE}
    yield made
    for dsn in made.values():
        infra.drop_database(dsn)


async def test_all_databases_are_migrated_and_the_second_time_there_is_nothing_to_do(
    heliograph: Heliograph, databases: dict[str, str]
) -> None:
    first = await heliograph.done("migrate", BROKER_URL="", **databases)
    again = await heliograph.done("migrate", BROKER_URL="", **databases)

    applied = {service: ", ".join(file.name for file in files_of(service)) for service in WITH_DATABASE}
    assert first.splitlines() == [f"{service}: {applied[service]}" for service in WITH_DATABASE]
    assert again.splitlines() == [f"{service}: up to date" for service in WITH_DATABASE]


async def test_three_operators_at_once_apply_each_migration_once(heliograph: Heliograph, auths: dict[str, str]) -> None:
    told = await asyncio.gather(*(heliograph.done("migrate", "auth", **auths) for _ in range(3)))

    applied = ", ".join(file.name for file in files_of("auth"))
    assert sorted(told) == sorted([f"auth: {applied}\n", "auth: up to date\n", "auth: up to date\n"])


async def test_a_migration_that_was_changed_after_it_was_applied_is_an_error(
    heliograph: Heliograph, auths: dict[str, str]
) -> None:
    await heliograph.done("migrate", "auth", **auths)
    connection = await asyncpg.connect(auths["DATABASE_URL_AUTH"])
    await connection.execute("UPDATE migrations SET sha256 = 'another'")
    await connection.close()

    said = await heliograph("migrate", "auth", **auths)

    assert said.code == 1
    assert "was changed after it had been applied" in said.err


async def test_what_is_missing_or_away_is_named(heliograph: Heliograph, auths: dict[str, str]) -> None:
    dsn = auths["DATABASE_URL_AUTH"]
    away, wrong, unset, unknown = await asyncio.gather(
        heliograph("migrate", "auth", DATABASE_URL_AUTH="postgresql://auth:x@127.0.0.1:1/auth"),
        heliograph("migrate", "auth", DATABASE_URL_AUTH=dsn.replace("not-a-secret", "wrong")),
        heliograph("migrate", "auth"),
        heliograph("migrate", "gateway", **auths),
    )

    assert [said.code for said in (away, wrong, unset, unknown)] == [2, 2, 2, 1]
    assert away.err.startswith("auth: its database does not let us in")
    assert wrong.err.startswith("auth: its database does not let us in")
    assert unset.err == "HELIOGRAPH_DATABASE_URL_AUTH is not set\n"
    assert unknown.err.startswith("gateway has no database")
