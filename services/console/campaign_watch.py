"""heliograph campaign watch: a campaign while it runs, once a second, until it has ended or one has seen enough.

Owns what is shown and how; asks for the progress each second, and for the reasons of failures only as often as they are cheap. Leaving it changes nothing.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.campaign import CampaignState, Outcome, Progress, ReadProgress, ReadReport
from libs.common.contracts.messaging import State
from services.console.as_user import AsUser, Password, Username, asking_as
from services.console.campaign_make import CampaignId
from services.console.words import moment, span

if TYPE_CHECKING:
    from rich.console import RenderableType

ASK_EACH_S = 1.0
RATE_OVER_S = 10.0  # long enough to read, short enough to see a stall
REASONS_EACH_S = 5.0
REASONS_SHARE = 20  # they are counted over all recipients: for each second that took, they are left alone for so many
REASONS_MAX = 8
BAR_WIDTH = 50

ENDED = frozenset({CampaignState.STOPPED, CampaignState.FINISHED, CampaignState.EXPIRED})
STILL = frozenset({CampaignState.PAUSED, CampaignState.DRAFT, CampaignState.LAUNCHED, CampaignState.FREEZING})


@dataclass
class Seen:
    """What is known of the campaign. `samples`: when how many had ended; `silent`: why nothing new is known."""

    progress: Progress
    samples: deque[tuple[float, int]] = field(default_factory=deque)
    failures: list[Outcome] = field(default_factory=list)
    silent: str = ""

    @property
    def ended(self) -> int:
        return sum(self.progress.ended.values())

    @property
    def over(self) -> bool:
        """A stopped one is over when what carriers had of it has come to its end, too."""
        return self.progress.state in ENDED and self.progress.handed_over == 0

    @property
    def rate(self) -> float:
        """Recipients a second that came to their end, over the last RATE_OVER_S."""
        if len(self.samples) < 2:
            return 0.0
        (begin_s, before), (end_s, after) = self.samples[0], self.samples[-1]
        return max(0.0, (after - before) / (end_s - begin_s)) if end_s > begin_s else 0.0

    @property
    def left_s(self) -> float | None:
        """None where nobody can say: nothing moves, or it is not to."""
        left = self.progress.handed_over + (0 if self.progress.state in ENDED else self.progress.waiting)
        if self.progress.state in STILL or self.rate <= 0 or not left:
            return None
        return left / self.rate

    def note(self, progress: Progress, at_s: float) -> None:
        """A rate is that of one state: what was slow while it was frozen says nothing of its sending."""
        if progress.state != self.progress.state:
            self.samples.clear()
        self.progress = progress
        self.samples.append((at_s, self.ended))
        while len(self.samples) > 2 and at_s - self.samples[0][0] > RATE_OVER_S:
            self.samples.popleft()


def watch(
    campaign_id: CampaignId,
    username: Username,
    password: Password,
    plain: Annotated[bool, typer.Option("--plain", help="Lines instead of a picture, as where nobody looks.")] = False,
) -> None:
    """Watch a campaign until it has ended. Ctrl-C leaves; the campaign goes on."""
    show = _lines if plain or not sys.stdout.isatty() else _picture
    try:
        asking_as(username, password, lambda user: show(_looks(user, campaign_id)))
    except KeyboardInterrupt:
        typer.echo("left; the campaign goes on")


async def _looks(user: AsUser, campaign_id: int) -> AsyncIterator[Seen]:
    """What is known, each second; the last one is over."""
    seen = Seen(await user.ask(ReadProgress(campaign_id=campaign_id)))
    seen.note(seen.progress, time.monotonic())
    reasons_at = time.monotonic()
    while True:
        if (seen.over or time.monotonic() >= reasons_at) and any(map(_failed, seen.progress.ended)):
            begun = time.monotonic()
            await _or_silent(seen, _read_failures(user, seen))
            reasons_at = time.monotonic() + max(REASONS_EACH_S, REASONS_SHARE * (time.monotonic() - begun))
        yield seen
        if seen.over:
            return
        await asyncio.sleep(ASK_EACH_S)
        await _or_silent(seen, _read_progress(user, seen))


async def _read_progress(user: AsUser, seen: Seen) -> None:
    seen.note(await user.ask(ReadProgress(campaign_id=seen.progress.id)), time.monotonic())


async def _read_failures(user: AsUser, seen: Seen) -> None:
    read = await user.ask(ReadReport(campaign_id=seen.progress.id))
    seen.failures = sorted(
        (each for each in read.outcomes if _failed(each.state)), key=lambda each: each.recipients, reverse=True
    )


async def _or_silent(seen: Seen, asking: Awaitable[None]) -> None:
    """A service that is away for a while ends no view."""
    from libs.common.bus import Unanswered

    try:
        await asking
        seen.silent = ""
    except Unanswered:
        seen.silent = "no answer"
    except Refusal as refusal:
        if refusal.code not in (Code.UNAVAILABLE, Code.DEADLINE_PASSED):
            raise
        seen.silent = refusal.detail or refusal.code


def _failed(state: State) -> bool:
    return state != State.DELIVERED


# As lines


async def _lines(looks: AsyncIterator[Seen]) -> None:
    last = ""
    async for seen in looks:
        if (line := words(seen)) != last:
            typer.echo(f"{datetime.now(UTC):%H:%M:%S}  {line}")
            last = line
    for failure in seen.failures:
        typer.echo(f"  {failure.recipients:,} {_named(failure)}")


def words(seen: Seen) -> str:
    """One line."""
    progress = seen.progress
    parts = [_state(progress), f"{seen.ended:,} of {progress.targeted:,} ended{_share(seen)}"]
    if seen.rate:
        parts.append(f"{seen.rate:,.0f}/s")
    if seen.left_s is not None:
        parts.append(f"{span(seen.left_s)} left")
    parts += [f"{count:,} {state.replace('_', ' ')}" for state, count in sorted(progress.ended.items()) if count]
    if progress.handed_over:
        parts.append(f"{progress.handed_over:,} handed over, not ended")
    return "  ".join([*parts, *filter(None, [seen.silent])])


def _share(seen: Seen) -> str:
    return f" ({100 * seen.ended / seen.progress.targeted:.0f} %)" if seen.progress.targeted else ""


def _state(progress: Progress) -> str:
    later = progress.state is CampaignState.LAUNCHED and progress.starts_at
    why = f"starts {moment(progress.starts_at)}" if later else progress.why
    return f"{progress.state}{f' ({why})' if why else ''}"


def _named(outcome: Outcome) -> str:
    return f"{outcome.state.replace('_', ' ')}{f': {outcome.reason}' if outcome.reason else ''}"


# As a picture


async def _picture(looks: AsyncIterator[Seen]) -> None:
    from rich.live import Live

    with Live(auto_refresh=False) as live:
        async for seen in looks:
            live.update(picture(seen), refresh=True)


def picture(seen: Seen) -> RenderableType:
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    progress = seen.progress
    colour = {CampaignState.PAUSED: "yellow", CampaignState.STOPPED: "red", CampaignState.EXPIRED: "red"}.get(
        progress.state, "green"
    )
    head = Text.assemble((f"campaign {progress.id}", "bold"), f", {progress.title}: ", (_state(progress), colour))
    done = Table.grid(padding=(0, 2))
    done.add_row(
        ProgressBar(max(progress.targeted, 1), seen.ended, BAR_WIDTH, complete_style=colour, finished_style=colour),
        f"{seen.ended:,} of {progress.targeted:,}{_share(seen)}",
    )
    left = f"{span(seen.left_s)} left" if seen.left_s is not None else ""
    rate = (
        f"{seen.rate:,.0f} a second over the last {RATE_OVER_S:.0f} s"
        if not seen.over and progress.state not in STILL
        else ""
    )
    if progress.launched_at and progress.finished_at:
        rate = f"in {span((progress.finished_at - progress.launched_at).total_seconds())}"
    pace = "  ".join(filter(None, [rate, left, seen.silent]))
    counts = Table.grid(padding=(0, 2))
    counts.add_column(justify="right")
    counts.add_row(f"{progress.waiting:,}", "waiting")
    counts.add_row(f"{progress.handed_over:,}", "handed over, not ended")
    for state, count in sorted(progress.ended.items()):
        if count:
            counts.add_row(f"{count:,}", Text(state.replace("_", " "), "red" if _failed(state) else "green"))
    for failure in seen.failures[:REASONS_MAX]:
        counts.add_row(f"{failure.recipients:,}", Text(f"  of them {_named(failure)}", "dim"))
    return Group(head, done, Text(pace), counts)
