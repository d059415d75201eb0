"""SQL of connections: carriers as operators set them up, and who holds which bind."""

from __future__ import annotations

from dataclasses import dataclass

from libs.common.contracts.routing import CarrierState
from libs.common.db import Tx
from libs.common.db.pool import Record
from services.messaging.connections.rules import LEASE_S


@dataclass(frozen=True, slots=True)
class Listed:
    """A carrier's row. `down_s`: for how long none of its binds has been connected; None where it has none."""

    id: int
    name: str
    kind: str
    settings: bytes
    version: int
    state: CarrierState
    parts_per_s: float | None
    share: float
    down_s: float | None


LISTED = """
SELECT c.id, c.name, c.kind, c.settings, c.version, c.state, c.parts_per_s, c.share,
    (SELECT CASE WHEN bool_or(b.connected AND b.lease_until > clock_timestamp()) THEN 0
        ELSE extract(epoch FROM clock_timestamp() - max(greatest(b.since, CASE WHEN b.connected THEN b.lease_until END)))::float END
     FROM binds b WHERE b.carrier = c.id) AS down_s
FROM carriers c ORDER BY c.id
"""


async def listed(tx: Tx) -> list[Listed]:
    return [Listed(**{**row, "state": CarrierState(row["state"])}) for row in await tx.fetch(LISTED)]


ADD = """
INSERT INTO carriers AS c (name, kind, settings) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, settings = excluded.settings, version = c.version + 1 WHERE c.id > 1
RETURNING id
"""
MAKE_BINDS = "INSERT INTO binds (carrier, bind) SELECT $1, generate_series(1, $2) ON CONFLICT DO NOTHING"
DROP_BINDS = "DELETE FROM binds WHERE carrier = $1 AND bind > $2"


async def add(tx: Tx, name: str, kind: str, settings: bytes, binds: int) -> bool:
    """Adds it or changes its settings; False where it is one of those that every installation has."""
    id_ = await tx.fetchval(ADD, name, kind, settings)
    if id_ is None:
        return False
    await tx.execute(MAKE_BINDS, id_, binds)
    await tx.execute(DROP_BINDS, id_, binds)
    return True


SET = """
UPDATE carriers SET state = coalesce($2, state), state_at = CASE WHEN state <> $2 THEN clock_timestamp() ELSE state_at END,
    parts_per_s = CASE WHEN $3::real IS NULL THEN parts_per_s ELSE nullif($3, 0) END
WHERE name = $1 AND id <> 0
"""


async def set_carrier(tx: Tx, name: str, state: str | None, parts_per_s: float | None) -> bool:
    return await tx.execute(SET, name, state, parts_per_s) == "UPDATE 1"


# A process that has not looked since it was paused may still queue for it.
USED = """
SELECT EXISTS (SELECT FROM carriers c WHERE c.name = $1
    AND (c.state = 'active' OR c.state_at > clock_timestamp() - make_interval(secs => $2) OR EXISTS (SELECT FROM open_texts o WHERE o.route = c.id)))
"""
SEEN_BY_ALL_S = 5.0
REMOVE = "DELETE FROM carriers WHERE name = $1 AND id > 1"


async def used(tx: Tx, name: str) -> bool:
    """Whether a text waits for it or is on its way with it, or may come to it."""
    answer: bool = await tx.fetchval(USED, name, SEEN_BY_ALL_S)
    return answer


async def remove(tx: Tx, name: str) -> bool:
    return await tx.execute(REMOVE, name) == "DELETE 1"


# On the database's clock. The row's lock makes two who want it take turns, and the second finds that it is held.
ACQUIRE = """
UPDATE binds SET owner = $3, epoch = epoch + 1, lease_until = clock_timestamp() + make_interval(secs => $4), connected = false, trouble = '',
    since = CASE WHEN connected THEN clock_timestamp() ELSE since END
WHERE carrier = $1 AND bind = $2 AND lease_until < clock_timestamp()
RETURNING epoch
"""
FREE = "SELECT bind FROM binds WHERE carrier = $1 AND lease_until < clock_timestamp() ORDER BY bind LIMIT 1"
RENEW = """
UPDATE binds SET lease_until = clock_timestamp() + make_interval(secs => $5), connected = $6, trouble = $7,
    since = CASE WHEN connected = $6 THEN since ELSE clock_timestamp() END
WHERE carrier = $1 AND bind = $2 AND owner = $3 AND epoch = $4 AND lease_until > clock_timestamp()
"""
RELEASE = """
UPDATE binds SET lease_until = '-infinity', connected = false, trouble = 'its process stopped',
    since = CASE WHEN connected THEN clock_timestamp() ELSE since END
WHERE carrier = $1 AND bind = $2 AND owner = $3 AND epoch = $4
"""


async def acquire_free(tx: Tx, carrier: int, owner: str) -> tuple[int, int] | None:
    """(bind, epoch) of one that nobody holds."""
    bind = await tx.fetchval(FREE, carrier)
    if bind is None:
        return None
    epoch = await tx.fetchval(ACQUIRE, carrier, bind, owner, LEASE_S)
    return None if epoch is None else (bind, epoch)


async def renew(tx: Tx, carrier: int, bind: int, owner: str, epoch: int, connected: bool, trouble: str) -> bool:
    """False where the lease ran out or another has it."""
    return await tx.execute(RENEW, carrier, bind, owner, epoch, LEASE_S, connected, trouble[:300]) == "UPDATE 1"


async def release(tx: Tx, carrier: int, bind: int, owner: str, epoch: int) -> None:
    await tx.execute(RELEASE, carrier, bind, owner, epoch)


BINDS = """
SELECT c.name, b.bind AS number, b.owner, b.epoch, b.connected AND b.lease_until > clock_timestamp() AS connected,
    CASE WHEN b.lease_until > clock_timestamp() THEN b.trouble ELSE 'no process holds it' END AS trouble
FROM binds b JOIN carriers c ON c.id = b.carrier ORDER BY b.bind
"""
# The open texts are few; those of a carrier are counted by the rows.
COUNTS = """
SELECT route AS carrier, count(*) FILTER (WHERE claim_id IS NULL)::int AS queued, count(*) FILTER (WHERE state = 'in_doubt')::int AS in_doubt
FROM open_texts GROUP BY route
"""


async def binds(tx: Tx) -> list[Record]:
    return await tx.fetch(BINDS)


async def counts(tx: Tx) -> dict[int, tuple[int, int]]:
    """By carrier: texts that wait for it, and texts in doubt."""
    return {carrier: (waiting, in_doubt) for carrier, waiting, in_doubt in await tx.fetch(COUNTS)}


SET_CAP = "INSERT INTO sender_caps (sender, parts_per_s) VALUES ($1, $2) ON CONFLICT (sender) DO UPDATE SET parts_per_s = excluded.parts_per_s"
DROP_CAP = "DELETE FROM sender_caps WHERE sender = $1"
CAPS = "SELECT sender, parts_per_s FROM sender_caps"


async def set_cap(tx: Tx, sender: str, parts_per_s: float) -> None:
    await (tx.execute(SET_CAP, sender, parts_per_s) if parts_per_s else tx.execute(DROP_CAP, sender))


async def caps(tx: Tx) -> dict[str, float]:
    return {row["sender"]: row["parts_per_s"] for row in await tx.fetch(CAPS)}
