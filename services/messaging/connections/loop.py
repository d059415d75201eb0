"""Connections: each process opens clients of the carriers it may use, and closes those that were changed, removed or taken over.

Owns binds: one process at a time holds each, by a lease on the database's clock. The client is told until when it may write on the monotonic one, a
margin earlier, and looks before every write; a process that was paused past its lease finds so and writes nothing.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import structlog
from pydantic import ValidationError

from libs.common import gsm
from libs.common.db import Tx
from libs.common.loop import Loop
from services.messaging.carriers.carrier import Carrier, Place
from services.messaging.carriers.embedded.client import EmbeddedCarrier
from services.messaging.carriers.kinds import KINDS
from services.messaging.carriers.nowhere.client import NowhereCarrier
from services.messaging.connections import rules, store
from services.messaging.connections.desk import Desk, Held
from services.messaging.connections.sealing import Unreadable
from services.messaging.connections.store import Listed
from services.messaging.policies import store as policies
from services.messaging.receipts.handlers import Intake
from services.messaging.routing import store as routing
from services.messaging.routing.rules import Condition, Table
from services.messaging.sending.store import special_headers
from services.messaging.submitting.loop import lane_loops
from services.messaging.usage import charging

if TYPE_CHECKING:
    from services.messaging.app import Messaging

log = structlog.get_logger()

EVERY_S = 1.0
BUILT_IN = ("nowhere", "embedded")  # every installation has them; they need no settings


async def tend(app: Messaging) -> int:
    """One round: what is set up, which binds are ours, what is up; then clients are opened and closed to fit."""
    began = time.monotonic()
    held = [desk for desk in app.desks if desk.held is not None]
    lost: list[Desk] = []
    if held:
        async with app.db.transaction() as tx:  # short: whoever is stopped in it keeps a peer from its binds
            lost = [desk for desk in held if not (desk.held and await _renewed(tx, app, desk, desk.held))]
    async with app.db.reading() as tx:
        listed = await store.listed(tx)
        app.sender_caps = await store.caps(tx)
        app.headers = await special_headers(tx)
        app.policies = await policies.all(tx)
        routes = await routing.routes(tx)
        await charging.refresh(app, tx)
    for desk in held:  # only now: a lease that was not committed is not ours to write under
        if desk not in lost and desk.held is not None:
            desk.held.write_until = began + rules.LEASE_S - rules.WRITE_MARGIN_S
    by_id = {carrier.id: carrier for carrier in listed}
    for desk in app.desks[:]:
        carrier = by_id.get(desk.id)
        if desk in lost or carrier is None or carrier.version != desk.version:
            app.close_desk(desk)
    for carrier in listed:
        await _open_missing(app, carrier)
        for desk in app.desks:
            if desk.id == carrier.id:
                desk.paused = carrier.state == "paused"
                desk.parts_per_s = carrier.parts_per_s
    app.routing = Table(routes, {carrier.id: _condition(app, carrier) for carrier in listed})
    return 0


async def _renewed(tx: Tx, app: Messaging, desk: Desk, held: Held) -> bool:
    carrier = desk.carrier
    kept = await store.renew(
        tx, desk.id, held.bind, app.worker, held.epoch, connected=carrier.connected, trouble=carrier.trouble
    )
    if not kept:
        log.warning("bind_lost", carrier=carrier.name, bind=held.bind, epoch=held.epoch)
    return kept


async def _open_missing(app: Messaging, carrier: Listed) -> None:
    """Opens what this process may use and has not: a bind a round, so that copies that start together share them."""
    if carrier.kind in BUILT_IN:
        if not app.bound and not app.desk_of(carrier.id):
            _open(app, carrier, None)
        return
    kind = KINDS.get(carrier.kind)
    if kind is None or kind.bound is not app.bound:
        return
    if not kind.bound:
        if not app.desk_of(carrier.id):
            _open(app, carrier, None)
        return
    began = time.monotonic()
    async with app.db.transaction() as tx:
        got = await store.acquire_free(tx, carrier.id, app.worker)
    if got is not None:
        bind, epoch = got
        log.info("bind_held", carrier=carrier.name, bind=bind, epoch=epoch)
        _open(app, carrier, Held(bind, epoch, began + rules.LEASE_S - rules.WRITE_MARGIN_S))


def _open(app: Messaging, carrier: Listed, held: Held | None) -> None:
    try:
        client = _client(app, carrier, held)
    except (Unreadable, ValidationError) as error:
        log.error("carrier_settings_unusable", carrier=carrier.name, why=type(error).__name__)
        return
    desk = Desk(carrier.id, client, carrier.version, held, paused=carrier.state == "paused")
    desk.parts_per_s = carrier.parts_per_s
    app.desks.append(desk)
    desk.open(Intake(app, desk), lane_loops(desk), app)


def _client(app: Messaging, carrier: Listed, held: Held | None) -> Carrier:
    epoch = held.epoch if held else app.epoch
    match carrier.kind:
        case "nowhere":
            return NowhereCarrier()
        case "embedded":
            host, port = app.simulator
            return EmbeddedCarrier(host, port, bind=app.worker, epoch=epoch)
    kind = KINDS[carrier.kind]
    place = Place(carrier.name, app.worker, epoch, app.callbacks_url(carrier.name))
    if held is not None:
        place = Place(carrier.name, app.worker, epoch, may_write_until=lambda: held.write_until)
    return kind.make(kind.settings.model_validate(app.seal.open(carrier.settings)), place)


async def header_octets(app: Messaging, tx: Tx, carrier_id: int) -> int:
    """What the header of a part takes with a carrier, also with one that other processes have open: its client says it, and opens nothing to do so."""
    if (desk := app.desk_of(carrier_id)) is not None:
        return desk.carrier.capabilities.header_octets
    carrier = next((each for each in await store.listed(tx) if each.id == carrier_id), None)
    return gsm.HEADER_OCTETS if carrier is None else _client(app, carrier, None).capabilities.header_octets


def _condition(app: Messaging, carrier: Listed) -> Condition:
    """A bound carrier is up where any process has a session; of the others this process knows its own."""
    desk = app.desk_of(carrier.id)
    down_s = carrier.down_s if carrier.down_s is not None else desk.down_s if desk else 0.0
    held = rules.held(carrier.state, down_s)
    return Condition(carrier.name, held, rules.strands(carrier.state, down_s), carrier.share)


LOOP = Loop("tend_connections", tend, EVERY_S)
