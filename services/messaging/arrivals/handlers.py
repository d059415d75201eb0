"""Arrivals: texts from handsets, written down as they came and announced, before the carrier hears that we have them.

Long texts are announced when their parts are together, or by loop.py when they never will be. Never reads a text's meaning: a STOP is inbound's
to know.
"""

from __future__ import annotations

from collections.abc import Sequence

from libs.common.batches import in_messages
from libs.common.contracts.messaging import ArrivedText, TextsArrived
from libs.common.db import Tx
from services.messaging.arrivals import rules, store
from services.messaging.carriers.carrier import Arrived

NOBODYS_YET = 0  # whose it is depends on the header and the keyword: inbound knows


async def keep_arrived(tx: Tx, carrier: str, batch: Sequence[Arrived]) -> None:
    """A repeat with the carrier's id gets a new id here; inbound knows it by the carrier's own. Others are known here."""
    await store.keep_raw(tx, carrier, rules.raw(batch))
    parts = [rules.storable(one) for one in batch if rules.is_part(one)]
    without_id = [one for one in batch if not one.carrier_id and not rules.is_part(one)]
    texts = [one for one in batch if one.carrier_id and not rules.is_part(one)]
    if parts or without_id:
        digests = [(rules.digest(carrier, one), one) for one in without_id]
        await store.lock(tx, carrier, [*map(rules.key, parts), *(digest for digest, _ in digests)])
        announce(tx, await _gather(tx, carrier, parts))
        texts += await _first_ones(tx, digests)
    announce(tx, [rules.text(carrier, one, rules.repaired(one.body)) for one in texts])


async def _gather(tx: Tx, carrier: str, parts: Sequence[Arrived]) -> list[ArrivedText]:
    """The texts that these parts make whole; the caller holds their keys."""
    if not parts:
        return []
    known = await store.assemblies(tx, carrier, map(rules.key, parts))
    gathered = rules.gather(carrier, parts, known, await store.now(tx))
    await store.keep_parts(tx, carrier, gathered.kept)
    await store.set_announced(tx, gathered.told)
    return gathered.texts


async def _first_ones(tx: Tx, arrived: Sequence[tuple[bytes, Arrived]]) -> list[Arrived]:
    """Those that are no repeats; the caller holds their digests."""
    if not arrived:
        return []
    new = list(rules.first_ones(arrived, await store.kept_without_id(tx, arrived)))
    await store.keep_without_id(tx, new)
    return [one for _, one in new]


def announce(tx: Tx, texts: Sequence[ArrivedText]) -> None:
    for some in in_messages(texts, lambda text: len(text.body)):
        tx.emit(TextsArrived(company_id=NOBODYS_YET, items=list(some)))
