"""Live sessions, cached: a token is resolved by auth once and then trusted for its grant's short life.

Kept right by auth's broadcasts of what was revoked or changed, and failing closed: while auth's tick is late, one may have been missed, so nothing cached
is trusted and auth is asked each time. Knows API keys as it knows tokens. Holds hashes, never tokens.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from datetime import UTC, datetime

from libs.common.bus import Asker
from libs.common.contracts.auth import ResolveSession, Session, SessionsRevoked, Tick
from libs.common.contracts.base import Code, Refusal

SESSIONS_MAX = 50_000
TICK_LATE_S = 5.0  # auth ticks each second
RENEW_BEFORE_S = 10.0  # a grant is not sent so close to its end: it must outlive the ask
TOKEN_CHARACTERS_MAX = 200
REVOKED_MAX = 10_000  # hashes remembered: an answer that was on its way when its session was revoked must not be cached

NO_SESSION = "there is no such session, or it is over"  # in auth's words: nobody can tell who said so


class Sessions:
    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self._known: OrderedDict[str, Session] = OrderedDict()
        self._resolving: dict[str, asyncio.Task[Session]] = {}
        self._revoked: OrderedDict[str, None] = OrderedDict()
        self._ticked_at = float("-inf")

    async def of(self, token: str) -> Session:
        """The session of `token`. Refused with session_expired where there is none."""
        if not token or len(token) > TOKEN_CHARACTERS_MAX:
            raise Refusal(Code.SESSION_EXPIRED, NO_SESSION)
        hash_ = hashlib.sha256(token.encode()).hexdigest()
        known = self._known.get(hash_)
        if known is not None and self._trusted(known):
            self._known.move_to_end(hash_)
            return known
        resolving = self._resolving.get(hash_)
        if resolving is None:
            resolving = self._resolving[hash_] = asyncio.create_task(self._resolve(token, hash_))
            resolving.add_done_callback(lambda done: self._resolved(hash_, done))
        return await asyncio.shield(resolving)

    def _resolved(self, hash_: str, done: asyncio.Task[Session]) -> None:
        if self._resolving.get(hash_) is done:
            del self._resolving[hash_]

    def _trusted(self, session: Session) -> bool:
        left_s = (session.grant_until - datetime.now(UTC)).total_seconds()
        return left_s > RENEW_BEFORE_S and time.monotonic() - self._ticked_at < TICK_LATE_S

    async def _resolve(self, token: str, hash_: str) -> Session:
        try:
            session = await self._asker.ask(ResolveSession(token=token))
        except Refusal:
            self._known.pop(hash_, None)
            raise
        if hash_ in self._revoked:
            raise Refusal(Code.SESSION_EXPIRED, NO_SESSION)
        if self._resolving.get(hash_) is asyncio.current_task():  # else it changed meanwhile: the next one asks anew
            self._known[hash_] = session
            if len(self._known) > SESSIONS_MAX:
                self._known.popitem(last=False)
        return session

    def forget(self, token: str) -> None:
        """Logged out through this gateway: its own broadcast is still on the way."""
        self._forget(hashlib.sha256(token.encode()).hexdigest())

    def revoked(self, broadcast: SessionsRevoked) -> None:
        for hash_ in broadcast.token_hashes:
            self._forget(hash_)
        for hash_ in broadcast.changed_hashes:
            self._known.pop(hash_, None)
            self._resolving.pop(hash_, None)

    def _forget(self, hash_: str) -> None:
        self._known.pop(hash_, None)
        self._revoked[hash_] = None
        if len(self._revoked) > REVOKED_MAX:
            self._revoked.popitem(last=False)

    def ticked(self, _: Tick) -> None:
        self._ticked_at = time.monotonic()
