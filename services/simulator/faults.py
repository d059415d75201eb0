"""Faults on order: what the network does wrong, when, and how often it really did.

Owns the list of faults and their counters, and turns them into a text's plan. Fires by the n-th hit, never by time,
so that a run can be repeated. Touches no socket and no log.
See protocol.md, section 7.
"""

import random
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from services.simulator.rules import FAULTLESS, Behaviour, Fate, Plan

STEP_S = 0.2  # between the two sides of a wrong order: wider than any batch's wait
DELAY_MS_MAX = 600_000
FAILED_BECAUSE = "absent_subscriber"


class Kind(StrEnum):
    # of an answer
    NO_ANSWER = "no_answer"  # taken, never answered
    LATE_ANSWER = "late_answer"  # taken, answered after delay_ms
    DISCONNECT = "disconnect"  # taken, then the connection closed; the rest of its frame was never received
    DISCONNECT_FULL_WINDOW = "disconnect_full_window"  # for delay_ms all is taken and nothing answered; then closed
    ANSWER_AFTER_DISCONNECT = "answer_after_disconnect"  # closed; the answer is the first thing on the next session
    HALF_OPEN = "half_open"  # taken; from then on the session keeps its socket and says nothing more
    GARBAGE = "garbage"  # taken; in place of the answer comes what is no frame
    OVERSIZE = "oversize"  # taken; in place of the answer comes a frame that says it is far too long
    WRONG_SEQUENCE = "wrong_sequence"  # taken; the answer names a text that was never sent
    UNKNOWN_COMMAND = "unknown_command"  # taken and answered, after a command that does not exist
    MALFORMED = "malformed"  # taken and answered, after a frame with a broken body
    EMPTY_ID = "empty_id"  # taken; the answer brings no reference
    # of an answer and a receipt
    RECEIPT_BEFORE_ANSWER = "receipt_before_answer"  # the answer comes delay_ms after the receipt
    # of a receipt
    RECEIPT_TWICE = "receipt_twice"
    RECEIPT_OUT_OF_ORDER = "receipt_out_of_order"  # the final state, then `accepted`
    RECEIPT_NEVER = "receipt_never"
    # refusals
    THROTTLE = "throttle"  # refused, with retry_after_s
    QUEUE_FULL = "queue_full"  # refused, with retry_after_s
    REFUSE = "refuse"  # refused, with reason
    GENERIC_NACK = "generic_nack"  # refused as a frame that could not be understood
    # of a text from a handset
    DUPLICATE_TEXT = "duplicate_text"  # sent to the client twice with one id
    DUPLICATE_TEXT_NEW_ID = "duplicate_text_new_id"  # sent to the client twice, the second time with an id of its own
    PART_MISSING = "part_missing"  # one part of a long text, which `seed` chooses, is never sent
    PART_TWICE = "part_twice"
    PARTS_SHUFFLED = "parts_shuffled"


REFUSALS = (
    (Kind.THROTTLE, "throttled"),
    (Kind.QUEUE_FULL, "queue_full"),
    (Kind.REFUSE, None),
    (Kind.GENERIC_NACK, "generic_nack"),
)
ANSWER_FAULTS = (
    Kind.DISCONNECT,
    Kind.DISCONNECT_FULL_WINDOW,
    Kind.ANSWER_AFTER_DISCONNECT,
    Kind.HALF_OPEN,
    Kind.GARBAGE,
    Kind.OVERSIZE,
    Kind.WRONG_SEQUENCE,
    Kind.UNKNOWN_COMMAND,
    Kind.MALFORMED,
    Kind.EMPTY_ID,
    Kind.NO_ANSWER,
    Kind.LATE_ANSWER,
    Kind.RECEIPT_BEFORE_ANSWER,
)
DELAYED_ANSWERS = frozenset({Kind.LATE_ANSWER, Kind.RECEIPT_BEFORE_ANSWER})
TRUE_ANSWERS = DELAYED_ANSWERS | {Kind.UNKNOWN_COMMAND, Kind.MALFORMED, Kind.EMPTY_ID}  # sooner or later it comes
ODDITIES = frozenset(ANSWER_FAULTS) - DELAYED_ANSWERS - {Kind.DISCONNECT, Kind.NO_ANSWER}
LAST_RECEIVED = frozenset({Kind.DISCONNECT, Kind.ANSWER_AFTER_DISCONNECT, Kind.HALF_OPEN})
RECEIPT_FAULTS = (Kind.RECEIPT_NEVER, Kind.RECEIPT_TWICE, Kind.RECEIPT_OUT_OF_ORDER)


class Fault(BaseModel):
    """Fires on some of the hits, a hit being each text of its kind (to `number`, or from it; of `account`): the first
    `count`, each `every`-th, or with `probability` under `seed`; in all cases only after the first `after_hits`."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    count: int | None = Field(None, ge=1)
    every: int | None = Field(None, ge=1)
    probability: float | None = Field(None, gt=0, le=1)
    seed: int = 0
    after_hits: int = Field(0, ge=0)
    delay_ms: int = Field(200, ge=0, le=DELAY_MS_MAX)
    number: str | None = None
    account: str | None = None
    reason: str = Field("bad_number", pattern=r"^[a-z0-9_]{1,32}$")
    retry_after_s: float = Field(1.0, ge=0)

    _hits: int = PrivateAttr(0)
    _fired: int = PrivateAttr(0)
    _random: random.Random = PrivateAttr()

    @model_validator(mode="after")
    def _one_trigger(self) -> Self:
        if [self.count, self.every, self.probability].count(None) != 2:
            raise ValueError("exactly one of count, every and probability is needed")
        return self

    def model_post_init(self, _context: object) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - a dice that can be thrown again, not a secret

    def hit(self, number: str, account: str | None = None) -> bool:
        """Counts the hit, if it is one, and answers whether the fault fires on it."""
        if self.number not in (None, number) or self.account not in (None, account):
            return False
        self._hits += 1
        fires = self._hits > self.after_hits and self._fires_on(self._hits - self.after_hits)
        self._fired += fires
        return fires

    def _fires_on(self, nth: int) -> bool:
        if self.count is not None:
            return nth <= self.count
        if self.every is not None:
            return nth % self.every == 0
        assert self.probability is not None
        return self._random.random() < self.probability

    def report(self) -> dict[str, object]:
        return {**self.model_dump(mode="json", exclude_none=True), "hits": self._hits, "fired": self._fired}


class Faults:
    def __init__(self) -> None:
        self._by_kind: dict[Kind, list[Fault]] = {}

    def __bool__(self) -> bool:
        return bool(self._by_kind)

    def add(self, faults: list[Fault]) -> None:
        for fault in faults:
            self._by_kind.setdefault(fault.kind, []).append(fault)

    def clear(self) -> None:
        self._by_kind.clear()

    def report(self) -> list[dict[str, object]]:
        return [fault.report() for faults in self._by_kind.values() for fault in faults]

    def fires(self, kind: Kind, number: str, account: str | None = None) -> Fault | None:
        """The first that fires. Every fault of the kind counts the hit."""
        fired = [fault for fault in self._by_kind.get(kind, ()) if fault.hit(number, account)]
        return fired[0] if fired else None

    def first(self, kinds: tuple[Kind, ...], number: str, account: str | None) -> Fault | None:
        """At most one: a fault that another one hides would count as fired."""
        return next((fault for kind in kinds if (fault := self.fires(kind, number, account))), None)


def plan(number: str, behaviour: Behaviour, faults: Faults, validity_s: int = 0, account: str | None = None) -> Plan:
    """What will happen to a text to `number` that the rules take. A refused one is no hit for any other fault."""
    if behaviour.refused is not None:
        return Plan(refused=behaviour.refused)
    for kind, code in REFUSALS:
        if refusing := faults.fires(kind, number, account):
            waits = kind in (Kind.THROTTLE, Kind.QUEUE_FULL)
            return Plan(refused=code or refusing.reason, retry_after_s=refusing.retry_after_s if waits else None)

    answer = faults.first(ANSWER_FAULTS, number, account)
    kind_or_none = answer.kind if answer else None
    fate, fate_s = _fate(behaviour, validity_s)
    waits_s = 0.0 if kind_or_none is Kind.RECEIPT_BEFORE_ANSWER else fate_s + behaviour.delay_ms / 1000
    delayed = answer is not None and answer.kind in DELAYED_ANSWERS | {Kind.DISCONNECT_FULL_WINDOW}
    said, receipts = _receipts(
        fate, waits_s, faults.first(RECEIPT_FAULTS, number, account) if fate != Fate.NEVER else None
    )
    if behaviour.accepted_first and receipts:
        receipts = ((behaviour.delay_ms / 1000, "accepted"), *receipts)
    return Plan(
        answered=kind_or_none is None or kind_or_none in TRUE_ANSWERS,
        answer_delay_s=answer.delay_ms / 1000 if answer and delayed else FAULTLESS.answer_delay_s,
        hang_up=kind_or_none is Kind.DISCONNECT,
        oddity=kind_or_none if kind_or_none in ODDITIES else None,
        fate=said,
        error=(behaviour.error or FAILED_BECAUSE) if fate is Fate.FAILED else None,
        fate_s=fate_s,
        receipts=receipts,
    )


def _fate(behaviour: Behaviour, validity_s: int) -> tuple[Fate, float]:
    """What becomes of the text, and after how long that is sealed."""
    on_air_s = behaviour.on_air_ms / 1000
    return (Fate.EXPIRED, validity_s) if 0 < validity_s < on_air_s else (behaviour.receipt, on_air_s)


def _receipts(fate: Fate, delay_s: float, fault: Fault | None) -> tuple[Fate, tuple[tuple[float, str], ...]]:
    if fate is Fate.NEVER:
        return fate, ()
    match fault.kind if fault else None:
        case Kind.RECEIPT_NEVER:
            return Fate.NEVER, ()
        case Kind.RECEIPT_TWICE:
            return fate, ((delay_s, fate.value), (delay_s + STEP_S, fate.value))
        case Kind.RECEIPT_OUT_OF_ORDER:
            return fate, ((delay_s, fate.value), (delay_s + STEP_S, "accepted"))
        case _:
            return fate, ((delay_s, fate.value),)
