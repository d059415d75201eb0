"""The rows of text-ins. Owns `text_ins`; reads whose headers are."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from libs.common import phone
from libs.common.contracts.inbound import CreateTextIn, TextIn
from libs.common.contracts.textins import TextInActions
from libs.common.db import Tx
from libs.common.db.pool import Record

FIND_HEADER = "SELECT header FROM headers WHERE key = $1 AND company_id = $2 AND active"


async def header_of(tx: Tx, company_id: int, header: str) -> str | None:
    """The header as its company writes it; None where it is not the company's."""
    found: str | None = await tx.fetchval(FIND_HEADER, phone.sender_key(header), company_id)
    return found


LOCK_TABLE = "LOCK TABLE text_ins IN SHARE ROW EXCLUSIVE MODE"


async def one_at_a_time(tx: Tx) -> None:
    """Others who change text-ins wait, so that what is counted stays so. Texts come in meanwhile."""
    await tx.execute(LOCK_TABLE)


INSERT_TEXT_IN = """
INSERT INTO text_ins (company_id, header, header_key, keyword, keyword_key) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (header_key, keyword_key) DO NOTHING RETURNING id
"""


async def insert(tx: Tx, ask: CreateTextIn, header: str, keyword_key: str) -> TextIn | None:
    """None where the keyword is taken on this header, by whomever, active or not."""
    keyword = ask.keyword.strip()
    id_ = await tx.fetchval(INSERT_TEXT_IN, ask.company_id, header, phone.sender_key(header), keyword, keyword_key)
    return TextIn(id=id_, company_id=ask.company_id, header=header, keyword=keyword) if id_ else None


COUNT_TEXT_INS = "SELECT count(*)::int FROM text_ins WHERE company_id = $1"


async def count_of(tx: Tx, company_id: int) -> int:
    count: int = await tx.fetchval(COUNT_TEXT_INS, company_id)
    return count


SET_ACTIVE = "UPDATE text_ins SET active = $2 WHERE id = $1"


async def set_active(tx: Tx, id_: int, active: bool) -> bool:
    """Whether there is such a text-in."""
    return await tx.execute(SET_ACTIVE, id_, active) == "UPDATE 1"


COLUMNS = ", ".join(TextInActions.model_fields)
READ_TEXT_INS = (
    f"SELECT id, company_id, header, keyword, active, {COLUMNS} FROM text_ins WHERE company_id = $1 ORDER BY id"  # noqa: S608
)


async def all_of(tx: Tx, company_id: int) -> list[TextIn]:
    return [TextIn(**row, actions=_actions(row)) for row in await tx.fetch(READ_TEXT_INS, company_id)]


def _actions(row: Record) -> TextInActions:
    return TextInActions.model_construct(**{name: row[name] for name in TextInActions.model_fields})


FIND_TEXT_IN = "SELECT EXISTS (SELECT FROM text_ins WHERE id = $1::bigint AND company_id = $2)"


async def exists(tx: Tx, company_id: int, id_: int) -> bool:
    found: bool = await tx.fetchval(FIND_TEXT_IN, id_, company_id)
    return found


LOCK_TEXT_IN = """
SELECT header, webhook_url, webhook_secret, webhook_set_by FROM text_ins WHERE id = $1::bigint AND company_id = $2 FOR NO KEY UPDATE
"""


async def lock(tx: Tx, company_id: int, id_: int) -> Record | None:
    """The company's text-in, held."""
    return await tx.fetchrow(LOCK_TEXT_IN, id_, company_id)


SET_ACTIONS = """
UPDATE text_ins SET reply = $2, join_list_id = $3, leave_list_id = $4, forward_to = $5, webhook_url = $6, campaign_id = $7,
    webhook_secret = $8, webhook_set_by = $9
WHERE id = $1
"""


async def set_actions(tx: Tx, id_: int, actions: TextInActions, secret: str | None, set_by: UUID | None) -> None:
    await tx.execute(SET_ACTIONS, id_, *actions.model_dump().values(), secret, set_by)


READ_ACTIONS = f"SELECT id, {COLUMNS} FROM text_ins WHERE id = ANY($1::int[])"  # noqa: S608


async def actions_of(tx: Tx, ids: Collection[int]) -> dict[int, TextInActions]:
    return {row["id"]: _actions(row) for row in await tx.fetch(READ_ACTIONS, ids)}
