"""SQL of usage: prices, entries and months, accounts. Owns the tables of 0009_usage.sql."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date

import orjson

from libs.common.db import Tx
from libs.common.db.pool import Record
from services.messaging.usage.rules import PriceTable, Sum, Terms, Use

SET_PRICES = """
INSERT INTO price_table AS t (revision, currency, prices) VALUES (1, $1, $2::jsonb)
ON CONFLICT (one) DO UPDATE SET revision = t.revision + 1, currency = excluded.currency, prices = excluded.prices
"""
REVISION = "SELECT revision FROM price_table"
PRICES = "SELECT currency, prices FROM price_table"


async def set_prices(tx: Tx, currency: str, prices: Mapping[str, int]) -> None:
    await tx.execute(SET_PRICES, currency, orjson.dumps(dict(prices)).decode())


async def revision(tx: Tx) -> int:
    """Of the prices; rises with each change. 0: there are none."""
    return await tx.fetchval(REVISION) or 0


async def prices(tx: Tx) -> tuple[str, dict[str, int]]:
    """Currency, and micros by prefix."""
    row = await tx.fetchrow(PRICES)
    return (row["currency"], orjson.loads(row["prices"])) if row else ("", {})


async def price_table(tx: Tx) -> PriceTable:
    return PriceTable(*await prices(tx))


ENTER = """
INSERT INTO usage_entries (month, company_id, sender, brand, campaign_id, texts, parts, micros)
SELECT $1, * FROM unnest($2::int[], $3::text[], $4::text[], $5::int[], $6::int[], $7::int[], $8::bigint[])
"""


async def enter(tx: Tx, month: date, sums: Mapping[Use, Sum], brands: Sequence[str]) -> None:
    """`brands`: of each use's header."""
    await tx.execute(
        ENTER,
        month,
        [company_id for company_id, _, _ in sums],
        [sender for _, sender, _ in sums],
        brands,
        [campaign_id for _, _, campaign_id in sums],
        [sum_.texts for sum_ in sums.values()],
        [sum_.parts for sum_ in sums.values()],
        [sum_.micros for sum_ in sums.values()],
    )


# Whoever has the lock sums up; the others find that it is done. In the order of the key, as is every change of the months.
LOCK_SUMMING = "SELECT pg_try_advisory_xact_lock(hashtext('heliograph.usage'))"
SUM_UP = """
WITH gone AS (
    DELETE FROM usage_entries WHERE id IN (SELECT id FROM usage_entries ORDER BY id LIMIT $1)
    RETURNING month, company_id, sender, campaign_id, brand, texts, parts, micros
), moved AS (
    INSERT INTO usage_months AS m (month, company_id, sender, campaign_id, brand, texts, parts, micros)
    SELECT month, company_id, sender, campaign_id, brand, sum(texts), sum(parts), sum(micros) FROM gone GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT (month, company_id, sender, campaign_id, brand) DO UPDATE
        SET texts = m.texts + excluded.texts, parts = m.parts + excluded.parts, micros = m.micros + excluded.micros
)
SELECT count(*)::int FROM gone
"""


async def sum_up(tx: Tx, limit: int) -> int:
    """Moves the oldest entries into their months; how many it moved."""
    if not await tx.fetchval(LOCK_SUMMING):
        return 0
    moved: int = await tx.fetchval(SUM_UP, limit)
    return moved


# One statement is one snapshot: an entry is in exactly one of the two.
EVERYTHING = """
    SELECT month, company_id, sender, campaign_id, brand, texts, parts, micros FROM usage_months {where}
    UNION ALL
    SELECT month, company_id, sender, campaign_id, brand, texts, parts, micros FROM usage_entries {where}
"""
ROWS = f"""
SELECT month, company_id, sender, campaign_id, brand, sum(texts)::bigint AS texts, sum(parts)::bigint AS parts, sum(micros)::bigint AS micros
FROM ({EVERYTHING.format(where="WHERE month BETWEEN $1 AND $2 AND ($3 = 0 OR company_id = $3)")}) AS used
GROUP BY month, company_id, sender, campaign_id, brand HAVING sum(parts) <> 0 OR sum(texts) <> 0
ORDER BY month, company_id, sender, campaign_id, brand OFFSET $4 LIMIT $5
"""  # noqa: S608


async def rows(tx: Tx, since: date, until: date, company_id: int, skip: int, limit: int) -> list[Record]:
    return await tx.fetch(ROWS, since, until, company_id, skip, limit)


PARTS_OF_MONTH = f"""
SELECT coalesce(sum(parts), 0)::bigint FROM ({EVERYTHING.format(where="WHERE month = $2 AND company_id = $1")}) AS used
"""  # noqa: S608


async def parts_of_month(tx: Tx, company_id: int, month: date) -> int:
    parts: int = await tx.fetchval(PARTS_OF_MONTH, company_id, month)
    return parts


# -- accounts ------------------------------------------------------------------------------------------------------------

ACCOUNTS = """
SELECT company_id, granted_micros, spent_micros, low_micros, parts_a_month, month, month_parts, weight FROM accounts
"""
ACCOUNT = f"{ACCOUNTS} WHERE company_id = $1"
LOCK_ACCOUNTS = """
SELECT a.*, a.low_told_at > clock_timestamp() - make_interval(secs => $2) AS low_told
FROM accounts a WHERE a.company_id = ANY($1::int[]) ORDER BY a.company_id FOR UPDATE OF a
"""


async def accounts(tx: Tx) -> list[Record]:
    return await tx.fetch(ACCOUNTS)


async def account(tx: Tx, company_id: int) -> Record | None:
    return await tx.fetchrow(ACCOUNT, company_id)


async def lock_accounts(tx: Tx, company_ids: Collection[int], told_s: float) -> list[Record]:
    """In the order of companies, until the transaction ends. `low_told`: within the last `told_s`."""
    return await tx.fetch(LOCK_ACCOUNTS, list(company_ids), told_s)


SPEND = """
UPDATE accounts a SET spent_micros = a.spent_micros + s.micros, month = $1, month_parts = CASE WHEN a.month = $1 THEN a.month_parts ELSE 0 END + s.parts
FROM unnest($2::int[], $3::bigint[], $4::bigint[]) AS s(company_id, micros, parts) WHERE a.company_id = s.company_id
"""
# The sums are below 0. A month that is over is not counted any more.
GIVE_BACK = """
UPDATE accounts a SET spent_micros = a.spent_micros + s.micros, month_parts = a.month_parts + CASE WHEN a.month = $1 THEN s.parts ELSE 0 END
FROM unnest($2::int[], $3::bigint[], $4::bigint[]) AS s(company_id, micros, parts) WHERE a.company_id = s.company_id
"""
LOW_TOLD = "UPDATE accounts SET low_told_at = clock_timestamp() WHERE company_id = ANY($1::int[])"


async def spend(tx: Tx, month: date, by_company: Mapping[int, Sum]) -> None:
    """The accounts are locked, as for `give_back`."""
    await tx.execute(SPEND, month, *_columns(by_company))


async def give_back(tx: Tx, month: date, by_company: Mapping[int, Sum]) -> None:
    await tx.execute(GIVE_BACK, month, *_columns(by_company))


def _columns(by_company: Mapping[int, Sum]) -> tuple[list[int], list[int], list[int]]:
    return list(by_company), [sum_.micros for sum_ in by_company.values()], [sum_.parts for sum_ in by_company.values()]


async def low_told(tx: Tx, company_ids: Collection[int]) -> None:
    await tx.execute(LOW_TOLD, list(company_ids))


SET_ACCOUNT = """
INSERT INTO accounts (company_id, granted_micros, low_micros, parts_a_month, month, month_parts, weight) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (company_id) DO UPDATE SET granted_micros = excluded.granted_micros, low_micros = excluded.low_micros, parts_a_month = excluded.parts_a_month,
    month = excluded.month, month_parts = excluded.month_parts, weight = excluded.weight, low_told_at = '-infinity'
"""


async def set_account(tx: Tx, company_id: int, terms: Terms, month: date, month_parts: int) -> None:
    """The account is locked, where there was one."""
    await tx.execute(
        SET_ACCOUNT,
        company_id,
        terms.granted_micros,
        terms.low_micros,
        terms.parts_a_month,
        month,
        month_parts,
        terms.weight,
    )
