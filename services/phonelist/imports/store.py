"""The rows of imports, waiting aside until all go in at once. Owns `imports`, `import_rows` and `import_bad_rows`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from libs.common.contracts.phonelist import BadRow, ImportReport
from libs.common.db import Tx
from services.phonelist.entries import COLUMN_LIST, COLUMNS, Row

BAD_ROWS_TOLD_MAX = 100
ABANDONED_AFTER_HOURS = 24


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


SHARE = "SELECT list_id, report FROM imports WHERE id = $1 AND company_id = $2 FOR SHARE"
LOCK = "SELECT list_id, report FROM imports WHERE id = $1 AND company_id = $2 FOR UPDATE"


async def share(tx: Tx, import_id: UUID, company_id: int) -> Import | None:
    """The company's import; any number may hold it so, but not while it is being finished."""
    row = await tx.fetchrow(SHARE, import_id, company_id)
    return Import(**row) if row else None


async def lock(tx: Tx, import_id: UUID, company_id: int) -> Import | None:
    """The company's import, to be finished by one."""
    row = await tx.fetchrow(LOCK, import_id, company_id)
    return Import(**row) if row else None


REMOVE_LINES = """
WITH good AS (DELETE FROM import_rows WHERE import_id = $1 AND line >= $2 AND line < $3)
DELETE FROM import_bad_rows WHERE import_id = $1 AND line >= $2 AND line < $3
"""
ADD_BAD = "INSERT INTO import_bad_rows (import_id, line, value, reason) SELECT $1, * FROM unnest($2::int[], $3::text[], $4::text[])"


async def replace_lines(tx: Tx, import_id: UUID, lines: range, good: Sequence[Row], bad: Sequence[BadRow]) -> None:
    """Puts the rows aside, in place of what was there of these lines."""
    await tx.execute(REMOVE_LINES, import_id, lines.start, lines.stop)
    await tx.copy("import_rows", ("import_id", "line", *COLUMNS), [(import_id, *row) for row in good])
    if bad:
        columns = [row.line for row in bad], [row.value for row in bad], [row.reason for row in bad]
        await tx.execute(ADD_BAD, import_id, *columns)


FIRST_BAD = "SELECT line, value, reason FROM import_bad_rows WHERE import_id = $1 ORDER BY line LIMIT $2"
COUNT_ROWS = """
SELECT (SELECT count(*)::int FROM import_rows WHERE import_id = $1) AS good,
    (SELECT count(*)::int FROM import_bad_rows WHERE import_id = $1) AS bad
"""


async def first_bad(tx: Tx, import_id: UUID) -> list[BadRow]:
    return [BadRow(**row) for row in await tx.fetch(FIRST_BAD, import_id, BAD_ROWS_TOLD_MAX)]


async def count_rows(tx: Tx, import_id: UUID) -> tuple[int, int]:
    """How many good and how many bad rows wait."""
    row = await tx.fetchrow(COUNT_ROWS, import_id)
    assert row is not None
    return row["good"], row["bad"]


ADD_TO_LIST = f"""
-- List order is line order; the first line of two equal numbers stays, and what the list has already.
INSERT INTO entries (list_id, {COLUMN_LIST})
SELECT $2, {COLUMN_LIST} FROM import_rows WHERE import_id = $1 ORDER BY line
ON CONFLICT (list_id, phone_number) DO NOTHING
"""  # noqa: S608


async def add_to_list(tx: Tx, import_id: UUID, list_id: int) -> int:
    """Adds what waits to the list; how many were new."""
    return int((await tx.execute(ADD_TO_LIST, import_id, list_id)).split()[-1])


FINISH = """
WITH good AS (DELETE FROM import_rows WHERE import_id = $1), bad AS (DELETE FROM import_bad_rows WHERE import_id = $1)
UPDATE imports SET report = $2::text::jsonb WHERE id = $1
"""


async def finish(tx: Tx, import_id: UUID, report: ImportReport) -> None:
    """Keeps the report and nothing else of the import."""
    await tx.execute(FINISH, import_id, report.model_dump_json())


REMOVE_ABANDONED = """
-- The oldest one that nobody finished in time and nobody has in hand.
WITH abandoned AS (
    SELECT id FROM imports WHERE report IS NULL AND begun_at < clock_timestamp() - make_interval(hours => $1)
    ORDER BY begun_at LIMIT 1 FOR UPDATE SKIP LOCKED
), good AS (
    DELETE FROM import_rows USING abandoned WHERE import_id = abandoned.id
), bad AS (
    DELETE FROM import_bad_rows USING abandoned WHERE import_id = abandoned.id
)
DELETE FROM imports USING abandoned WHERE imports.id = abandoned.id
"""


async def remove_abandoned(tx: Tx) -> int:
    """Removes one abandoned import with its rows; how many it found."""
    return int((await tx.execute(REMOVE_ABANDONED, ABANDONED_AFTER_HOURS)).split()[-1])


COUNT_OPEN = "SELECT count(*)::int FROM imports WHERE report IS NULL"


async def open_count(tx: Tx) -> int:
    count: int = await tx.fetchval(COUNT_OPEN)
    return count


READ_FAULTS = """
SELECT DISTINCT import_id FROM (SELECT import_id FROM import_rows UNION ALL SELECT import_id FROM import_bad_rows) r
WHERE NOT EXISTS (SELECT FROM imports i WHERE i.id = r.import_id AND i.report IS NULL)
LIMIT 100
"""


async def faults(tx: Tx) -> list[str]:
    return [f"rows wait for import {row['import_id']}, which is not open" for row in await tx.fetch(READ_FAULTS)]
