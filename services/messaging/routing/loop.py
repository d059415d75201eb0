"""Routing, by itself: what waits for a carrier that is held goes another way, and a carrier that does badly gets less until it does well again."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import structlog

from libs.common.loop import Loop
from services.messaging.routing import store
from services.messaging.routing.handlers import routed
from services.messaging.routing.rules import Doing, Routable, shifted
from services.messaging.sending.rules import Lane
from services.messaging.submitting.loop import wake_name

if TYPE_CHECKING:
    from services.messaging.app import Messaging

log = structlog.get_logger()

ROUND_MAX = 500
NONE = UUID(int=0)


async def reroute(app: Messaging) -> int:
    moved = 0
    for carrier in app.routing.stranding():
        moved += await _reroute(app, carrier)
    return moved


async def _reroute(app: Messaging, carrier: int) -> int:
    """A round through what waits for it: what has no other way stays, and is not looked at again before the others were."""
    async with app.db.transaction() as tx:
        rows = await store.stranded(tx, carrier, app.rerouted_to.get(carrier, NONE), ROUND_MAX)
        app.rerouted_to[carrier] = rows[-1]["id"] if len(rows) == ROUND_MAX else NONE
        texts = [Routable(**row) for row in rows]
        ways = await routed(app, texts)
        moved = [(text.id, *way) for text, way in zip(texts, ways, strict=True) if way and app.routing.is_up(way[0])]
        if moved:
            await store.reroute(tx, moved)
            name, why = app.routing.name_of(carrier), app.routing.why_held(carrier)
            await store.happened(tx, [(id_, f"sent another way than {name}, which {why}") for id_, _, _ in moved])
            tx.wakes |= {wake_name(way, lane) for _, way, _ in moved for lane in Lane}
            log.info("rerouted", carrier=name, texts=len(moved))
    return len(moved)


async def shift(app: Messaging) -> int:
    """Writes down how this process's carriers did, and moves the shares that are due."""
    async with app.db.transaction() as tx:
        await store.add_minutes(tx, _doings(app))
        for row in await store.due_to_shift(tx):
            share = shifted(row["share"], await store.lately(tx, row["id"]))
            await store.shift(tx, row["id"], share)
            if share != row["share"]:
                log.warning("carrier_shifted", carrier=row["name"], share=share, before=row["share"])
        await store.forget_minutes(tx)
    return 0


def _doings(app: Messaging) -> dict[int, Doing]:
    """By carrier: one process may hold several of its sessions."""
    doings: dict[int, Doing] = {}
    for desk in app.desks:
        doings[desk.id] = doings.get(desk.id, Doing()) + desk.take_doing()
    return {carrier: doing for carrier, doing in doings.items() if doing != Doing()}


REROUTE = Loop("reroute", reroute, every_s=2.0)
SHIFT = Loop("shift_shares", shift, every_s=5.0)
