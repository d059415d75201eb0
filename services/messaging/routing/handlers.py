"""Routing: each text gets its carrier when it is queued, with the reason; operators say by which rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from libs.common.bus import Asked
from libs.common.contracts.base import Code, Done, Refusal
from libs.common.contracts.routing import AddRoute, ListRoutes, RemoveRoute, RouteId, RouteInfo, Routes
from libs.common.db import Tx
from libs.common.phone import sender_key
from services.messaging.routing import store
from services.messaging.routing.rules import Routable
from services.messaging.sending.rules import Lane

if TYPE_CHECKING:
    from services.messaging.app import Messaging

NO_ROUTE = "no route: no carrier is for such texts"


async def routed(app: Messaging, texts: Sequence[Routable]) -> list[tuple[int, int] | None]:
    """(carrier, decision) of each; None where no route matches."""
    decisions = [app.routing.decide(text) for text in texts]
    unknown = {d.why for d in decisions if d} - app.decisions.keys()
    if unknown:
        app.decisions |= await store.decision_ids(app.db, unknown)
    return [(d.carrier, app.decisions[d.why]) if d else None for d in decisions]


async def add_route(tx: Tx, ask: Asked[AddRoute]) -> RouteId:
    new = ask.body.route
    sender = sender_key(new.sender) if new.sender else None
    id_ = await store.add(tx, new, sender, Lane[new.lane.upper()] if new.lane else None)
    if id_ is None:
        raise Refusal(Code.NOT_FOUND, "there is no such carrier")
    return RouteId(id=id_)


async def remove_route(tx: Tx, ask: Asked[RemoveRoute]) -> Done:
    if not await store.remove(tx, ask.body.id):
        raise Refusal(Code.NOT_FOUND, "there is no such route")
    return Done()


async def list_routes(tx: Tx, ask: Asked[ListRoutes]) -> Routes:
    rows = [dict(row) for row in await store.listed(tx)]
    lanes = {int(lane): lane.name.lower() for lane in Lane}
    return Routes(items=[RouteInfo(**row | {"lane": lanes.get(row["lane"])}) for row in rows])
