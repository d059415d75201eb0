"""Everything killed in the middle of texts, started again, and counted by the far side's log and the system's own word."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass

from tests.bench_peer.driver import Load
from tests.bench_peer.systems import System, Verdict

CLIENTS = 8
OFFERED_MAX = 40_000
AFTER = 400  # texts that are offered once it is there again
DEAD_S = 1.0  # between the kill and the start: what was written to a socket before has come by then
LOOK_EVERY_S = 0.01
KILL_LIMIT_S = 60.0


@dataclass(frozen=True)
class Killed:
    """Of the texts that were answered with a 2xx. `in_doubt`: those that the system itself says it does not know of, and `in_doubt_arrived` of them
    did arrive; None where it has no such word, and they are among the lost. `doubled`: also of those without an answer."""

    accepted: int
    unknown: int
    arrived_before: int
    lost: int
    doubled: int
    in_doubt: int | None
    in_doubt_arrived: int
    receipts_lost: int  # of those that arrived and are not in doubt
    answers_again_s: float  # from the command to start it to the first 2xx
    sends_again_s: float | None  # to the first text at the far side
    note: str

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def tally(accepted: Collection[int], arrived: Mapping[int, int], verdict: Verdict) -> dict[str, int | None]:
    """`arrived`: how often each number's text did."""
    in_doubt = verdict.in_doubt or set()
    known = verdict.receipts | in_doubt
    return {
        "lost": sum(number not in arrived and number not in in_doubt for number in accepted),
        "doubled": sum(times > 1 for times in arrived.values()),
        "in_doubt": None if verdict.in_doubt is None else len(in_doubt),
        "in_doubt_arrived": sum(number in arrived for number in in_doubt),
        "receipts_lost": sum(number in arrived and number not in known for number in accepted),
    }


async def kill(system: System, after: int) -> Killed:
    """`after`: so many have arrived when it is killed."""
    numbers = system.numbers(OFFERED_MAX)
    state = _Course()
    load = Load(
        system.port, CLIENTS, lambda n: system.request([numbers[n]], receipts=True), system.accepts, state.wants_more
    )
    await system.receipts_begin()
    system.far.forget()
    begun = time.monotonic()
    offering = asyncio.create_task(load.run())
    while system.far.look() < after:
        assert not offering.done(), (
            f"offered {load.answered.offered} before {after} had arrived: {load.answered.samples}"
        )
        assert time.monotonic() < begun + KILL_LIMIT_S, (
            f"{len(system.far.arrived)} of {after} arrived in {KILL_LIMIT_S} s"
        )
        await asyncio.sleep(LOOK_EVERY_S)
    await system.kill()
    before = system.far.look()
    await asyncio.sleep(DEAD_S)
    started_at, accepted_before = time.time(), len(load.answered.accepted)
    starting = asyncio.create_task(system.start_again())
    answers_again_s = await _answers(load, accepted_before, started_at, starting)
    state.last = load.answered.offered + AFTER
    answered = await offering
    accepted = [numbers[place] for place in answered.accepted]
    verdict = await system.after_kill(accepted)
    counted = Counter(system.far.arrived)
    sent_at = system.far.first_after(started_at)
    return Killed(
        accepted=len(accepted),
        unknown=answered.unknown + answered.refused,
        arrived_before=before,
        answers_again_s=answers_again_s,
        sends_again_s=None if sent_at is None else sent_at - started_at,
        note=verdict.note,
        **tally(accepted, counted, verdict),  # type: ignore[arg-type]
    )


class _Course:
    """Clients go on as long as the end is not set."""

    last = OFFERED_MAX

    def wants_more(self, place: int) -> bool:
        return place < self.last


async def _answers(load: Load, accepted_before: int, started_at: float, starting: asyncio.Task[None]) -> float:
    """Seconds until a text is accepted again, and until all is started."""
    while len(load.answered.accepted) == accepted_before:
        if starting.done():
            await starting  # raises what went wrong
            assert time.time() < started_at + KILL_LIMIT_S, f"accepts nothing: {load.answered.samples}"
        await asyncio.sleep(LOOK_EVERY_S)
    took_s = time.time() - started_at
    await starting
    return took_s
