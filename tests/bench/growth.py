"""Flat growth: what a campaign's rate loses to history. `python -m tests.bench.growth [--rows N] [--stops M] [--recipients R] [--runs K]`.

A campaign is measured on a fresh installation, then again with N old rows in the ledger, over a year's months, and M stops. Filling 20,000,000 and
5,000,000 takes some minutes and 10 GB of disk. Owns its servers and processes; ends with 1 where the rate fell by more than ALLOWED.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import time
from dataclasses import dataclass, field
from statistics import median

import asyncpg
import uvloop

from tests.bench import figures, machine
from tests.bench.figures import SETTLED, SETTLED_MIDDLE, World
from tests.bench.fleet import Fleet, new_fleet

ROWS, STOPS, RECIPIENTS, RUNS = 20_000_000, 5_000_000, 100_000, 3
ALLOWED = 0.10  # issue 7, 10
MONTHS = 12
BATCH = 500_000  # rows a statement: what waits to be written stays small
CAMPAIGN_ROWS = 100_000  # of the old campaigns
WARM_RECIPIENTS = 2_000
SHARES = ("messaging", "campaign", "postgresql messaging", "postgresql campaign", "postgresql, the rest")

# A year of ended texts, in the order in which they would have come: each month's ids at the right edge of its partition.
MAKE_MONTHS = "SELECT make_partition(now() - make_interval(months => n)) FROM generate_series(0, $1) AS n"
OLD_TEXTS = """
INSERT INTO texts (id, company_id, lane, test, state, number, sender, campaign_id, position, attempts, version, claimed_at, submitted_at, settled_at, decision,
    carrier, reference, reason, taken)
SELECT (left(uuid7_floor(at)::text, 15) || right(gen_random_uuid()::text, 21))::uuid, 1 + n % 50, 2, false, 'delivered',
    '+4473' || lpad((n % 100000000)::text, 8, '0'), '82830', 1000000 + n / $4, 1 + n % $4, 1, 4, at, at, at, 1, 'embedded', n::text, '', 1
FROM generate_series($1::bigint, $2::bigint - 1) AS n, LATERAL (SELECT now() - interval '360 days' * (1 - n::float / $3)) AS moment(at)
"""
OLD_STOPS = """
INSERT INTO suppressions (number, company_id, cause, scope, active, sequence, at)
SELECT '+4472' || lpad((n % 100000000)::text, 8, '0'), 1 + n % 50, 'stop', '', true, n, now() FROM generate_series($1::bigint, $2::bigint - 1) AS n
ON CONFLICT DO NOTHING
"""
SIZES = """
SELECT (SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'texts'::regclass)::bigint AS texts,
    pg_total_relation_size('suppressions') AS stops, (SELECT count(*) FROM suppressions) AS numbers
"""


@dataclass
class Seen:
    """The runs of one state of the installation."""

    title: str
    rates: list[float] = field(default_factory=list)
    middles: list[float] = field(default_factory=list)
    cpu_us: list[dict[str, float]] = field(default_factory=list)
    loads: list[float] = field(default_factory=list)

    def lines(self) -> list[str]:
        shares = {name: median(run.get(name, 0.0) for run in self.cpu_us) for name in SHARES}
        together = median(sum(run.values()) for run in self.cpu_us)
        return [
            f"{self.title}: {median(self.rates):,.0f} recipients settled a second ({min(self.rates):,.0f} to {max(self.rates):,.0f});"
            f" between 10 % and 90 %: {median(self.middles):,.0f}; load {max(self.loads):.1f}",
            f"  CPU {together:,.0f} us a recipient: " + ", ".join(f"{name} {us:,.1f}" for name, us in shares.items()),
        ]


async def runs(world: World, title: str, recipients: int, count: int) -> Seen:
    seen = Seen(title)
    for _ in range(count):
        campaign_id = await figures.prepare_campaign(world, recipients)
        before = world.fleet.cpu_s()
        run = await figures.campaign(world, recipients, campaign_id)
        spent = {name: s - before.get(name, 0.0) for name, s in world.fleet.cpu_s().items() if name != "simulator"}
        seen.rates.append(run.values[SETTLED])
        seen.middles.append(run.values[SETTLED_MIDDLE])
        seen.cpu_us.append({name: 1e6 * s / recipients for name, s in spent.items()})
        seen.loads.append(os.getloadavg()[0])
        print(
            "\n".join(
                Seen(f"{title}, a run", seen.rates[-1:], seen.middles[-1:], seen.cpu_us[-1:], seen.loads[-1:]).lines()
            ),
            flush=True,
        )
    return seen


async def fill(database: asyncpg.Connection, rows: int, stops: int) -> None:
    """By one connection of its own; then everything is where a quiet night would leave it."""
    begun = time.monotonic()
    await database.execute(MAKE_MONTHS, MONTHS)
    for first in range(0, rows, BATCH):
        await database.execute(OLD_TEXTS, first, min(first + BATCH, rows), rows, CAMPAIGN_ROWS, timeout=None)
    for first in range(0, stops, BATCH):
        await database.execute(OLD_STOPS, first, min(first + BATCH, stops), timeout=None)
    await database.execute("VACUUM (ANALYZE) texts, suppressions", timeout=None)
    sizes = await database.fetchrow(SIZES)
    assert sizes is not None
    print(
        f"filled in {time.monotonic() - begun:,.0f} s: {rows:,} old rows ({sizes['texts'] / 1e9:.1f} GB with indexes),"
        f" {sizes['numbers']:,} stops ({sizes['stops'] / 1e9:.1f} GB)",
        flush=True,
    )


async def growth(options: argparse.Namespace, fleet: Fleet) -> int:
    print("\n".join(f"{name}: {value}" for name, value in machine.describe(fleet.infra).items()), flush=True)
    async with figures.world_of(fleet) as world:
        await figures.campaign(world, WARM_RECIPIENTS, await figures.prepare_campaign(world, WARM_RECIPIENTS))
        before = await runs(world, "no history", options.recipients, options.runs)
        filling = await asyncpg.connect(fleet.dsn("messaging"))
        await fill(filling, options.rows, options.stops)
        await filling.close()
        await asyncio.to_thread(fleet.infra.sql, "CHECKPOINT")
        await figures.campaign(world, WARM_RECIPIENTS, await figures.prepare_campaign(world, WARM_RECIPIENTS))
        after = await runs(
            world, f"{options.rows:,} old rows and {options.stops:,} stops", options.recipients, options.runs
        )
    fell = 1 - median(after.rates) / median(before.rates)
    cpu = median(sum(run.values()) for run in after.cpu_us) / median(sum(run.values()) for run in before.cpu_us) - 1
    print("\n".join([*before.lines(), *after.lines()]))
    print(f"the rate fell by {fell:.1%} (allowed: {ALLOWED:.0%}), CPU a recipient rose by {cpu:.1%}", flush=True)
    return 1 if fell > ALLOWED else 0


async def bench(options: argparse.Namespace) -> int:
    fleet = await new_fleet()
    try:
        fleet.start()
        return await growth(options, fleet)
    finally:
        fleet.stop_services()
        fleet.infra.stop()
        shutil.rmtree(fleet.layout.tree)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.growth", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="old rows of the ledger")
    parser.add_argument("--stops", type=int, default=STOPS)
    parser.add_argument("--recipients", type=int, default=RECIPIENTS, help="of each campaign that is measured")
    parser.add_argument("--runs", type=int, default=RUNS)
    sys.exit(uvloop.run(bench(parser.parse_args())))


if __name__ == "__main__":
    main()
