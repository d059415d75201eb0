"""The kinds of carriers that an operator can add: the one list of their folders."""

from __future__ import annotations

from collections.abc import Mapping

from services.messaging.carriers.carrier import Kind
from services.messaging.carriers.generic.kind import KIND as GENERIC
from services.messaging.carriers.smpp.kind import KIND as SMPP
from services.messaging.carriers.twilio.kind import KIND as TWILIO

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (SMPP, TWILIO, GENERIC)}
