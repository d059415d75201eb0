"""The table of figures: what is done, how often, by which carrier, and which limits each of its values is told against."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tests.bench import (
    carrier_figures,
    figures,
    inbound_figures,
    limits,
    list_figures,
    mixed_figures,
    read_figures,
    share_figures,
    start_figures,
    text_figures,
    verification_figures,
)
from tests.bench.figures import AT_HANDSETS, SETTLED, SETTLED_MIDDLE, Run, World
from tests.bench.report import Beside

CLIENTS_MAX = 64
EMBEDDED, SMPP = "embedded carrier", "embedded carrier and SMPP"
OF_A_CAMPAIGN = (limits.CLAIMED, limits.CARRIED, limits.SUBMITS_EMBEDDED)


@dataclass(frozen=True)
class Job:
    """`prepare` makes what a run needs and is not measured; what it answers is given to the run. `apart`: no process of the fleet has a part in it.
    `group`: asked for by that name too; one with `asked` runs only when it is asked for."""

    name: str
    title: str
    count: int
    quick_count: int
    run: Callable[..., Awaitable[Run]]
    prepare: Callable[[World, int], Awaitable[object]] | None = None
    apart: bool = False
    carrier: str = ""
    limits: Mapping[str, Sequence[str]] = field(default_factory=dict)
    is_limit: bool = False
    group: str = ""
    asked: bool = False
    copies: int = 1  # of each service


def _campaign(name: str, count: int) -> Job:
    return Job(
        name,
        f"Campaign of {count:,} with receipts",
        count,
        min(count, 10_000),
        figures.campaign,
        prepare=figures.prepare_campaign,
        carrier=EMBEDDED,
        limits={SETTLED: OF_A_CAMPAIGN, SETTLED_MIDDLE: (limits.CLAIMED,)},
    )


def _texts(name: str, count: int, quick_count: int, clients: int) -> Job:
    title = f"SendInstantMessage, {clients} client{'s' if clients > 1 else ''}"
    told_against = {AT_HANDSETS: (limits.ANSWERS if clients > 1 else limits.ANSWERS_ONE,)}
    return Job(name, title, count, quick_count, figures.single_texts(clients), carrier=EMBEDDED, limits=told_against)


def _reads(name: str, title: str, run: Callable[..., Awaitable[Run]], value: str) -> Job:
    return Job(
        name,
        f"{title}, {CLIENTS_MAX} clients",
        6_000,
        1_000,
        run,
        prepare=read_figures.prepare,
        limits={value: (limits.ANSWERS,)},
        group="reads",
    )


LIMITS = (
    Job("limit-ledger", "PostgreSQL alone: claim, settle, receipt", 40_000, 5_000, limits.ledger, is_limit=True),
    Job("limit-broker", "RabbitMQ alone: events of 500", 100_000, 10_000, limits.broker, is_limit=True),
    Job("limit-simulator", "The simulator alone", 50_000, 10_000, limits.simulator, is_limit=True, apart=True),
    Job("limit-endpoint", "An empty endpoint of the gateway", 20_000, 4_000, limits.empty_endpoint, is_limit=True),
    Job("limit-rows", "PostgreSQL alone: COPY of 500,000 rows", 500_000, 50_000, limits.rows_in, is_limit=True),
)

COPIES = tuple(
    replace(job, title=f"{job.title}, copies of each service: {n}", copies=n, group="copies", asked=True)
    for n in (1, 2, 4)
    for job in (
        _campaign(f"copies-{n}-campaign", 50_000),
        _texts(f"copies-{n}-texts", 10_000, 2_000, CLIENTS_MAX),
    )
)
SIZES = tuple(
    replace(_campaign(f"size-{count}", count), group="sizes", asked=True) for count in (10_000, 100_000, 1_000_000)
)

JOBS = (
    *LIMITS,
    _texts("text-1", 500, 200, clients=1),
    _texts("text-64", 10_000, 2_000, CLIENTS_MAX),
    Job(
        "inbound",
        "Texts in, one in ten STOP, out to a subscriber",
        20_000,
        5_000,
        inbound_figures.inbound,
        carrier=EMBEDDED,
        limits={inbound_figures.AT_SUBSCRIBER: (limits.TEXTS_IN,)},
    ),
    _reads("conversations", "GetConversation of 20 texts", read_figures.conversations, read_figures.CONVERSATIONS),
    _reads("stops", "GetStops of 100", read_figures.stops, read_figures.STOPS_READ),
    Job(
        "entries",
        "AddMultipleEntries of 100,000",
        100_000,
        10_000,
        figures.import_rows,
        prepare=figures.prepare_entries,
    ),
    Job(
        "import",
        "Import of 1,000,000 rows, and GetNumbers of it",
        1_000_000,
        20_000,
        list_figures.import_and_read,
        prepare=list_figures.prepare,
        limits={list_figures.IMPORTED: (limits.COPIED,)},
    ),
    _campaign("campaign", 100_000),
    Job(
        "smpp",
        "Campaign of 30,000 by SMPP, and by the embedded carrier",
        30_000,
        5_000,
        carrier_figures.carriers,
        prepare=carrier_figures.prepare,
        carrier=SMPP,
        limits={
            carrier_figures.SETTLED_SMPP: (limits.CLAIMED, limits.SUBMITS_SMPP),
            carrier_figures.SETTLED_EMBEDDED: (limits.CLAIMED, limits.SUBMITS_EMBEDDED),
        },
    ),
    Job(
        "mixed",
        "SendTwoFactorToken, 20 a second, beside a campaign of 200,000",
        200_000,
        10_000,
        mixed_figures.codes_beside_a_campaign,
        prepare=figures.prepare_campaign,
        carrier=EMBEDDED,
        limits={SETTLED: (limits.CLAIMED,)},
    ),
    Job(
        "shares",
        "A campaign of 10,000 beside another company's of 200,000",
        200_000,
        20_000,
        share_figures.small_beside_large,
        prepare=share_figures.prepare,
        carrier=EMBEDDED,
    ),
    Job(
        "verification",
        f"Codes sent and checked, {CLIENTS_MAX} clients",
        5_000,
        1_000,
        verification_figures.send_and_check(CLIENTS_MAX),
        carrier=EMBEDDED,
    ),
    Job("text", "Encode and segment, one core", 10_000, 1_000, text_figures.encode_and_segment, apart=True),
    Job("far-side", "The simulator's SMPP, window 1,000, one core", 50_000, 10_000, carrier_figures.far_side, apart=True),
    Job("up", "make up", 1, 1, start_figures.up, prepare=start_figures.prepare, apart=True),
    *SIZES,
    *COPIES,
)  # fmt: skip

BESIDE = (
    *(
        Beside(f"rate of {first:,} and {second:,} recipients", SETTLED_MIDDLE, f"size-{first}", f"size-{second}")
        for first, second in ((10_000, 100_000), (100_000, 1_000_000), (10_000, 1_000_000))
    ),
    *(
        Beside(f"{what} with 1 copy and {n} of each service", value, f"copies-1-{name}", f"copies-{n}-{name}")
        for n in (2, 4)
        for name, what, value in (("campaign", "campaign", SETTLED), ("texts", "64 clients", AT_HANDSETS))
    ),
)


def chosen(only: Sequence[str]) -> list[Job]:
    """In the table's order. Of those that were asked for, the limits that they are told against too."""
    if not only:
        return [job for job in JOBS if not job.asked]
    wanted = [job for job in JOBS if job.name in only or job.group in only]
    told_against = {part for job in wanted for parts in job.limits.values() for part in parts}
    return [job for job in JOBS if job in wanted or (job.is_limit and LIMIT_VALUES[job.name] & told_against)]


LIMIT_VALUES = {
    "limit-ledger": {limits.CLAIMED},
    "limit-broker": {limits.CARRIED},
    "limit-simulator": {limits.SUBMITS_EMBEDDED, limits.SUBMITS_SMPP, limits.TEXTS_IN},
    "limit-endpoint": {limits.ANSWERS, limits.ANSWERS_ONE},
    "limit-rows": {limits.COPIED},
}
