"""What must hold when a campaign has been interrupted in every way: from the network's log, the two services' rows and the STOPs, plain values in,
sentences out. Knows no process and no database; judged the same whoever filled it in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

from tests.bench.machine import quantile

END_STATES = ("delivered", "failed", "expired", "suppressed", "cancelled", "rejected", "in_doubt")
NOTHING_SENT = ("suppressed", "cancelled")
SHOWN_MAX = 3


@dataclass(frozen=True)
class Halt:
    """A pause or a stop: what its answer said can still arrive, and how many came after it."""

    what: str
    answered_s: float  # how long the answer took
    can_still_arrive: int
    arrived: int


@dataclass(frozen=True)
class Aftermath:
    """Numbers in E.164. `arrived`: how often each handset got the campaign's text, by the network's own log; `recipients` and `ledger`: each number's state,
    as campaign and as messaging have it, None where it has no end; `not_handed_over`: recipients that messaging was never given."""

    numbers: Set[str]
    arrived: Mapping[str, int]
    recipients: Mapping[str, str | None]
    ledger: Mapping[str, str]
    not_handed_over: Set[str]
    stopped: Set[str]  # numbers that texted STOP
    stopped_before: Set[str]  # of them: before the launch, and known to messaging by then
    stopped_for_good: bool  # the campaign was
    kills: Mapping[str, int]  # by service
    window: int  # of one process's carriers
    books: Sequence[str]  # faults that the services found in their own
    halts: Sequence[Halt] = field(default_factory=list)

    @property
    def in_doubt(self) -> set[str]:
        return {number for number, state in self.ledger.items() if state == "in_doubt"}

    @property
    def in_doubt_max(self) -> int:
        """One carrier window a kill of a process that holds carriers."""
        return self.window * sum(self.kills.get(service, 0) for service in ("messaging", "connector"))

    def of(self, state: str) -> set[str]:
        return {number for number, its in self.recipients.items() if its == state}


def faults(found: Aftermath) -> list[str]:
    """Each as a sentence, with the first numbers that show it."""
    return [*_of_numbers(found), *_of_counts(found), *(f"the books say: {fault}" for fault in found.books)]


def _of_numbers(found: Aftermath) -> list[str]:
    cancelled = found.of("cancelled") | found.not_handed_over
    accounted = found.arrived.keys() | found.of("suppressed") | found.in_doubt
    accounted |= cancelled if found.stopped_for_good else set()
    unlike = {n for n, state in found.recipients.items() if state is not None and state != found.ledger.get(n)}
    said = {
        "got the text twice": {number for number, count in found.arrived.items() if count > 1},
        "got the text and are on no list": found.arrived.keys() - found.numbers,
        "are missing: at no handset, not opted out, not in doubt": found.numbers - accounted,
        "are no recipients": found.numbers - found.recipients.keys(),
        "count as delivered and got nothing": found.of("delivered") - found.arrived.keys(),
        "got the text and count as kept from it": found.arrived.keys() & set().union(*map(found.of, NOTHING_SENT)),
        "got the text and were never handed over": found.arrived.keys() & found.not_handed_over,
        "are suppressed and never texted STOP": found.of("suppressed") - found.stopped,
        "texted STOP before the launch and got the text": found.stopped_before & found.arrived.keys(),
        "ended for campaign otherwise than for messaging": unlike,
        "have no end": {n for n, state in found.recipients.items() if state is None} - found.not_handed_over,
    }
    if not found.stopped_for_good:
        said["are cancelled, though the campaign was not stopped"] = cancelled
    return [f"{len(who):,} numbers {words}: {_some(who)}" for words, who in said.items() if who]


def _of_counts(found: Aftermath) -> list[str]:
    said = []
    if len(found.in_doubt) > found.in_doubt_max:
        said.append(f"{len(found.in_doubt)} are in doubt, of at most {found.in_doubt_max}")
    said += [
        f"{halt.arrived} texts came after the answer to a {halt.what}, which said {halt.can_still_arrive}"
        for halt in found.halts
        if halt.arrived > halt.can_still_arrive
    ]
    return said


def lines(found: Aftermath) -> list[str]:
    states = Counter(state or "no end" for state in found.recipients.values())
    told = ", ".join(f"{count:,} {state}" for state, count in states.most_common())
    slowest = [halt.answered_s * 1000 for halt in found.halts]
    return [
        f"numbers {len(found.numbers):,}: at handsets {len(found.arrived):,}, suppressed {len(found.of('suppressed')):,}, "
        f"in doubt {len(found.in_doubt):,}, cancelled {len(found.of('cancelled')):,}, never handed over {len(found.not_handed_over):,}",
        f"recipients: {told}",
        f"in doubt {len(found.in_doubt)}, of them {len(found.in_doubt & found.arrived.keys())} at their handset; "
        f"bound {found.in_doubt_max}: a window of {found.window} a kill",
        f"killed: {', '.join(f'{service} {count}' for service, count in found.kills.items()) or 'nothing'}",
        *([f"pauses and stops {len(slowest)}: answered within {quantile(slowest, 50):,.0f} ms (p50), {max(slowest):,.0f} ms at most"] if slowest else []),
        *(f"  {halt.what}: said {halt.can_still_arrive} can still arrive; {halt.arrived} did" for halt in found.halts),
    ]  # fmt: skip


def _some(numbers: Set[str]) -> str:
    shown = sorted(numbers)[:SHOWN_MAX]
    return ", ".join(shown) + (" ..." if len(numbers) > SHOWN_MAX else "")
