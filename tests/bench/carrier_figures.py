"""The figures of carriers: a campaign through one SMPP bind beside the same through the embedded carrier; and what the far side alone can take.

Each function does one run, as those of figures.py do. Owns the SMPP carrier that it adds and the route to it.
"""

from __future__ import annotations

import asyncio
import json

from tests.bench import figures, smpp_load
from tests.bench.figures import Run, World, until

CARRIER = "bench-smpp"
BEYOND = 100_000_000  # above the numbers that have no route of their own: +447 5...
PREFIX = "+4475"
WINDOW = 200  # of the one bind: what the target is stated for
TENDED_S = 2.5  # every process has looked at carriers and routes by then

SETTLED_EMBEDDED, SETTLED_SMPP = f"embedded: {figures.SETTLED}", f"SMPP, one bind: {figures.SETTLED}"

CONNECTED = "SELECT EXISTS (SELECT FROM binds JOIN carriers ON id = carrier WHERE name = $1 AND connected)"
# A text that its receipt closed before the answer was settled names no carrier.
GONE_ELSEWHERE = "SELECT count(*) FROM texts WHERE campaign_id = $1 AND carrier <> $2"


async def prepare(world: World, count: int) -> list[tuple[str, int]]:
    """A campaign for each carrier, ready to be launched: (carrier, campaign)."""
    messaging = world.databases["messaging"]
    if not await messaging.fetchval(CONNECTED, CARRIER):
        await asyncio.to_thread(_add_carrier, world)
        await until(messaging, CONNECTED, CARRIER)
        await asyncio.sleep(TENDED_S)
    plain = world.new_numbers(count)
    routed = range(plain.start + BEYOND, plain.stop + BEYOND)
    return [
        ("embedded", await figures.prepare_campaign_to(world, plain)),
        (CARRIER, await figures.prepare_campaign_to(world, routed)),
    ]


def _add_carrier(world: World) -> None:
    """To the simulator's SMPP port, over one bind."""
    fleet = world.fleet
    settings = {"host": "127.0.0.1", "port": fleet.port["smpp"], "system_id": "bench", "password": "simulate"}
    path = fleet.layout.home / "bench-smpp.json"
    path.write_text(json.dumps(settings | {"window": WINDOW}))
    fleet.console("carrier", "add", CARRIER, "smpp", str(path))
    fleet.console("route", "add", CARRIER, "--position", "1", "--prefix", PREFIX)


async def carriers(world: World, count: int, campaigns: list[tuple[str, int]]) -> Run:
    """One after the other, each from LaunchCampaign's answer until the last recipient has its end state."""
    values: dict[str, float] = {}
    for carrier, campaign_id in campaigns:
        world.new_submits()
        before = sum(world.fleet.cpu_s().values())
        run = await figures.campaign(world, count, campaign_id)
        elsewhere = await world.databases["messaging"].fetchval(GONE_ELSEWHERE, campaign_id, carrier)
        assert not elsewhere, f"{elsewhere} of {count} did not go by {carrier}"
        name = "SMPP, one bind" if carrier == CARRIER else carrier
        values[f"{name}: {figures.SETTLED}"] = run.values[figures.SETTLED]
        values[f"{name}: submits a second"] = run.values["submits a second, first to last"]
        values[f"{name}: CPU us a text"] = (sum(world.fleet.cpu_s().values()) - before) / count * 1e6
    embedded, smpp = (value for name, value in values.items() if name.endswith("settled a second"))
    return Run(2 * count, values | {"SMPP's part of the embedded carrier's rate": smpp / embedded})


async def far_side(_: World, count: int) -> Run:
    """A simulator of its own, asked by a client that does nothing else: what no figure of ours can be above."""
    values: dict[str, float] = {}
    spent_s = 0.0
    for name, each in (await smpp_load.simulator_ceiling(count)).items():
        values[f"{name} a second"] = each.per_s
        values[f"{name}, CPU us each"] = each.cpu_us_each
        spent_s += each.simulator_cpu_s
    return Run(2 * count, values, {"the simulator": spent_s})
