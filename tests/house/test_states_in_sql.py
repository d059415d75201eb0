"""The table of states against the migrated schema and the SQL."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import asyncpg

from libs.common.db import migrator
from services.messaging.sending.states import END, NEXT, OPEN
from tests.infra import Infra

MESSAGING = Path(__file__).resolve().parents[2] / "services" / "messaging"


async def test_the_ledgers_checks_name_the_open_and_the_end_states(infra: Infra) -> None:
    dsn = infra.create_database("messaging")
    await migrator.migrate(dsn, "messaging")
    connection = await asyncpg.connect(dsn)
    try:
        for table, states in (("open_texts", OPEN), ("texts", END)):
            check = await connection.fetchval(
                "SELECT string_agg(pg_get_constraintdef(oid), ' ') FROM pg_constraint "
                "WHERE conrelid = $1::regclass AND contype = 'c' AND pg_get_constraintdef(oid) LIKE '%state = ANY%'",
                table,
            )
            assert set(states) == set(re.findall(r"'(\w+)'::text", check))
    finally:
        await connection.close()
        infra.drop_database(dsn)


def sql_constants(path: Path) -> list[str]:
    """The strings that stand alone on the right of an assignment at the top of a module."""
    nodes = [node.value for node in ast.parse(path.read_text()).body if isinstance(node, ast.Assign)]
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def test_what_a_statement_moves_a_text_from_may_go_where_it_moves_it_to() -> None:
    """Each UPDATE of a state in SQL: every state its guard names may be followed by the one it sets."""
    found = 0
    for path in MESSAGING.rglob("store.py"):
        for statement in sql_constants(path):
            to = re.search(r"SET state = '(\w+)'", statement)
            guard = re.search(
                r"state IN \(([^)]*)\)|state = '(\w+)'(?!.*SET)",
                statement.partition("SET state")[2].partition("WHERE")[2],
            )
            if to and guard:
                for before in re.findall(r"\w+", (guard[1] or guard[2]).replace("'", "")):
                    assert to[1] in NEXT[before], f"{path.parent.name}: {before} -> {to[1]}"  # type: ignore[index]
                    found += 1
    assert found >= 6
