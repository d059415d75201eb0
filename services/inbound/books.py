"""The books of inbound: how much there is, and what must never be. See `heliograph books`."""

from __future__ import annotations

from libs.common.bus import Asked
from libs.common.contracts.inbound import InboundBooks, ReadInboundBooks
from libs.common.db import Tx
from services.inbound.optouts import store as optouts
from services.inbound.texts import store as texts


async def read(tx: Tx, _: Asked[ReadInboundBooks]) -> InboundBooks:
    faults = [*await optouts.faults(tx), *await texts.faults(tx)]
    return InboundBooks(faults=faults, stopped=await optouts.stopped_count(tx), **await texts.counts(tx))
