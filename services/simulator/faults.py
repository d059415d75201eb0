"""Faults on order: what the network does wrong, when, and how often it really did.

Owns the list of faults and their counters, and turns them into a text's plan. Fires by the n-th hit, never by time,
so that a run can be repeated. Touches no socket and no log.
"""

import random
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from services.simulator.rules import FAULTLESS, Behaviour, Fate, Plan

STEP_S = 0.2  # between the two sides of a wrong order: wider than any batch's wait
DELAY_MS_MAX = 600_000


class Kind(StrEnum):
    NO_ANSWER = "no_answer"  # taken, never answered
    LATE_ANSWER = "late_answer"  # taken, answered after delay_ms
    RECEIPT_BEFORE_ANSWER = "receipt_before_answer"  # the answer comes delay_ms after the receipt
    RECEIPT_TWICE = "receipt_twice"
    RECEIPT_OUT_OF_ORDER = "receipt_out_of_order"  # the final state, then `accepted`
    RECEIPT_NEVER = "receipt_never"
    THROTTLE = "throttle"  # refused, with retry_after_s
    REFUSE = "refuse"  # refused, with reason
    DISCONNECT = "disconnect"  # taken, then the connection closed; the rest of its frame was never received
    DUPLICATE_TEXT = "duplicate_text"  # a text from a handset, sent to the client twice with one id


ANSWER_FAULTS = (Kind.DISCONNECT, Kind.NO_ANSWER, Kind.LATE_ANSWER, Kind.RECEIPT_BEFORE_ANSWER)
DELAYED_ANSWERS = frozenset({Kind.LATE_ANSWER, Kind.RECEIPT_BEFORE_ANSWER})
RECEIPT_FAULTS = (Kind.RECEIPT_NEVER, Kind.RECEIPT_TWICE, Kind.RECEIPT_OUT_OF_ORDER)


class Fault(BaseModel):
    """Fires on some of the hits, a hit being each text of its kind (to `number`, or from it): the first `count`, each
    `every`-th, or with `probability` under `seed`; in all cases only after the first `after_hits`."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    count: int | None = Field(None, ge=1)
    every: int | None = Field(None, ge=1)
    probability: float | None = Field(None, gt=0, le=1)
    seed: int = 0
    after_hits: int = Field(0, ge=0)
    delay_ms: int = Field(200, ge=0, le=DELAY_MS_MAX)
    number: str | None = None
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

    def hit(self, number: str) -> bool:
        """Counts the hit, if it is one, and answers whether the fault fires on it."""
        if self.number is not None and self.number != number:
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

    def fires(self, kind: Kind, number: str) -> Fault | None:
        """The first that fires. Every fault of the kind counts the hit."""
        fired = [fault for fault in self._by_kind.get(kind, ()) if fault.hit(number)]
        return fired[0] if fired else None


def plan(number: str, behaviour: Behaviour, faults: Faults) -> Plan:
    """What will happen to a text to `number` that the rules take. A refused one is no hit for any other fault."""
    if throttle := faults.fires(Kind.THROTTLE, number):
        return Plan(refused="throttled", retry_after_s=throttle.retry_after_s)
    if refuse := faults.fires(Kind.REFUSE, number):
        return Plan(refused=refuse.reason)

    answer = _first(number, faults, ANSWER_FAULTS)  # at most one: a fault that another one hides would count as fired
    delay_s = answer.delay_ms / 1000 if answer and answer.kind in DELAYED_ANSWERS else FAULTLESS.answer_delay_s
    at_once = answer is not None and answer.kind is Kind.RECEIPT_BEFORE_ANSWER
    fate, receipts = _receipts(number, behaviour, faults, 0.0 if at_once else behaviour.delay_ms / 1000)
    return Plan(
        answered=answer is None or answer.kind in DELAYED_ANSWERS,
        answer_delay_s=delay_s,
        hang_up=answer is not None and answer.kind is Kind.DISCONNECT,
        fate=fate,
        receipts=receipts,
    )


def _first(number: str, faults: Faults, kinds: tuple[Kind, ...]) -> Fault | None:
    return next((fault for kind in kinds if (fault := faults.fires(kind, number))), None)


def _receipts(
    number: str, behaviour: Behaviour, faults: Faults, delay_s: float
) -> tuple[Fate, tuple[tuple[float, str], ...]]:
    fate = behaviour.receipt
    if fate is Fate.NEVER:
        return fate, ()
    receipt = _first(number, faults, RECEIPT_FAULTS)
    match receipt.kind if receipt else None:
        case Kind.RECEIPT_NEVER:
            return Fate.NEVER, ()
        case Kind.RECEIPT_TWICE:
            return fate, ((delay_s, fate.value), (delay_s + STEP_S, fate.value))
        case Kind.RECEIPT_OUT_OF_ORDER:
            return fate, ((delay_s, fate.value), (delay_s + STEP_S, "accepted"))
        case _:
            return fate, ((delay_s, fate.value),)
