"""What all services hold, as one value: to see that nothing changed.

Owns what is left out: the books of messages, which every ask leaves a line in, the times at which a session was used or a gateway told, wrong guesses
at a password, which are counted on purpose, sessions that are over, which auth forgets when it likes, how carriers do, and sums that loops make of
rows when they like.
"""

from __future__ import annotations

from tests.conformance.world import World

LEFT_OUT_TABLES = (
    *("inbox", "outbox", "relay", "suspects", "migrations", "login_failures", "claims", "carrier_minutes"),
    *("tallies", "usage_entries", "usage_months"),
)
LEFT_OUT_COLUMNS = ("last_used_at", "told_at", "told_version", "shifted_at", "share")
ONLY = {"sessions": "t.expires_at > now() AND t.last_used_at > now() - interval '30 minutes'"}

TABLES = """
SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1
"""


async def digest(world: World) -> dict[str, tuple[int, int]]:
    """Table -> how many rows, and a hash of them."""
    found: dict[str, tuple[int, int]] = {}
    for service, process in world.platform.processes.items():
        if process.db is None:
            continue
        async with process.db.reading() as tx:
            tables = [row["relname"] for row in await tx.fetch(TABLES) if row["relname"] not in LEFT_OUT_TABLES]
            row = "(to_jsonb(t) - ARRAY[" + ", ".join(f"'{name}'" for name in LEFT_OUT_COLUMNS) + "])::text"
            each = (
                f"SELECT '{table}' AS of, count(*) AS rows, coalesce(sum(hashtextextended({row}, 0)), 0)::text AS hash "
                f"FROM {table} AS t WHERE {ONLY.get(table, 'true')}"
                for table in tables
            )
            for line in await tx.fetch(" UNION ALL ".join(each)):
                found[f"{service}.{line['of']}"] = line["rows"], int(line["hash"])
    return found


def changed(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> list[str]:
    """The tables that are not what they were, with their rows."""
    return [f"{name}: {before.get(name)} -> {after.get(name)}" for name in after if after[name] != before.get(name)]
