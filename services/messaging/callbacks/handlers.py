"""Callbacks: HTTP requests of carriers, proven, stored and answered; what they say is read by loop.py.

Owns the way from the gateway to `raw_callbacks`. Whoever cannot prove to be the carrier leaves nothing behind, and learns nothing.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import structlog

from libs.common.bus import Asked
from libs.common.contracts.base import Code, Contract, Done, Refusal
from libs.common.contracts.carriers import CallbackTaken, ReplayCallbacks, TakeCallback
from libs.common.db import Tx
from services.messaging.callbacks import store
from services.messaging.carriers.carrier import Callback, CallbackAnswer, CalledBack, Unauthentic

if TYPE_CHECKING:
    from services.messaging.connections.desk import Desk

log = structlog.get_logger()

KEPT_HEADERS = frozenset({"content-type", "date", "user-agent"})  # the others may be the secret itself


async def take_callbacks(tx: Tx, asked: Sequence[Asked[TakeCallback]]) -> list[Contract | Refusal]:
    """Many at once: they come in bursts, a receipt a text."""
    answers: list[Contract | Refusal] = []
    proven: list[tuple[UUID, str, Callback]] = []
    for one in asked:
        try:
            callback = _callback(one.body)
            told = _prove(tx.app.desks, one.body.carrier, callback)
        except Refusal as refusal:
            answers.append(refusal)
            continue
        kept = {name: value for name, value in callback.headers.items() if name in KEPT_HEADERS}
        stored = Callback(callback.method, callback.url, callback.path, kept, callback.body, callback.at)
        proven.append((one.id, one.body.carrier, stored))
        answers.append(CallbackTaken(status=told.status, content_type=told.content_type, body=told.body))
    await store.keep(tx, proven)
    if proven:
        tx.wake("callbacks")
    return answers


def called_back(desks: Sequence[Desk], name: str) -> tuple[Desk, CalledBack] | None:
    """The carrier of that name, where it is one whose receipts and texts come in as HTTP requests."""
    for desk in desks:
        carrier: Any = desk.carrier
        if carrier.name == name and hasattr(carrier, "authenticate"):
            return desk, cast("CalledBack", carrier)
    return None


def _prove(desks: Sequence[Desk], name: str, callback: Callback) -> CallbackAnswer:
    found = called_back(desks, name)
    if found is None:
        raise Refusal(Code.NOT_FOUND)
    try:
        return found[1].authenticate(callback)
    except Unauthentic as error:
        log.warning("callback_not_proven", carrier=name, why=str(error))
        raise Refusal(Code.PERMISSION_DENIED) from None


def _callback(ask: TakeCallback) -> Callback:
    try:
        body = base64.b64decode(ask.body_base64, validate=True)
    except binascii.Error:
        raise Refusal(Code.INVALID_REQUEST, "body_base64: is no base64") from None
    return Callback(ask.method, ask.url, ask.path, ask.headers, body, ask.at)


async def replay_callbacks(tx: Tx, asked: Asked[ReplayCallbacks]) -> Done:
    ask = asked.body
    await store.again(tx, ask.carrier, ask.since, ask.until, troubled=ask.troubled)
    tx.wake("callbacks")
    return Done()
