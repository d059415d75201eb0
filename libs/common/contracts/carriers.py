"""The language of `messaging` with carriers that call back over HTTP: the gateway passes on what came in, as it came."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from pydantic import AwareDatetime, Field

from libs.common.contracts.base import Command, Contract, Done, Lane
from libs.common.contracts.routing import CarrierName


class CallbackTaken(Contract):
    """What the carrier is answered."""

    status: int
    content_type: str
    body: str


class TakeCallback(Command[CallbackTaken]):
    """One HTTP request of a carrier. Its proof is in the request itself, so that it needs no grant; it is stored before it is answered, and read after.

    Refused with not_found where no carrier of that name is called back, and with permission_denied where the proof is not right. The ask's id is the
    stored request's: a repeat is the same one, which is why the inbox need not remember it.
    """

    owner: ClassVar[str] = "messaging"
    lane: ClassVar[Lane] = Lane.URGENT
    remembered: ClassVar[bool] = False

    carrier: str = Field(max_length=100)
    method: str
    url: str
    path: str
    headers: dict[str, str]
    body_base64: str
    at: AwareDatetime


class ReplayCallbacks(Command[Done]):
    """Reads a carrier's stored callbacks from `since` to before `until` again: after a mapping or a table was mended. Repeats change nothing.

    `troubled`: only those that could not be read.
    """

    owner: ClassVar[str] = "messaging"

    carrier: CarrierName
    since: datetime
    until: datetime
    troubled: bool = True
