"""What waits of imports until all goes in at once. Owns `imports`, `import_blocks` and `import_bad_rows`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

import orjson

from libs.common.contracts.phonelist import BAD_ROWS_KEPT_DAYS, BadRow, BadRowsPage, ImportReport, Repaired
from libs.common.db import Tx
from services.phonelist.entries import OTHER_LIST, OTHERS, Block

BAD_ROWS_TOLD_MAX = 100
REPAIRS_TOLD_MAX = 20  # of a kind
ABANDONED_AFTER_HOURS = 24
BLOCKS_A_STATEMENT = 50  # 100,000 rows: a second or two of the thirty that a statement has


@dataclass(frozen=True, slots=True)
class Import:
    """`report`, as JSON, is there once it is finished."""

    list_id: int
    report: str | None


BEGIN = """
INSERT INTO imports (id, company_id, list_id) SELECT $1, company_id, id FROM lists WHERE id = $3::bigint AND company_id = $2
ON CONFLICT (id) DO NOTHING
"""


async def begin(tx: Tx, import_id: UUID, company_id: int, list_id: int) -> None:
    """Opens the import where the company has the list and the id is new."""
    await tx.execute(BEGIN, import_id, company_id, list_id)


FIND = "SELECT list_id, report FROM imports WHERE id = $1 AND company_id = $2"
LOCK = f"{FIND} FOR UPDATE"


async def find(tx: Tx, import_id: UUID, company_id: int) -> Import | None:
    """The company's import."""
    row = await tx.fetchrow(FIND, import_id, company_id)
    return Import(**row) if row else None


async def lock(tx: Tx, import_id: UUID, company_id: int) -> Import | None:
    """The company's import, for one at a time: pieces of it never overlap, and nothing is put aside while it is being finished."""
    row = await tx.fetchrow(LOCK, import_id, company_id)
    return Import(**row) if row else None


REMOVE_PIECE = """
WITH block AS (DELETE FROM import_blocks WHERE import_id = $1 AND first_line = $2 AND last_line = $3 RETURNING 1)
DELETE FROM import_bad_rows WHERE import_id = $1 AND line >= $2 AND line <= $3 AND EXISTS (SELECT FROM block)
"""
FIND_OVERLAP = "SELECT EXISTS (SELECT FROM import_blocks WHERE import_id = $1 AND first_line <= $3 AND last_line >= $2)"
ADD_BLOCK = f"""
INSERT INTO import_blocks (import_id, first_line, last_line, good, bad, numbers, repaired, repairs, {OTHER_LIST})
VALUES ($1, $2, $3, $4, $5, $6, $7::text::jsonb, $8::text::jsonb, {", ".join(f"${n}" for n in range(9, 9 + len(OTHERS)))})
"""  # noqa: S608
ADD_BAD = "INSERT INTO import_bad_rows (import_id, line, value, reason) SELECT $1, * FROM unnest($2::int[], $3::text[], $4::text[])"


async def replace_piece(
    tx: Tx,
    import_id: UUID,
    piece: tuple[int, int],
    block: Block,
    bad: Sequence[BadRow],
    repaired: Mapping[str, int],
    repairs: Sequence[Repaired],
) -> bool:
    """Puts the lines from the first to the last of `piece` aside, in place of what the same piece was before. False where some of them came otherwise."""
    await tx.execute(REMOVE_PIECE, import_id, *piece)
    if await tx.fetchval(FIND_OVERLAP, import_id, *piece):
        return False
    told = orjson.dumps(dict(repaired)).decode(), orjson.dumps([each.model_dump() for each in repairs]).decode()
    await tx.execute(ADD_BLOCK, import_id, *piece, len(block.keys), len(bad), block.keys, *told, *block.others)
    if bad:
        columns = [row.line for row in bad], [row.value for row in bad], [row.reason for row in bad]
        await tx.execute(ADD_BAD, import_id, *columns)
    return True


COUNT_ROWS = "SELECT coalesce(sum(good), 0)::int AS good, coalesce(sum(bad), 0)::int AS bad FROM import_blocks WHERE import_id = $1"


async def count_rows(tx: Tx, import_id: UUID) -> tuple[int, int]:
    """How many good and how many bad rows wait."""
    row = await tx.fetchrow(COUNT_ROWS, import_id)
    assert row is not None
    return row["good"], row["bad"]


READ_BAD = "SELECT line, value, reason FROM import_bad_rows WHERE import_id = $1 AND line > $2 ORDER BY line LIMIT $3"


async def bad_rows(tx: Tx, import_id: UUID, after: int, limit: int) -> BadRowsPage:
    rows = await tx.fetch(READ_BAD, import_id, after, limit + 1)
    return BadRowsPage(rows=[BadRow(**row) for row in rows[:limit]], more=len(rows) > limit)


COUNT_REPAIRED = """
SELECT key, sum(value::int)::int AS times FROM import_blocks, jsonb_each_text(repaired) WHERE import_id = $1 GROUP BY key ORDER BY key
"""
READ_REPAIRS = """
-- The first ones of each kind, by line.
SELECT DISTINCT told
FROM (
    SELECT told, row_number() OVER (PARTITION BY how ORDER BY (told ->> 'line')::int) AS place
    FROM import_blocks, jsonb_array_elements(repairs) AS told, jsonb_array_elements_text(told -> 'how') AS how
    WHERE import_id = $1
) r
WHERE place <= $2
"""


async def repairs(tx: Tx, import_id: UUID) -> tuple[dict[str, int], list[Repaired]]:
    """How often which repair was made, and the first ones of each, by line."""
    times = {row["key"]: row["times"] for row in await tx.fetch(COUNT_REPAIRED, import_id)}
    told = [
        Repaired.model_validate_json(row["told"]) for row in await tx.fetch(READ_REPAIRS, import_id, REPAIRS_TOLD_MAX)
    ]
    return times, sorted(told, key=lambda each: each.line)


FIND_BLOCKS = "SELECT first_line FROM import_blocks WHERE import_id = $1 ORDER BY first_line"
ADD_TO_LIST = f"""
-- List order is line order; the first line of two equal numbers stays, and what the list has already.
INSERT INTO entries (list_id, number, {OTHER_LIST})
SELECT $2, unnest(numbers), {", ".join(f"unnest({field})" for field in OTHERS)}
FROM (SELECT * FROM import_blocks WHERE import_id = $1 AND first_line >= $3 AND first_line <= $4 ORDER BY first_line) b
ON CONFLICT (list_id, number) DO NOTHING
"""  # noqa: S608


async def add_to_list(tx: Tx, import_id: UUID, list_id: int) -> int:
    """Adds what waits to the list, by statements that none takes long; how many were new."""
    added = 0
    firsts = iter([row["first_line"] for row in await tx.fetch(FIND_BLOCKS, import_id)])
    while some := list(islice(firsts, BLOCKS_A_STATEMENT)):
        added += int((await tx.execute(ADD_TO_LIST, import_id, list_id, some[0], some[-1])).split()[-1])
    return added


FINISH = """
WITH blocks AS (DELETE FROM import_blocks WHERE import_id = $1)
UPDATE imports SET report = $2::text::jsonb WHERE id = $1
"""


async def finish(tx: Tx, import_id: UUID, report: ImportReport) -> None:
    """Keeps the report and the bad rows, and nothing else of the import."""
    await tx.execute(FINISH, import_id, report.model_dump_json())


REMOVE_OLD = """
-- The oldest that nobody finished in time, or that was finished long ago, and that nobody has in hand.
WITH old AS (
    SELECT id FROM imports
    WHERE begun_at < clock_timestamp() - make_interval(hours => $1)
        AND (report IS NULL OR begun_at < clock_timestamp() - make_interval(days => $2))
    ORDER BY begun_at LIMIT 1 FOR UPDATE SKIP LOCKED
), blocks AS (
    DELETE FROM import_blocks USING old WHERE import_id = old.id
), bad AS (
    DELETE FROM import_bad_rows USING old WHERE import_id = old.id
)
DELETE FROM imports USING old WHERE imports.id = old.id
"""


async def remove_old(tx: Tx) -> int:
    """Removes one import whose time is over, with its rows; how many it found."""
    return int((await tx.execute(REMOVE_OLD, ABANDONED_AFTER_HOURS, BAD_ROWS_KEPT_DAYS)).split()[-1])


COUNT_OPEN = "SELECT count(*)::int FROM imports WHERE report IS NULL"


async def open_count(tx: Tx) -> int:
    count: int = await tx.fetchval(COUNT_OPEN)
    return count


READ_FAULTS = """
SELECT DISTINCT import_id FROM import_blocks r WHERE NOT EXISTS (SELECT FROM imports i WHERE i.id = r.import_id AND i.report IS NULL)
LIMIT 100
"""


async def faults(tx: Tx) -> list[str]:
    return [f"rows wait for import {row['import_id']}, which is not open" for row in await tx.fetch(READ_FAULTS)]
