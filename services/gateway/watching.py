"""Watched campaigns: all who watch one are told from one question a second, however many they are.

Owns the questions and what they were last answered. Keeps the newest progress alone: who reads slowly misses what was between. Knows no HTTP.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import structlog

from libs.common.bus import Unanswered
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.campaign import CampaignState, Progress

log = structlog.get_logger()

ASK_EACH_S = 1.0
WATCHERS_OF_A_COMPANY_MAX = 200
WATCHERS_MAX = 1_000  # half of what app.py lets be in hand: a watcher is a request that does not end soon

ENDED = frozenset({CampaignState.STOPPED, CampaignState.FINISHED, CampaignState.EXPIRED})

ReadProgressAs = Callable[[], Awaitable[Progress]]  # as one of the watchers, whose session may be over by then


@dataclass(frozen=True, slots=True)
class Told:
    """`id` is made of the words, so it is the same in every copy of the gateway. `over`: it will not change any more."""

    id: str
    words: str
    over: bool


def told(progress: Progress) -> Told:
    """A stopped campaign is over when what carriers had of it has come to its end, too."""
    words = progress.model_dump_json()
    over = progress.state in ENDED and progress.handed_over == 0
    return Told(hashlib.blake2b(words.encode(), digest_size=8).hexdigest(), words, over)


class Watch:
    """One campaign and its watchers."""

    def __init__(self) -> None:
        self._newest: Told | None = None
        self.watchers: list[ReadProgressAs] = []
        self._news = asyncio.Event()  # of the next change; each change has its own
        self._following: asyncio.Task[None] | None = None

    @property
    def known(self) -> bool:
        return self._newest is not None

    @property
    def newest(self) -> Told:
        """The same one until something changes. There is one as soon as anybody watches."""
        assert self._newest is not None
        return self._newest

    def tell(self, progress: Progress) -> None:
        fresh = told(progress)
        if fresh != self._newest:
            self._newest = fresh
            self._news.set()
            self._news = asyncio.Event()
        if self._following is None:
            self._following = asyncio.create_task(self._follow())

    async def news(self, within_s: float) -> None:
        """Returns when something new was told, or after `within_s` seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), within_s)

    def end(self) -> None:
        if self._following is not None:
            self._following.cancel()

    async def _follow(self) -> None:
        while not self.newest.over:
            await asyncio.sleep(ASK_EACH_S)
            try:
                self.tell(await self._ask())
            except (
                Refusal,
                Unanswered,
            ) as error:  # the owner is away: what was told last stands, and it is asked again
                log.warning("progress_not_read", error=repr(error))

    async def _ask(self) -> Progress:
        """As the first watcher whose session is not over: the others' streams end by their own look at theirs."""
        for ask in list(self.watchers):
            try:
                return await ask()
            except Refusal as refusal:
                if refusal.code is not Code.SESSION_EXPIRED:
                    raise
        raise Refusal(Code.SESSION_EXPIRED, "no watcher has a session")


class Watches:
    """`closing`: the process is being stopped, and every stream is to end."""

    def __init__(self) -> None:
        self.closing = False
        self._watches: dict[tuple[int, int], Watch] = {}

    @asynccontextmanager
    async def watch(self, company_id: int, campaign_id: int, ask: ReadProgressAs) -> AsyncIterator[Watch]:
        """Refused with limit_reached where the company watches too much already, and with what `ask` is refused with."""
        self._make_sure_of_room(company_id)
        key = company_id, campaign_id
        watch = self._watches.setdefault(key, Watch())
        watch.watchers.append(ask)
        try:
            if not watch.known:
                watch.tell(await ask())
            yield watch
        finally:
            watch.watchers.remove(ask)
            if not watch.watchers:
                watch.end()
                del self._watches[key]

    def _make_sure_of_room(self, company_id: int) -> None:
        counts = [(company, len(watch.watchers)) for (company, _), watch in self._watches.items()]
        if sum(count for company, count in counts if company == company_id) >= WATCHERS_OF_A_COMPANY_MAX:
            raise Refusal(
                Code.LIMIT_REACHED, f"a company watches {WATCHERS_OF_A_COMPANY_MAX} times at once, at most", 30
            )
        if sum(count for _, count in counts) >= WATCHERS_MAX:
            raise Refusal(Code.UNAVAILABLE, "Too many watch campaigns here.")
