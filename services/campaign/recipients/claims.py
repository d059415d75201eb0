"""How many of those handed over still wait to be claimed, as far as messaging tells: several times a second while it claims, and when it is asked.

Only hints, of a process: where nothing was told lately the rows are counted, of which those count that have not ended. Positions are claimed nearly in
order, so what lies between the last one claimed and the last one handed over waits, on its way or in messaging's queue.
"""

from __future__ import annotations

import time

from libs.common.contracts.messaging import CampaignsClaimed

FRESH_S = 3.0  # a carrier that claimed nothing for so long is held, or has nothing left: it counts no more


class Claims:
    def __init__(self) -> None:
        self._claimed: dict[int, dict[int, tuple[int, float]]] = {}  # campaign -> carrier -> (position, when heard)
        self._queued: dict[int, tuple[int, float]] = {}  # campaign -> (what was answered, and handed over since; when)

    def heard(self, told: CampaignsClaimed) -> None:
        now_s = time.monotonic()
        for item in told.items:
            carriers = self._claimed.setdefault(item.campaign_id, {})
            before, _ = carriers.get(item.carrier, (0, 0.0))
            carriers[item.carrier] = max(before, item.position), now_s
        for id_, carriers in list(self._claimed.items()):  # of campaigns that have ended nobody asks any more
            if all(heard_s < now_s - FRESH_S for _, heard_s in carriers.values()):
                del self._claimed[id_]

    def answered(self, campaign_id: int, queued: int) -> None:
        self._queued[campaign_id] = queued, time.monotonic()

    def handed_over(self, campaign_id: int, count: int) -> None:
        if campaign_id in self._queued:
            queued, answered_s = self._queued[campaign_id]
            self._queued[campaign_id] = queued + count, answered_s

    def waiting(self, campaign_id: int, checkpoint: int) -> int | None:
        """Of the slowest of the carriers that claim now, else as it was answered lately; None where neither is known."""
        fresh_from = time.monotonic() - FRESH_S
        fresh = [at for at, heard_s in self._claimed.get(campaign_id, {}).values() if heard_s >= fresh_from]
        if fresh:
            return max(0, checkpoint - min(fresh))
        self._claimed.pop(campaign_id, None)
        queued, answered_s = self._queued.get(campaign_id, (0, 0.0))
        if answered_s >= fresh_from:
            return queued
        self._queued.pop(campaign_id, None)
        return None
