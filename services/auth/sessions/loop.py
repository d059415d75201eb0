"""Sessions, what starts by itself: telling the gateways what was revoked, the tick, forgetting what has expired.

The tick follows the telling, in one step: who hears it knows that every revocation committed a second before has been told. Any copy tells what any
copy revoked; telling twice is harmless. Where PostgreSQL or the broker is away there is no tick, and gateways trust no session they remember.
"""

from __future__ import annotations

from libs.common.bus.consume import tell
from libs.common.contracts.auth import SessionsRevoked, Tick
from libs.common.contracts.base import ITEMS_MAX
from libs.common.loop import Loop
from services.auth.app import Auth
from services.auth.sessions import store

TICK_EVERY_S = 1.0
PRUNE_EVERY_S = 600.0
PRUNED_MAX = 2_000  # sessions a step: a short transaction


async def announce(auth: Auth) -> int:
    """Tells up to ITEMS_MAX revocations and then the tick; how many revocations."""
    async with auth.db.reading() as tx:
        revoked = await store.revoked_and_untold(tx, ITEMS_MAX)
    if revoked:
        await tell(auth.bus, SessionsRevoked(token_hashes=[token_sha256.hex() for token_sha256 in revoked]))
        async with auth.db.transaction() as tx:
            await store.mark_told(tx, revoked)
    if len(revoked) < ITEMS_MAX:
        await tell(auth.bus, Tick())
    return len(revoked)


async def prune(auth: Auth) -> int:
    async with auth.db.transaction() as tx:
        return await store.prune(tx, auth.settings.session_idle_s, PRUNED_MAX)


ANNOUNCE = Loop("announce", announce, every_s=TICK_EVERY_S, woken_by=frozenset({"revoked"}), limit_s=10)
PRUNE = Loop("prune_sessions", prune, every_s=PRUNE_EVERY_S)
