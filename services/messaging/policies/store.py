"""SQL of policies and of the guard against repetition. Owns `company_policies` and `repetitions`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from uuid import UUID

from libs.common.db import Tx
from services.messaging.policies.rules import Policy, repetition_key

SET_POLICY = """
INSERT INTO company_policies AS p (company_id, near_gsm, in_doubt, opt_out_check, quiet_from, quiet_until, time_zone, repetition_max, verification_countries)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (company_id) DO UPDATE SET near_gsm = excluded.near_gsm, in_doubt = excluded.in_doubt, opt_out_check = excluded.opt_out_check,
    quiet_from = excluded.quiet_from, quiet_until = excluded.quiet_until, time_zone = excluded.time_zone, repetition_max = excluded.repetition_max,
    verification_countries = excluded.verification_countries, revision = p.revision + 1
RETURNING revision
"""


async def set_policy(tx: Tx, company_id: int, policy: Policy) -> int:
    """How many times the company has set it now."""
    revision: int = await tx.fetchval(
        SET_POLICY,
        company_id,
        policy.near_gsm,
        policy.in_doubt,
        policy.opt_out_check,
        policy.quiet_from,
        policy.quiet_until,
        policy.time_zone,
        policy.repetition_max,
        list(policy.verification_countries),
    )
    return revision


COLUMNS = (
    "near_gsm, in_doubt, opt_out_check, quiet_from, quiet_until, time_zone, repetition_max, verification_countries"
)
READ_POLICY = f"SELECT {COLUMNS} FROM company_policies WHERE company_id = $1"  # noqa: S608


async def policy_of(tx: Tx, company_id: int) -> Policy:
    """The defaults where the company has none."""
    row = await tx.fetchrow(READ_POLICY, company_id)
    return Policy(**row) if row else Policy()


READ_ALL = f"SELECT company_id, {COLUMNS} FROM company_policies"  # noqa: S608


async def all(tx: Tx) -> dict[int, Policy]:
    """By company; of those that made choices."""
    rows = [dict(row) for row in await tx.fetch(READ_ALL)]
    return {row.pop("company_id"): Policy(**row) for row in rows}


COUNT_REPETITIONS = """
-- Adds this statement's moment as often as there is room for it among those of the last hour, under the row's lock and in one order for all copies.
INSERT INTO repetitions AS r (key, times, most, made_at)
SELECT key, array_fill(statement_timestamp(), ARRAY[least(wanted, most)]), most, statement_timestamp()
FROM unnest($1::uuid[], $2::int[], $3::smallint[]) AS w (key, wanted, most)
ORDER BY key
ON CONFLICT (key) DO UPDATE SET most = excluded.most, times = (
    ARRAY(SELECT t FROM unnest(r.times) AS t WHERE t > statement_timestamp() - interval '1 hour') || excluded.times
)[1:excluded.most]
RETURNING key, cardinality(array_positions(times, statement_timestamp())) AS room
"""


async def too_many(
    tx: Tx, texts: Sequence[tuple[int, str, str]], policies: Mapping[int, Policy] | None = None
) -> list[bool]:
    """Of each (company, number, words): whether it would be one too many of the same within an hour. Those that are not are counted, if this commits."""
    known = policies or {}
    keys = [repetition_key(*text) for text in texts]
    most = {key: known.get(text[0], Policy()).repetition_max for key, text in zip(keys, texts, strict=True)}
    wanted = Counter(keys)
    rows = await tx.fetch(COUNT_REPETITIONS, list(wanted), list(wanted.values()), [most[key] for key in wanted])
    room: dict[UUID, int] = {row["key"]: row["room"] for row in rows}
    refused = []
    for key in keys:
        refused.append(room[key] <= 0)
        room[key] -= 1
    return refused


PRUNE_REPETITIONS = """
DELETE FROM repetitions WHERE key IN (
    SELECT key FROM repetitions WHERE made_at < statement_timestamp() - interval '1 hour'
        AND times[cardinality(times)] < statement_timestamp() - interval '1 hour'
    ORDER BY made_at LIMIT $1
    FOR UPDATE SKIP LOCKED
)
"""


async def prune_repetitions(tx: Tx, limit: int) -> int:
    """How many went, of those that nothing of the last hour is known of."""
    return int((await tx.execute(PRUNE_REPETITIONS, limit)).removeprefix("DELETE "))
