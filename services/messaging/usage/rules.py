"""What texts cost, and what a company may still send: plain functions of values; no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from libs.common.contracts.usage import SetAccount
from services.messaging.carriers.carrier import Answer, Refused


class PriceTable:
    """Of one part, in millionths of the currency's unit, by the longest prefix of the number. A number that none fits costs nothing."""

    def __init__(self, currency: str = "", prices: Mapping[str, int] | None = None) -> None:
        self.currency = currency
        self._prices = dict(prices or {})
        self._lengths = sorted({len(prefix) for prefix in self._prices}, reverse=True)

    def of(self, number: str) -> int:
        for length in self._lengths:
            if (price := self._prices.get(number[:length])) is not None:
                return price
        return 0


@dataclass(frozen=True, slots=True)
class Bound:
    """What bounds a company at a moment. `credit`: micros left, below 0 where it was taken away; `parts`: left of this month's cap. None: no bound."""

    credit: int | None
    parts: int | None

    def after(self, micros: int, parts: int) -> Bound:
        return Bound(
            None if self.credit is None else self.credit - micros, None if self.parts is None else self.parts - parts
        )

    @property
    def kept(self) -> bool:
        """Whether nothing was spent beyond it."""
        return (self.credit is None or self.credit >= 0) and (self.parts is None or self.parts >= 0)


Use = tuple[int, str, int]  # company, sender, campaign (0: single texts); plain, for one is made of each text


@dataclass(slots=True)
class Sum:
    texts: int = 0
    parts: int = 0
    micros: int = 0


def summed(used: Iterable[tuple[Use, int, int, int]]) -> dict[Use, Sum]:
    """`used`: each use with its texts, parts and micros."""
    sums: dict[Use, Sum] = {}
    for use, texts, parts, micros in used:
        if (sum_ := sums.get(use)) is None:
            sum_ = sums[use] = Sum()
        sum_.texts += texts
        sum_.parts += parts
        sum_.micros += micros
    return sums


def not_taken(parts: int, answers: Sequence[Answer]) -> int:
    """How many of `parts`, for which a carrier gave these answers, it surely did not take: all where it was not even asked. One answer may be for all
    parts; what has no answer may have been taken."""
    if not answers:
        return parts
    return parts * sum(isinstance(answer, Refused) for answer in answers) // len(answers)


def month_of(at: datetime) -> date:
    """The first day of its month; `at` in UTC."""
    return at.date().replace(day=1)


@dataclass(frozen=True, slots=True)
class Terms:
    """What an operator has set of an account, with what was spent: the credit is what was granted less that."""

    granted_micros: int | None = None
    spent_micros: int = 0
    low_micros: int = 0
    parts_a_month: int | None = None
    weight: int = 1


def changed(terms: Terms, wanted: SetAccount) -> Terms:
    """What is not wanted otherwise stays."""
    granted, cap = terms.granted_micros, terms.parts_a_month
    if wanted.unlimited:
        granted = cap = None
    if wanted.credit_micros is not None:
        granted = terms.spent_micros + wanted.credit_micros
    if wanted.top_up_micros is not None:
        granted = (terms.spent_micros if granted is None else granted) + wanted.top_up_micros
    return replace(
        terms,
        granted_micros=granted,
        parts_a_month=cap if wanted.parts_a_month is None else wanted.parts_a_month,
        low_micros=terms.low_micros if wanted.low_micros is None else wanted.low_micros,
        weight=wanted.weight or terms.weight,
    )
