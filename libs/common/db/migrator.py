"""Migrations: files `services/<name>/migrations/NNNN_<slug>.sql`, forward only, each applied once, in order, under a lock.

The content's SHA-256 is kept: a file that was changed after it was applied is an error. Services wait for the version they need; they never migrate.
"""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import asyncpg

from libs.common.db.inbox import INBOX_TABLES
from libs.common.db.outbox import OUTBOX_TABLES

LOCK_WAIT_S = 60
LOCK = "SELECT pg_try_advisory_lock(hashtext('heliograph.migrate'))"

MIGRATIONS_TABLE = """
CREATE TABLE IF NOT EXISTS migrations (
    name text PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
)
"""

SERVICES = Path(__file__).resolve().parents[3] / "services"


class MigrationChanged(Exception):
    """A migration was edited after it had been applied."""


def files_of(service: str) -> list[Path]:
    return sorted((SERVICES / service / "migrations").glob("*.sql"))


async def migrate(dsn: str, service: str) -> list[str]:
    """Applies what is missing; the names it applied. Any number may run at once."""
    connection = await asyncpg.connect(dsn, timeout=5)
    try:
        async with asyncio.timeout(LOCK_WAIT_S):
            # Another process holds the lock: there is no event to wait for.
            while not await connection.fetchval(LOCK):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        await connection.execute(MIGRATIONS_TABLE + ";" + OUTBOX_TABLES + INBOX_TABLES)
        done = {row["name"]: row["sha256"] for row in await connection.fetch("SELECT name, sha256 FROM migrations")}
        applied = []
        for file in files_of(service):
            text = file.read_text()
            sha256 = hashlib.sha256(text.encode()).hexdigest()
            if file.name not in done:
                async with connection.transaction():
                    await connection.execute(text)
                    await connection.execute("INSERT INTO migrations (name, sha256) VALUES ($1, $2)", file.name, sha256)
                applied.append(file.name)
            elif done[file.name] != sha256:
                raise MigrationChanged(f"{service}: {file.name} was changed after it had been applied")
        return applied
    finally:
        await connection.close()


async def missing(connection: asyncpg.Connection, service: str) -> list[str]:
    """The migrations this code needs and this database lacks."""
    if not await connection.fetchval("SELECT to_regclass('migrations') IS NOT NULL"):
        return [file.name for file in files_of(service)]
    done = {row["name"] for row in await connection.fetch("SELECT name FROM migrations")}
    return [file.name for file in files_of(service) if file.name not in done]
