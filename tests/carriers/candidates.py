"""The carriers that must conform. A new one is one more Candidate: how it is set up against the simulator, and which of its faults it cannot have."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.messaging.carriers.carrier import Carrier, Place
from services.messaging.carriers.embedded.client import EmbeddedCarrier
from services.messaging.carriers.kinds import KINDS
from services.simulator.faults import Kind
from tests.integration.callbacks.conftest import JSON_SID, JSON_TOKEN, SID, TOKEN, plain_settings
from tests.integration.simulator.process import SimulatorProcess

ANSWER_LIMIT_S = 2.5  # of all of them: a test that loses an answer waits for so long
SILENCE_LIMIT_S = 3.0  # of the simulator too
WINDOW = 20

# What a simulator must be told, so that the HTTP candidates have accounts.
ACCOUNTS = json.dumps([{"sid": SID, "token": TOKEN}, {"sid": JSON_SID, "token": JSON_TOKEN, "api": "json"}])

IN_PARTS = dict.fromkeys((Kind.PART_MISSING, Kind.PART_TWICE, Kind.PARTS_SHUFFLED), "texts are whole on this wire")
BETWEEN_FRAMES = dict.fromkeys(
    (Kind.UNKNOWN_COMMAND, Kind.MALFORMED), "there is nothing between a request and its answer"
)


@dataclass(frozen=True)
class Candidate:
    """`account`: whose texts and faults they are at the simulator. `protocol`: AddCarrier's; '': every installation has it."""

    name: str
    account: str
    protocol: str
    settings: Callable[[SimulatorProcess, int], dict[str, Any]] = lambda *_: {}
    token: str = ""  # of an HTTP one: it is called back
    not_here: Mapping[Kind, str] = field(default_factory=dict)  # faults it cannot have, and why
    late_answers: bool = True  # an answer after the limit can still be told from others
    whole_texts_in: bool = True
    slows_itself: bool = False  # keeps the pace down where it is told to, not only the ledger

    @property
    def called_back(self) -> bool:
        return bool(self.token)

    def make(self, simulator: SimulatorProcess, callbacks_url: str, window: int, epoch: int) -> Carrier:
        if not self.protocol:
            return EmbeddedCarrier("127.0.0.1", simulator.carrier_port, "conformance", epoch, window, ANSWER_LIMIT_S)
        kind = KINDS[self.protocol]
        settings = kind.settings.model_validate(self.settings(simulator, window))
        return kind.make(settings, Place(self.name, "conformance", epoch, callbacks_url))


def _smpp(simulator: SimulatorProcess, window: int) -> dict[str, Any]:
    return {
        "host": "127.0.0.1",
        "port": simulator.smpp_port,
        "system_id": "conformance",
        "password": "simulate",
        "window": window,
        "answer_limit_s": ANSWER_LIMIT_S,
        "enquire_link_s": SILENCE_LIMIT_S / 4,
        "silence_limit_s": SILENCE_LIMIT_S,
        "receipt_errors": "map",
        "query": True,
    }


def _twilio(simulator: SimulatorProcess, window: int) -> dict[str, Any]:
    url = f"http://127.0.0.1:{simulator.message_api_port}"
    return {"base_url": url, "account_sid": SID, "auth_token": TOKEN, "window": window}


def _generic(simulator: SimulatorProcess, window: int) -> dict[str, Any]:
    settings = plain_settings(f"http://127.0.0.1:{simulator.message_api_port}", window=window).model_dump(mode="json")
    settings["callbacks"]["receipts"]["failures"] |= {"memory_full": "temporary", "call_barred": "permanent"}
    return {**settings, "secrets": {"token": JSON_TOKEN}}  # model_dump masks it


CANDIDATES = (
    Candidate("embedded", "embedded", "", not_here=IN_PARTS),
    Candidate("smpp", "smpp:conformance", "smpp", _smpp, whole_texts_in=False, slows_itself=True),
    Candidate(
        "twilio",
        SID,
        "twilio",
        _twilio,
        TOKEN,
        not_here={**IN_PARTS, **BETWEEN_FRAMES},
        late_answers=False,  # its connection is closed
    ),
    Candidate(
        "generic",
        JSON_SID,
        "generic",
        _generic,
        JSON_TOKEN,
        not_here={**IN_PARTS, **BETWEEN_FRAMES},
        late_answers=False,
    ),
)
