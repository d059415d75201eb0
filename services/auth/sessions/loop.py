"""Sessions, what starts by itself: telling the gateways what was revoked, API keys too, the tick, forgetting what has expired.

The tick follows the telling, in one step: who hears it knows that every revocation committed a second before has been told. Any copy tells what any
copy revoked; telling twice is harmless. Where PostgreSQL or the broker is away there is no tick, and gateways trust no session they remember.
"""

from __future__ import annotations

from collections.abc import Sequence

from libs.common.bus.consume import tell
from libs.common.contracts.auth import SessionsRevoked, Tick
from libs.common.contracts.base import ITEMS_MAX
from libs.common.db.pool import Record
from libs.common.loop import Loop
from services.auth.app import Auth
from services.auth.keys import store as keys
from services.auth.sessions import store
from services.auth.tokens import store as tokens

TICK_EVERY_S = 1.0
PRUNE_EVERY_S = 600.0
PRUNED_MAX = 2_000  # of each kind a step: a short transaction


async def announce(auth: Auth) -> int:
    """Tells up to ITEMS_MAX sessions and as many keys, and then the tick; how many there were to tell."""
    async with auth.db.reading() as tx:
        revoked = await store.revoked_and_untold(tx, ITEMS_MAX)
        changed = await keys.untold(tx, ITEMS_MAX)
    if revoked or changed:
        await tell(auth.bus, _revoked(revoked, changed))
        async with auth.db.transaction() as tx:
            await store.mark_told(tx, revoked)
            await keys.mark_told(tx, changed)
    if len(revoked) < ITEMS_MAX and len(changed) < ITEMS_MAX:
        await tell(auth.bus, Tick())
    return len(revoked) + len(changed)


def _revoked(sessions: Sequence[bytes], changed: Sequence[Record]) -> SessionsRevoked:
    """Of keys, those that are revoked are good no more; the others, whose user was changed, have to be asked about again."""
    gone = [*sessions, *(key["key_sha256"] for key in changed if key["revoked"])]
    return SessionsRevoked(
        token_hashes=[hashed.hex() for hashed in gone],
        changed_hashes=[key["key_sha256"].hex() for key in changed if not key["revoked"]],
    )


async def prune(auth: Auth) -> int:
    async with auth.db.transaction() as tx:
        sessions = await store.prune(tx, auth.settings.session_idle_s, PRUNED_MAX)
        return sessions + await tokens.prune(tx, PRUNED_MAX) + await keys.prune(tx, PRUNED_MAX)


ANNOUNCE = Loop("announce", announce, every_s=TICK_EVERY_S, woken_by=frozenset({"revoked"}), limit_s=10)
PRUNE = Loop("prune_sessions", prune, every_s=PRUNE_EVERY_S)
