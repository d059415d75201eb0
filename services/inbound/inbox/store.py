"""The inbox in the rows of `texts`. Owns their marks, `read` and `handled`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from libs.common.contracts.inbound import InboundPage, InboxText
from libs.common.db import Tx
from services.inbound.inbox.rules import Place, Wanted

FIND_PLACE = "SELECT at, id FROM texts WHERE id = $1 AND company_id = $2"


async def place_of(tx: Tx, company_id: int, id_: UUID) -> Place | None:
    """Where the text stands; None where the company has no such text."""
    row = await tx.fetchrow(FIND_PLACE, id_, company_id)
    return (row["at"], row["id"]) if row else None


COLUMNS = "id, number, header AS to, body, at, text_in_id, campaign_id, incomplete, read, handled"

# By its marks: each is one range of an index. Ordered one by one, the server merges them and reads each only as far as the page goes, whatever it
# knows of the table; left to order them together it may read them whole and sort.
RANGES: Mapping[tuple[bool, bool], str] = {
    (False, False): "NOT read AND NOT handled",
    (False, True): "NOT read AND handled",
    (True, False): "read AND NOT handled",
    (True, True): "read AND handled",
}


def _page_sql(wanted: Wanted) -> tuple[str, list[object]]:
    """The statement of what is asked, not one of `$n IS NULL OR`: that would read a company's every text."""
    where = "company_id = $1 AND (at, id) > ($2, $3) AND at < $4"
    args: list[object] = [wanted.company_id, *wanted.after, wanted.until, wanted.limit + 1]
    for condition, value in (
        ("number = ${}", wanted.number),
        ("header_key = ${}", wanted.header_key),
        ("text_in_id = ${}::bigint", wanted.text_in_id),
    ):
        if value is not None:
            args.append(value)
            where += " AND " + condition.format(len(args))
    if wanted.text_ins_only:
        where += " AND text_in_id IS NOT NULL"
    ranges = [
        f"(SELECT {COLUMNS} FROM texts WHERE {where} AND {marks} ORDER BY at, id LIMIT $5)"  # noqa: S608
        for (read, handled), marks in RANGES.items()
        if wanted.read in (None, read) and wanted.handled in (None, handled)
    ]
    return f"SELECT * FROM ({' UNION ALL '.join(ranges)}) AS t ORDER BY at, id LIMIT $5", args  # noqa: S608


async def page(tx: Tx, wanted: Wanted) -> InboundPage:
    """The texts, oldest first."""
    sql, args = _page_sql(wanted)
    rows = await tx.fetch(sql, *args)
    return InboundPage(items=[InboxText(**row) for row in rows[: wanted.limit]], more=len(rows) > wanted.limit)


SHOW_TEXTS = f"""
SELECT t.company_id, {COLUMNS}
FROM unnest($1::int[], $2::uuid[]) AS w (company_id, id) JOIN texts t USING (company_id, id)
"""  # noqa: S608


async def show(tx: Tx, wanted: Sequence[tuple[int, UUID]]) -> dict[tuple[int, UUID], InboxText]:
    """The texts that are their company's, by company and id."""
    rows = await tx.fetch(SHOW_TEXTS, [company_id for company_id, _ in wanted], [id_ for _, id_ in wanted])
    return {(row["company_id"], row["id"]): InboxText(**row) for row in rows}


LOCK_TEXTS = "SELECT FROM texts WHERE id = ANY($1::uuid[]) AND company_id = $2 ORDER BY id FOR NO KEY UPDATE"


async def lock(tx: Tx, company_id: int, ids: Collection[UUID]) -> int:
    """How many of the texts are the company's; holds them, in one order for all."""
    return len(await tx.fetch(LOCK_TEXTS, ids, company_id))


MARK_TEXTS = """
UPDATE texts SET read = coalesce($2, read), handled = coalesce($3, handled)
WHERE id = ANY($1::uuid[]) AND (read IS DISTINCT FROM coalesce($2, read) OR handled IS DISTINCT FROM coalesce($3, handled))
"""


async def mark(tx: Tx, ids: Collection[UUID], read: bool | None, handled: bool | None) -> None:
    """None leaves a mark as it is."""
    await tx.execute(MARK_TEXTS, ids, read, handled)
