"""The rows of lists and entries, and of folders as auth told of them. Owns `lists`, `entries` and `folders`."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from libs.common.contracts.auth import FoldersChanged
from libs.common.contracts.phonelist import (
    EntriesPage,
    Entry,
    Incomplete,
    IncompleteEntry,
    ListInfo,
    ListPage,
    NumbersPage,
    RecipientsPage,
)
from libs.common.db import Tx
from services.phonelist.entries import OTHER_LIST, OTHERS, SELECTED, Row, key
from services.phonelist.lists.rules import title_key

APPLY_FOLDERS = "INSERT INTO folders (company_id, folder_id) SELECT $1, unnest($2::int[]) ON CONFLICT DO NOTHING"


async def apply_folders(tx: Tx, event: FoldersChanged) -> None:
    await tx.execute(APPLY_FOLDERS, event.company_id, [item.folder_id for item in event.items])


FIND_FOLDER = "SELECT EXISTS (SELECT FROM folders WHERE company_id = $1 AND folder_id = $2::bigint)"


async def has_folder(tx: Tx, company_id: int, folder_id: int) -> bool:
    return folder_id == 0 or bool(await tx.fetchval(FIND_FOLDER, company_id, folder_id))


INSERT_LIST = """
INSERT INTO lists (company_id, folder_id, title, title_key) VALUES ($1, $2, $3, $4)
ON CONFLICT (company_id, folder_id, title_key) DO NOTHING RETURNING id
"""


async def insert(tx: Tx, company_id: int, folder_id: int, title: str) -> int | None:
    """The new list's id; None where the folder has one of this title."""
    id_: int | None = await tx.fetchval(INSERT_LIST, company_id, folder_id, title, title_key(title))
    return id_


LOCK_LIST = "SELECT id FROM lists WHERE id = $1::bigint AND company_id = $2::bigint FOR NO KEY UPDATE"


async def lock(tx: Tx, company_id: int, list_id: int) -> bool:
    """Whether the company has this list; holds its row, so that one at a time adds to it and its order is the order of commits."""
    return await tx.fetchval(LOCK_LIST, list_id, company_id) is not None


IS_ANSWERED = "SELECT EXISTS (SELECT FROM inbox WHERE id = $1)"


async def is_answered(tx: Tx, ask_id: UUID) -> bool:
    """Whether a long ask, which is asked again while it is worked on, was answered while this copy of it waited for the list. Then nothing is to be done,
    and whatever is answered here is put aside for the answer that is remembered."""
    return bool(await tx.fetchval(IS_ANSWERED, ask_id))


_ARRAYS = ", ".join(f"${n}::{'date' if field == 'date_of_birth' else 'text'}[]" for n, field in enumerate(OTHERS, 4))

ADD_ENTRIES = f"""
-- The first of two equal numbers stays, here and against what the list has.
INSERT INTO entries (list_id, number, {OTHER_LIST})
SELECT $1, number, {OTHER_LIST}
FROM unnest($2::int[], $3::bigint[], {_ARRAYS}) AS e (line, number, {OTHER_LIST})
ORDER BY line
ON CONFLICT (list_id, number) DO NOTHING
"""  # noqa: S608


async def add(tx: Tx, list_id: int, rows: Sequence[Row]) -> int:
    """Adds the rows in the order of their lines; how many were new."""
    if not rows:
        return 0
    status = await tx.execute(ADD_ENTRIES, list_id, *zip(*rows, strict=True))
    return int(status.split()[-1])


REMOVE = "DELETE FROM entries WHERE list_id = $1 AND number = $2"


async def remove(tx: Tx, list_id: int, number: str) -> bool:
    """Whether the list held the number."""
    return await tx.execute(REMOVE, list_id, key(number)) == "DELETE 1"


INFO = """
SELECT id, title, folder_id, (SELECT count(*)::int FROM entries e WHERE e.list_id = l.id) AS entries
FROM lists l WHERE company_id = $1::bigint
"""
SHOW_LIST = f"{INFO} AND id = $2::bigint"


async def show(tx: Tx, company_id: int, list_id: int) -> ListInfo | None:
    row = await tx.fetchrow(SHOW_LIST, company_id, list_id)
    return ListInfo(**row) if row else None


READ_LISTS = f"{INFO} AND id > $2::bigint AND ($3::bigint IS NULL OR folder_id = $3) ORDER BY id LIMIT $4"


async def page(tx: Tx, company_id: int, folder_id: int | None, after: int, limit: int) -> ListPage:
    """The company's lists past `after`, of one folder where it is given."""
    rows = await tx.fetch(READ_LISTS, company_id, after, folder_id, limit + 1)
    return ListPage(items=[ListInfo(**row) for row in rows[:limit]], more=len(rows) > limit)


FIND_UNTIL = """
SELECT (SELECT coalesce(max(e.id), 0) FROM entries e WHERE e.list_id = l.id) AS until
FROM lists l WHERE l.id = $1::bigint AND l.company_id = $2::bigint
"""


async def highest_key(tx: Tx, company_id: int, list_id: int) -> int | None:
    """The highest key of the list's entries, 0 where it has none; None where the company has no such list."""
    until: int | None = await tx.fetchval(FIND_UNTIL, list_id, company_id)
    return until


READ_NUMBERS = """
-- The page as one array: a row a number would take the most of what it costs.
WITH page AS MATERIALIZED (
    SELECT id, number FROM entries WHERE list_id = $1::bigint AND id > $2 AND id <= $3 ORDER BY id LIMIT $4
), ends AS (
    SELECT coalesce(array_agg('+' || number ORDER BY id), '{}') AS numbers, coalesce(max(id), $2) AS last FROM page
)
SELECT numbers, last, $3 AS until, EXISTS (SELECT FROM entries WHERE list_id = $1::bigint AND id > last AND id <= $3) AS more FROM ends
"""


async def numbers(tx: Tx, list_id: int, after: int, until: int, limit: int) -> NumbersPage:
    row = await tx.fetchrow(READ_NUMBERS, list_id, after, until, limit)
    assert row is not None
    return NumbersPage(**row)


RECIPIENTS_PAGE_BYTES = 2**20  # of a page's values; the recipient that fills it still belongs to it

READ_RECIPIENTS = """
SELECT id, phone_number, "values"
FROM (
    SELECT *, coalesce(sum(octet_length("values"::text)) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
    FROM (
        SELECT id, '+' || number AS phone_number, ARRAY[{fields}]::text[] AS "values" FROM entries
        WHERE list_id = $1::bigint AND id > $2 AND id <= $3 ORDER BY id LIMIT $4
    ) e
) page
WHERE before < $5 ORDER BY id
"""


async def recipients(
    tx: Tx, list_id: int, after: int, until: int, limit: int, fields: tuple[str, ...]
) -> RecipientsPage:
    """As numbers, with the values of `fields`, which are names of columns. Short of `limit` where they are many bytes, as `entries`."""
    if not fields:
        return RecipientsPage.model_construct(**dict(await numbers(tx, list_id, after, until, limit)), values=[])
    sql = READ_RECIPIENTS.format(
        fields=", ".join("'+' || number" if field == "phone_number" else field for field in fields)
    )
    rows = await tx.fetch(sql, list_id, after, until, limit, RECIPIENTS_PAGE_BYTES)
    last = rows[-1]["id"] if rows else after
    return RecipientsPage(
        numbers=[row["phone_number"] for row in rows],
        values=[row["values"] for row in rows],
        last=last,
        until=until,
        more=bool(rows) and last < until,
    )


# What str.strip() takes off, which is how an import and a merge field know that nothing is there.
NOTHING = r"^[\s\u001c-\u001f\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*$"

COUNT_INCOMPLETE = "SELECT count(*) FROM entries WHERE list_id = $1::bigint AND id <= $2 AND ({lacks_one})"
FIND_INCOMPLETE = """
WITH found AS (
    SELECT id, '+' || number AS number, array_remove(ARRAY[{lacking}], NULL) AS missing FROM entries
    WHERE list_id = $1::bigint AND id <= $2 AND ({lacks_one}) ORDER BY id LIMIT $3
), spans AS (
    SELECT *, lag(id, 1, -1::bigint) OVER (ORDER BY id) AS before FROM found
)
SELECT number, missing,
    (sum((SELECT count(*) FROM entries e WHERE e.list_id = $1::bigint AND e.id > before AND e.id <= spans.id)) OVER (ORDER BY id))::int AS row
FROM spans ORDER BY id
"""


async def incomplete(tx: Tx, list_id: int, until: int, fields: tuple[str, ...], limit: int) -> Incomplete:
    """Entries up to `until` that have nothing in one of `fields`, which are names of columns. Reads the list up to three times: a second for a million."""
    lacks = {field: _lacks(field) for field in fields if field != "phone_number"}
    if not lacks:
        return Incomplete(count=0, entries=[])
    lacks_one = " OR ".join(lacks.values())
    lacking = ", ".join(f"CASE WHEN {test} THEN '{field}' END" for field, test in lacks.items())
    count = await tx.fetchval(COUNT_INCOMPLETE.format(lacks_one=lacks_one), list_id, until)
    if not count:
        return Incomplete(count=0, entries=[])
    rows = await tx.fetch(FIND_INCOMPLETE.format(lacks_one=lacks_one, lacking=lacking), list_id, until, limit)
    return Incomplete(count=count, entries=[IncompleteEntry(**row) for row in rows])


def _lacks(field: str) -> str:
    return "date_of_birth IS NULL" if field == "date_of_birth" else f"({field} IS NULL OR {field} ~ '{NOTHING}')"


ENTRIES_PAGE_BYTES = 2**20  # of a page in memory and on the wire; the entry that fills it still belongs to it

READ_ENTRIES = f"""
SELECT id, {SELECTED}
FROM (
    SELECT *, coalesce(sum(octet_length(e::text)) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
    FROM (SELECT * FROM entries WHERE list_id = $1::bigint AND id > $2 AND id <= $3 ORDER BY id LIMIT $4) e
) page
WHERE before < $5 ORDER BY id
"""  # noqa: S608


async def entries(tx: Tx, list_id: int, after: int, until: int, limit: int) -> EntriesPage:
    """A page may be short of `limit` for its bytes, so what is left is told by `until`; at worst an empty page follows."""
    rows = await tx.fetch(READ_ENTRIES, list_id, after, until, limit, ENTRIES_PAGE_BYTES)
    last = rows[-1]["id"] if rows else after
    return EntriesPage(
        entries=[Entry(**row) for row in rows],  # which takes no notice of the id
        last=last,
        until=until,
        more=bool(rows) and last < until,
    )


READ_ENTRY = f"SELECT id, {SELECTED} FROM entries WHERE list_id = $1::bigint AND number = $2"  # noqa: S608


async def entry(tx: Tx, list_id: int, number: str) -> tuple[int, Entry] | None:
    """The number's key and entry; None where the list does not hold it."""
    row = await tx.fetchrow(READ_ENTRY, list_id, key(number))
    return (row["id"], Entry(**row)) if row else None


PREVIOUS = "SELECT '+' || number FROM entries WHERE list_id = $1::bigint AND id < $2 ORDER BY id DESC LIMIT 1"
NEXT = "SELECT '+' || number FROM entries WHERE list_id = $1::bigint AND id > $2 ORDER BY id LIMIT 1"


async def previous(tx: Tx, list_id: int, key: int) -> str:
    """The number before the key in list order; "" where it is the first."""
    return await tx.fetchval(PREVIOUS, list_id, key) or ""


async def next_(tx: Tx, list_id: int, key: int) -> str:
    """The number after the key in list order; "" where it is the last."""
    return await tx.fetchval(NEXT, list_id, key) or ""


COUNT = "SELECT (SELECT count(*)::int FROM lists) AS lists, (SELECT count(*)::int FROM entries) AS entries"


async def counts(tx: Tx) -> dict[str, int]:
    row = await tx.fetchrow(COUNT)
    assert row is not None
    return dict(row)


READ_FAULTS = """
SELECT DISTINCT list_id FROM entries e WHERE NOT EXISTS (SELECT FROM lists l WHERE l.id = e.list_id)
LIMIT 100
"""


async def faults(tx: Tx) -> list[str]:
    return [f"there are entries of list {row['list_id']}, which is not there" for row in await tx.fetch(READ_FAULTS)]
