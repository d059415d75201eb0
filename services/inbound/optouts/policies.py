"""The rows of companies' policies, and who has a header together with its policy. Owns `opt_out_policies`; reads `headers` and `text_ins`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.optouts import OptOutPolicy
from libs.common.db import Tx
from services.inbound.optouts.addressing import Party, normal
from services.inbound.optouts.rules import EXACT

DEFAULT = OptOutPolicy()
_COLUMNS = tuple(OptOutPolicy.model_fields)


def checked(policy: OptOutPolicy) -> OptOutPolicy:
    """The policy with its words in normal form. Refused where one has no letter or digit, or already means something to everybody."""
    stop, start = ({normal(word) for word in words} for words in (policy.stop_words, policy.start_words))
    for word in stop | start:
        if not word:
            raise Refusal(Code.INVALID_REQUEST, "a word needs a letter or a digit")
        if word in EXACT:
            raise Refusal(Code.INVALID_REQUEST, f"{word!r} means the same to every company")
    if both := stop & start:
        raise Refusal(Code.INVALID_REQUEST, f"{min(both)!r} cannot mean both")
    return policy.model_copy(update={"stop_words": sorted(stop), "start_words": sorted(start)})


SET_POLICY = f"""
INSERT INTO opt_out_policies (company_id, {", ".join(_COLUMNS)}) VALUES ($1, {", ".join(f"${n}" for n in range(2, len(_COLUMNS) + 2))})
ON CONFLICT (company_id) DO UPDATE SET {", ".join(f"{column} = excluded.{column}" for column in _COLUMNS)}
"""  # noqa: S608


async def set_policy(tx: Tx, company_id: int, policy: OptOutPolicy) -> None:
    await tx.execute(SET_POLICY, company_id, *(getattr(policy, column) for column in _COLUMNS))


READ_POLICY = f"SELECT {', '.join(_COLUMNS)} FROM opt_out_policies WHERE company_id = $1"  # noqa: S608


async def policy_of(tx: Tx, company_id: int) -> OptOutPolicy:
    row = await tx.fetchrow(READ_POLICY, company_id)
    return OptOutPolicy(**row) if row else DEFAULT


FIND_PARTIES = f"""
SELECT h.key, h.company_id, h.header, h.brand, h.shared, {", ".join(f"p.{column}" for column in _COLUMNS)}
FROM headers h LEFT JOIN opt_out_policies p USING (company_id)
WHERE h.key = ANY($1::text[]) ORDER BY h.key, h.company_id
"""  # noqa: S608


async def parties(tx: Tx, header_keys: Iterable[str]) -> dict[str, list[Party]]:
    """Every company that has these headers, switched on or not, by key."""
    found: dict[str, list[Party]] = defaultdict(list)
    for row in await tx.fetch(FIND_PARTIES, list(set(header_keys))):
        policy = OptOutPolicy(**{column: row[column] for column in _COLUMNS}) if row["scope"] else DEFAULT
        found[row["key"]].append(
            Party(row["company_id"], row["key"], row["header"], row["brand"], row["shared"], policy)
        )
    return found


FIND_SERVICES = (
    "SELECT header_key, keyword_key, company_id FROM text_ins WHERE header_key = ANY($1::text[]) AND active ORDER BY id"
)


async def services(tx: Tx, header_keys: Iterable[str]) -> dict[str, list[tuple[str, int]]]:
    """The keywords that a STOP may name, and whose they are, by header."""
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for row in await tx.fetch(FIND_SERVICES, list(set(header_keys))):
        found[row["header_key"]].append((row["keyword_key"], row["company_id"]))
    return found
