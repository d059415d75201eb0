"""Which carrier takes a text: plain functions on values. Routes by position; of one position by weight; what is down or held is left out, and said.

A text's place among the weights is its id's, so a decision can be repeated and explained. A text without a usable carrier waits for the first that
its routes name; one that no route matches has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from libs.common import countries
from libs.common.phone import sender_key

NO_WAY_OUT = 0  # the carrier of tests
A_TEST = "a test: it never leaves the platform"
WEIGHT_UNITS = 2**32


@dataclass(frozen=True, slots=True)
class Route:
    """What is None matches everything."""

    position: int
    carrier: int
    weight: int
    prefix: str | None = None
    country: str | None = None
    sender: str | None = None  # sender key
    company_id: int | None = None
    lane: int | None = None

    def matches(self, text: Routable) -> bool:
        return (
            (self.company_id is None or self.company_id == text.company_id)
            and (self.lane is None or self.lane == text.lane)
            and (self.prefix is None or text.number.startswith(self.prefix))
            and (self.sender is None or self.sender == sender_key(text.sender))
            and (self.country is None or self.country == countries.region(text.number))
        )


@dataclass(frozen=True, slots=True)
class Condition:
    """A carrier as routing sees it. `held`: why nothing new goes to it, '' where something may. `strands`: what waits for it cannot go out either.
    `share`: of its weight, up to 1."""

    name: str
    held: str = ""
    strands: bool = False
    share: float = 1.0


class Routable(NamedTuple):
    id: UUID
    company_id: int
    lane: int
    number: str
    sender: str
    test: bool = False


class Decision(NamedTuple):
    carrier: int
    why: str


THE_TESTS = Decision(NO_WAY_OUT, A_TEST)


class Table:
    """The routes and the carriers' conditions at a moment."""

    def __init__(self, routes: Iterable[Route], conditions: Mapping[int, Condition]) -> None:
        ordered = sorted(routes, key=lambda route: route.position)
        self._groups = [(at, list(some)) for at, some in groupby(ordered, key=lambda route: route.position)]
        self._conditions = conditions
        self._choices: dict[tuple[int, tuple[int, ...]], Choice] = {}
        self._by_number = any(route.prefix or route.country for route in ordered)
        self._of_any_number: dict[tuple[int, int, str], tuple[Choice | None, tuple[Choice, ...]]] = {}

    def stranding(self) -> list[int]:
        """The carriers that send nothing of what waits for them."""
        return [id_ for id_, condition in self._conditions.items() if condition.strands and id_ != NO_WAY_OUT]

    def is_up(self, carrier: int) -> bool:
        return not self._conditions[carrier].held

    def why_held(self, carrier: int) -> str:
        return self._conditions[carrier].held

    def name_of(self, carrier: int) -> str:
        return self._conditions[carrier].name

    def decide(self, text: Routable) -> Decision | None:
        """None where no route matches."""
        if text.test:
            return THE_TESTS
        if self._by_number:
            choice, passed = self._choose(text)
        else:  # what a campaign's recipients share
            key = text.company_id, text.lane, text.sender
            if (found := self._of_any_number.get(key)) is None:
                found = self._of_any_number[key] = self._choose(text)
            choice, passed = found
        return None if choice is None else choice.of(text.id, passed)

    def _choose(self, text: Routable) -> tuple[Choice | None, tuple[Choice, ...]]:
        """The first choice that is up, with those before it; else the first of all; None where no route matches."""
        passed: list[Choice] = []
        for position, group in self._groups:
            matching = tuple(n for n, route in enumerate(group) if route.matches(text))
            if not matching:
                continue
            choice = self._choice(position, group, matching)
            if choice.up:
                return choice, tuple(passed)
            passed.append(choice)
        return (passed[0] if passed else None), ()

    def _choice(self, position: int, group: list[Route], matching: tuple[int, ...]) -> Choice:
        """The same for all texts that the same routes match: made once for each table."""
        key = position, matching
        if key not in self._choices:
            self._choices[key] = _choice(position, [group[n] for n in matching], self._conditions)
        return self._choices[key]


@dataclass(frozen=True, slots=True)
class Choice:
    """Carriers and where each one's part of the weights ends, the sentence that tells it, and what is left out."""

    up: bool
    ends: tuple[tuple[float, int], ...]
    why: str
    out: str

    def of(self, id_: UUID, passed: Sequence[Choice] = ()) -> Decision:
        """`passed`: those of lower positions, of which none is up."""
        why = "; ".join([self.why, *(f"before it, {choice.out}" for choice in passed)]) if passed else self.why
        if len(self.ends) == 1:
            return Decision(self.ends[0][1], why)
        place = (id_.int % WEIGHT_UNITS) / WEIGHT_UNITS * self.ends[-1][0]
        return Decision(next(carrier for end, carrier in self.ends if place < end), why)


def _choice(position: int, routes: list[Route], conditions: Mapping[int, Condition]) -> Choice:
    usable = [route for route in routes if not conditions[route.carrier].held]
    end, ends, said = 0.0, [], []
    for route in usable or routes:
        condition = conditions[route.carrier]
        weight = route.weight * (condition.share if usable else 1)
        end += weight
        ends.append((end, route.carrier))
        said.append(f"{condition.name} {weight:g}")
    out = ", ".join(sorted({f"{c.name} {c.held}" for route in routes if (c := conditions[route.carrier]).held}))
    why = f"routes at {position}: " + ", ".join(said)
    if out:
        why += ("; left out: " if usable else "; waits, for none is up: ") + out
    return Choice(bool(usable), tuple(ends), why, out)


# The automatic shift. Notify moves weights when 15 % of the last quarter of an hour's texts took over five minutes; errors count here too.
SLOW_S = 300.0
ENOUGH = 20  # of anything in the window: less says nothing
ERRORS_HIGH = 0.10
SLOW_HIGH = 0.15
SHARE_MIN = 0.05  # never none: what is not used cannot show that it is well again
SHIFT_EVERY_S = 30.0
WINDOW_S = 600.0


@dataclass(frozen=True, slots=True)
class Doing:
    """How a carrier did in the last WINDOW_S."""

    answered: int = 0
    errors: int = 0
    delivered: int = 0
    slow: int = 0

    def __add__(self, o: Doing) -> Doing:
        return Doing(
            self.answered + o.answered, self.errors + o.errors, self.delivered + o.delivered, self.slow + o.slow
        )


def shifted(share: float, lately: Doing) -> float:
    """The carrier's next share of its weight: halved while errors or delivery times are high, back in steps of a quarter while they are not."""
    submits = lately.answered + lately.errors
    bad = submits >= ENOUGH and lately.errors >= ERRORS_HIGH * submits
    late = lately.delivered >= ENOUGH and lately.slow >= SLOW_HIGH * lately.delivered
    if bad or late:
        return max(SHARE_MIN, share / 2)
    return min(1.0, share + 0.25)
