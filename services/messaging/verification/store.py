"""SQL of verification. Owns the tables of 0005_verifications.sql. No code is in any of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from libs.common.contracts.verification import Scope, VerificationState
from libs.common.db import Tx
from libs.common.db.pool import Record
from services.messaging.verification import limits
from services.messaging.verification.limits import Key, Window
from services.messaging.verification.rules import Verification

THERE = """
SELECT id FROM open_texts WHERE id = ANY($1::uuid[]) UNION ALL SELECT id FROM texts WHERE id = ANY($1::uuid[])
"""


async def there_already(tx: Tx, ids: Sequence[UUID]) -> set[UUID]:
    return {row["id"] for row in await tx.fetch(THERE, ids)}


CLOCK = "SELECT clock_timestamp()"


async def clock(tx: Tx) -> datetime:
    at: datetime = await tx.fetchval(CLOCK)
    return at


LOCK = """
SELECT pg_advisory_xact_lock(hashtext('heliograph.verifications'), company_id), clock_timestamp() AS at
FROM unnest($1::int[]) AS c(company_id)
"""


async def lock_companies(tx: Tx, companies: Collection[int]) -> datetime:
    """Nobody else counts sends of these companies, or begins verifications, until this transaction ends. What time it is then."""
    rows = await tx.fetch(LOCK, sorted(companies))
    at: datetime = rows[-1]["at"]
    return at


@dataclass(frozen=True, slots=True)
class Settings:
    """Companies' own: where no window or country is said, the defaults hold. `refused`: prefixes of companies that want them refused."""

    countries: Mapping[int, Collection[str]]
    windows: Mapping[tuple[int, Scope], Window]
    refused: Collection[tuple[int, str]]


COUNTRIES = "SELECT company_id, verification_countries FROM company_policies WHERE company_id = ANY($1::int[])"
WINDOWS = "SELECT company_id, scope, sends, window_s FROM verification_limits WHERE company_id = ANY($1::int[])"
REFUSED = """
SELECT company_id, prefix FROM verification_alarms JOIN verification_refusers USING (company_id)
WHERE refused AND company_id = ANY($1::int[])
"""


async def settings_of(tx: Tx, companies: Collection[int]) -> Settings:
    return Settings(
        {row["company_id"]: row["verification_countries"] for row in await tx.fetch(COUNTRIES, companies)},
        {
            (row["company_id"], Scope(row["scope"])): Window(row["sends"], row["window_s"])
            for row in await tx.fetch(WINDOWS, companies)
        },
        {(row["company_id"], row["prefix"]) for row in await tx.fetch(REFUSED, companies)},
    )


FULL_AT = """
SELECT company_id, test, scope, key, full_at
FROM unnest($1::int[], $2::bool[], $3::text[], $4::text[]) AS asked(company_id, test, scope, key)
    JOIN verification_windows USING (company_id, test, scope, key)
"""
COUNT = """
INSERT INTO verification_windows (company_id, test, scope, key, full_at)
SELECT * FROM unnest($1::int[], $2::bool[], $3::text[], $4::text[], $5::timestamptz[])
ON CONFLICT (company_id, test, scope, key) DO UPDATE SET full_at = excluded.full_at
"""


async def full_at(tx: Tx, keys: Collection[Key]) -> dict[Key, datetime]:
    """Of windows that anything was counted in lately. The companies are locked."""
    rows = await tx.fetch(FULL_AT, *_columns(keys, 4))
    return {(row["company_id"], row["test"], Scope(row["scope"]), row["key"]): row["full_at"] for row in rows}


async def count(tx: Tx, windows: Mapping[Key, datetime]) -> None:
    if windows:
        await tx.execute(COUNT, *_columns(windows, 4), list(windows.values()))


def _columns(keys: Collection[tuple[object, ...]], width: int) -> list[list[object]]:
    return [[key[n] for key in keys] for n in range(width)]


COLUMNS = "v.id, v.company_id, v.test, v.number, v.purpose, v.rule, v.state, v.attempts_max, v.checks, v.texts, v.begun_at, v.expires_at, v.ended_at"

# What is being checked at this moment is waited for. By id, as CHECKED is: two that wait for each other there are none.
PENDING = f"""
SELECT {COLUMNS}
FROM unnest($1::int[], $2::text[], $3::text[], $4::bool[]) AS asked(company_id, number, purpose, test)
    JOIN verifications v USING (company_id, number, purpose, test)
WHERE v.state = 'pending' ORDER BY v.id FOR UPDATE OF v
"""  # noqa: S608

PendingKey = tuple[int, str, str, bool]  # company, number, purpose, test: one of these is pending at most


async def lock_pending(tx: Tx, keys: Collection[PendingKey]) -> dict[PendingKey, Verification]:
    """Those that are pending, though their life may be over. The companies are locked, so none is begun meanwhile."""
    found = [_verification(row) for row in await tx.fetch(PENDING, *_columns(keys, 4))]
    return {(v.company_id, v.number, v.purpose, v.test): v for v in found}


CHECKED = f"""
SELECT {COLUMNS} FROM verifications v WHERE v.id = ANY($1::uuid[]) AND v.company_id = ANY($2::int[]) ORDER BY v.id FOR UPDATE
"""  # noqa: S608


async def lock(tx: Tx, asked: Collection[tuple[int, UUID]]) -> dict[tuple[int, UUID], Verification]:
    """Of (company, verification): those that there are. Whoever else checks one of them waits, so each check is counted after the last."""
    companies, ids = zip(*asked, strict=True)
    return {(row["company_id"], row["id"]): _verification(row) for row in await tx.fetch(CHECKED, ids, companies)}


ONE = f"SELECT {COLUMNS} FROM verifications v WHERE v.id = $2 AND v.company_id = $1"  # noqa: S608


async def one(tx: Tx, company_id: int, id_: UUID) -> Verification | None:
    row = await tx.fetchrow(ONE, company_id, id_)
    return None if row is None else _verification(row)


def _verification(row: Record) -> Verification:
    values = dict(row)
    return Verification(**values | {"state": VerificationState(values["state"])})


BEGIN = """
INSERT INTO verifications (id, company_id, test, number, prefix, purpose, rule, attempts_max, texts, begun_at, expires_at)
SELECT id, company_id, test, number, prefix, purpose, rule, attempts_max, ARRAY[id], begun_at, expires_at
FROM unnest($1::uuid[], $2::int[], $3::bool[], $4::text[], $5::text[], $6::text[], $7::text[], $8::smallint[], $9::timestamptz[], $10::timestamptz[])
    AS t(id, company_id, test, number, prefix, purpose, rule, attempts_max, begun_at, expires_at)
"""


async def begin(tx: Tx, begun: Sequence[Verification]) -> None:
    """Each with its first text, which has its id."""
    if begun:
        await tx.execute(
            BEGIN,
            [v.id for v in begun],
            [v.company_id for v in begun],
            [v.test for v in begun],
            [v.number for v in begun],
            [limits.prefix(v.number) for v in begun],
            [v.purpose for v in begun],
            [v.rule for v in begun],
            [v.attempts_max for v in begun],
            [v.begun_at for v in begun],
            [v.expires_at for v in begun],
        )


AGAIN = """
UPDATE verifications v SET texts = v.texts || again.texts
FROM (SELECT id, array_agg(text_id ORDER BY n) AS texts FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS t(id, text_id, n) GROUP BY id) AS again
WHERE v.id = again.id
"""


async def send_again(tx: Tx, again: Sequence[tuple[UUID, UUID]]) -> None:
    """Of (verification, text): more texts that carry its code."""
    if again:
        await tx.execute(AGAIN, *_columns(again, 2))


KEEP = """
UPDATE verifications v SET state = a.state, checks = a.checks, ended_at = a.ended_at
FROM unnest($1::uuid[], $2::text[], $3::int[], $4::timestamptz[]) AS a(id, state, checks, ended_at)
WHERE v.id = a.id
"""


async def keep(tx: Tx, changed: Iterable[Verification]) -> None:
    """What checks and ends made of them. Each is locked."""
    if rows := [(v.id, v.state, v.checks, v.ended_at) for v in changed]:
        await tx.execute(KEEP, *_columns(rows, 4))


EXPIRE = """
WITH over AS (
    SELECT id FROM verifications WHERE state = 'pending' AND expires_at <= statement_timestamp() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED
)
UPDATE verifications v SET state = 'expired', ended_at = v.expires_at FROM over WHERE v.id = over.id
"""
PRUNE = """
DELETE FROM verifications WHERE id IN (
    SELECT id FROM verifications WHERE begun_at < statement_timestamp() - $1::interval ORDER BY begun_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""
PRUNE_WINDOWS = """
DELETE FROM verification_windows WHERE (company_id, test, scope, key) IN (
    SELECT company_id, test, scope, key FROM verification_windows WHERE full_at < statement_timestamp() ORDER BY full_at LIMIT $1 FOR UPDATE SKIP LOCKED
)
"""


async def expire_overdue(tx: Tx, limit: int) -> int:
    return int((await tx.execute(EXPIRE, limit)).split()[-1])


async def prune(tx: Tx, keep_for: timedelta, limit: int) -> int:
    """Old verifications, and windows that count nothing any more; how many."""
    rows = int((await tx.execute(PRUNE, keep_for, limit)).split()[-1])
    return rows + int((await tx.execute(PRUNE_WINDOWS, limit)).split()[-1])


TRAFFIC = """
SELECT t.*, a.since, coalesce(a.refused, false) AND EXISTS (SELECT FROM verification_refusers r WHERE r.company_id = t.company_id) AS refused
FROM (
    SELECT company_id, prefix, count(*)::int AS codes, (count(*) FILTER (WHERE state = 'approved'))::int AS used,
        sum(cardinality(texts))::int AS texts
    FROM verifications
    WHERE begun_at > statement_timestamp() - $1::interval AND NOT test
        AND (state <> 'pending' OR begun_at <= statement_timestamp() - $2::interval)
    GROUP BY company_id, prefix HAVING count(*) >= $3
) AS t LEFT JOIN verification_alarms a USING (company_id, prefix)
WHERE a.since IS NOT NULL OR NOT $4
ORDER BY t.used::float / t.codes, t.codes DESC, company_id, prefix LIMIT $5
"""


async def traffic(tx: Tx, codes_min: int = 1, alarmed: bool = False, limit: int | None = None) -> list[Record]:
    """Prefixes with at least so many codes that had time to be used, the least used first; of tests nothing."""
    return await tx.fetch(TRAFFIC, limits.WATCHED, limits.TIME_TO_USE, codes_min, alarmed, limit)


ONE_WATCHES = "SELECT pg_try_advisory_xact_lock(hashtext('heliograph.verification_alarms'))"
RAISE = """
INSERT INTO verification_alarms (company_id, prefix, refused) SELECT * FROM unnest($1::int[], $2::text[], $3::bool[])
ON CONFLICT (company_id, prefix) DO UPDATE SET refused = excluded.refused
RETURNING company_id, prefix, xmax = 0 AS new
"""
CLEAR = """
DELETE FROM verification_alarms a
WHERE NOT EXISTS (SELECT FROM unnest($1::int[], $2::text[]) AS still(company_id, prefix) WHERE still.company_id = a.company_id AND still.prefix = a.prefix)
RETURNING company_id, prefix
"""
ALARMS = "SELECT count(*)::int FROM verification_alarms"


async def one_watches(tx: Tx) -> bool:
    """Whether this copy is the one that looks, until the transaction ends."""
    alone: bool = await tx.fetchval(ONE_WATCHES)
    return alone


async def keep_alarms(tx: Tx, alarmed: Sequence[tuple[int, str, bool]]) -> tuple[set[tuple[int, str]], list[Record]]:
    """Of (company, prefix, whether it can be refused): all that are alarmed now. Which are new, and which are over."""
    raised = await tx.fetch(RAISE, *_columns(alarmed, 3))
    cleared = await tx.fetch(CLEAR, *_columns(alarmed, 2))
    return {(row["company_id"], row["prefix"]) for row in raised if row["new"]}, cleared


async def alarms(tx: Tx) -> int:
    number: int = await tx.fetchval(ALARMS)
    return number


SET_LIMIT = """
INSERT INTO verification_limits (company_id, scope, sends, window_s) VALUES ($1, $2, $3, $4)
ON CONFLICT (company_id, scope) DO UPDATE SET sends = excluded.sends, window_s = excluded.window_s
"""
REFUSE = "INSERT INTO verification_refusers (company_id) VALUES ($1) ON CONFLICT DO NOTHING"
ONLY_ALARM = "DELETE FROM verification_refusers WHERE company_id = $1"


async def set_limit(tx: Tx, company_id: int, scope: Scope, window: Window) -> None:
    await tx.execute(SET_LIMIT, company_id, scope, window.sends, window.window_s)


async def refuse_unused(tx: Tx, company_id: int, refuse: bool) -> None:
    await tx.execute(REFUSE if refuse else ONLY_ALARM, company_id)
