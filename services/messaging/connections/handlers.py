"""Connections, for operators: carriers added, changed, paused, drained, resumed and removed without a restart; each process fits itself within a second."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from libs.common.bus import Asked
from libs.common.contracts.base import Code, Done, Refusal
from libs.common.contracts.routing import (
    AddCarrier,
    Bind,
    CarrierInfo,
    CarrierLately,
    Carriers,
    CarrierState,
    ListCarriers,
    RemoveCarrier,
    SetCarrier,
    SetSenderCap,
)
from libs.common.db import Tx
from libs.common.phone import sender_key
from services.messaging.carriers.kinds import KINDS
from services.messaging.connections import rules, store
from services.messaging.connections.sealing import Unreadable
from services.messaging.connections.store import Listed
from services.messaging.routing import store as routing

if TYPE_CHECKING:
    from services.messaging.app import Messaging

NO_SUCH = "there is no such carrier"


async def add_carrier(tx: Tx, ask: Asked[AddCarrier]) -> Done:
    app: Messaging = tx.app
    kind = KINDS.get(ask.body.protocol)
    if kind is None:
        raise Refusal(Code.INVALID_REQUEST, f"a carrier's protocol is one of {', '.join(KINDS)}")
    try:
        settings = kind.settings.model_validate(ask.body.settings)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'settings'}: {e['msg']}" for e in error.errors())
        raise Refusal(Code.INVALID_REQUEST, wrong) from None
    binds = kind.binds(settings) if kind.bound else 0
    if not await store.add(tx, ask.body.name, kind.name, app.seal.close(settings), binds):
        raise Refusal(Code.WRONG_STATE, "every installation has this carrier, as it is")
    return Done()


async def set_carrier(tx: Tx, ask: Asked[SetCarrier]) -> Done:
    if not await store.set_carrier(tx, ask.body.name, ask.body.state, ask.body.parts_per_s):
        raise Refusal(Code.NOT_FOUND, NO_SUCH)
    return Done()


async def remove_carrier(tx: Tx, ask: Asked[RemoveCarrier]) -> Done:
    if await store.used(tx, ask.body.name):
        raise Refusal(
            Code.WRONG_STATE,
            "texts wait for this carrier, are on their way with it or may still come to it: pause it, and wait",
        )
    if not await store.remove(tx, ask.body.name):
        raise Refusal(Code.NOT_FOUND, NO_SUCH)
    return Done()


async def set_sender_cap(tx: Tx, ask: Asked[SetSenderCap]) -> Done:
    await store.set_cap(tx, sender_key(ask.body.sender), ask.body.parts_per_s)
    return Done()


async def list_carriers(tx: Tx, ask: Asked[ListCarriers]) -> Carriers:
    binds: dict[str, list[Bind]] = defaultdict(list)
    for row in await store.binds(tx):
        binds[row["name"]].append(Bind(**{key: value for key, value in row.items() if key != "name"}))
    counts = await store.counts(tx)
    items = []
    for carrier in await store.listed(tx):
        here = tx.app.desk_of(carrier.id)
        down_s = carrier.down_s if carrier.down_s is not None else here.down_s if here else 0.0
        queued, in_doubt = counts.get(carrier.id, (0, 0))
        doing = await routing.lately(tx, carrier.id)
        items.append(
            CarrierInfo(
                name=carrier.name,
                kind=carrier.kind,
                state=CarrierState(carrier.state),
                parts_per_s=carrier.parts_per_s,
                share=carrier.share,
                held=rules.held(carrier.state, down_s),
                queued=queued,
                in_doubt=in_doubt,
                binds=binds[carrier.name],
                lately=CarrierLately(
                    answered=doing.answered, errors=doing.errors, delivered=doing.delivered, slow=doing.slow
                ),
                settings=_shown(tx.app, carrier),
            )
        )
    return Carriers(items=items)


def _shown(app: Messaging, carrier: Listed) -> dict[str, Any]:
    """With the secrets masked, as pydantic masks them."""
    if carrier.kind not in KINDS:
        return {}
    try:
        settings = KINDS[carrier.kind].settings.model_validate(app.seal.open(carrier.settings))
    except (Unreadable, ValidationError):
        return {"unusable": "sealed under another key, or of an earlier version: set them again"}
    shown: dict[str, Any] = settings.model_dump(mode="json")
    return shown
