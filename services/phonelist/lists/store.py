"""The rows of lists and entries, and of folders as auth told of them. Owns `lists`, `entries` and `folders`."""

from __future__ import annotations

from collections.abc import Sequence

from libs.common.contracts.auth import FoldersChanged
from libs.common.contracts.phonelist import EntriesPage, Entry, ListInfo, ListPage, NumbersPage
from libs.common.db import Tx
from services.phonelist.entries import COLUMN_LIST, Row
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


ADD_ENTRIES = f"""
-- The first of two equal numbers stays, here and against what the list has.
INSERT INTO entries (list_id, {COLUMN_LIST})
SELECT $1, {COLUMN_LIST}
FROM unnest($2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[],
    $13::text[], $14::date[], $15::text[], $16::text[], $17::text[], $18::text[], $19::text[])
    AS e (line, {COLUMN_LIST})
ORDER BY line
ON CONFLICT (list_id, phone_number) DO NOTHING
"""  # noqa: S608


async def add(tx: Tx, list_id: int, rows: Sequence[Row]) -> int:
    """Adds the rows in the order of their lines; how many were new."""
    if not rows:
        return 0
    status = await tx.execute(ADD_ENTRIES, list_id, *zip(*rows, strict=True))
    return int(status.split()[-1])


REMOVE = "DELETE FROM entries WHERE list_id = $1 AND phone_number = $2"


async def remove(tx: Tx, list_id: int, number: str) -> bool:
    """Whether the list held the number."""
    return await tx.execute(REMOVE, list_id, number) == "DELETE 1"


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
SELECT id, phone_number FROM entries
WHERE list_id = $1::bigint AND id > $2 AND id <= $3
ORDER BY id LIMIT $4
"""


async def numbers(tx: Tx, list_id: int, after: int, until: int, limit: int) -> NumbersPage:
    rows = await tx.fetch(READ_NUMBERS, list_id, after, until, limit + 1)
    page = rows[:limit]
    return NumbersPage(
        numbers=[row["phone_number"] for row in page],
        last=page[-1]["id"] if page else after,
        until=until,
        more=len(rows) > limit,
    )


ENTRIES_PAGE_BYTES = 2**20  # of a page in memory and on the wire; the entry that fills it still belongs to it

READ_ENTRIES = f"""
SELECT id, {COLUMN_LIST}
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


READ_ENTRY = f"SELECT id, {COLUMN_LIST} FROM entries WHERE list_id = $1::bigint AND phone_number = $2"  # noqa: S608


async def entry(tx: Tx, list_id: int, number: str) -> tuple[int, Entry] | None:
    """The number's key and entry; None where the list does not hold it."""
    row = await tx.fetchrow(READ_ENTRY, list_id, number)
    return (row["id"], Entry(**row)) if row else None


PREVIOUS = "SELECT phone_number FROM entries WHERE list_id = $1::bigint AND id < $2 ORDER BY id DESC LIMIT 1"
NEXT = "SELECT phone_number FROM entries WHERE list_id = $1::bigint AND id > $2 ORDER BY id LIMIT 1"


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
