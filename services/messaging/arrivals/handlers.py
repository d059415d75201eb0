"""Arrivals: texts from handsets, written down as they came and announced, before the carrier hears that we have them.

Never reads a text's meaning: a STOP is inbound's to know.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from libs.common.batches import in_messages
from libs.common.contracts.messaging import ArrivedText, TextsArrived
from libs.common.db import Tx
from libs.common.ids import uuid7
from services.messaging.arrivals import store
from services.messaging.carriers.carrier import Arrived

NOBODYS_YET = 0  # whose it is depends on the header and the keyword: inbound knows


async def keep_arrived(tx: Tx, carrier: str, batch: Sequence[Arrived]) -> None:
    """A repeat gets a new id here; inbound knows it by the carrier's own."""
    raw = [[a.carrier_id, a.number, a.to, a.body, a.at] for a in batch]
    await store.keep_raw(tx, carrier, orjson.dumps(raw).decode())
    items = [
        ArrivedText(
            id=uuid7(), carrier=carrier, carrier_id=a.carrier_id, number=a.number, to=a.to, body=a.body, at=a.at
        )
        for a in batch
    ]
    for some in in_messages(items, lambda item: len(item.body)):
        tx.emit(TextsArrived(company_id=NOBODYS_YET, items=list(some)))
