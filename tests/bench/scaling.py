"""What more machines would do, reckoned from the whole report of `make bench`: `python -m tests.bench.scaling [report.json]` prints what docs/scaling.md
says of it, with --write it is put there.

A tier is what can stand on machines of its own. A machine is like the measured one, and is used up to BUSY. Reckons; measures nothing.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.__main__ import OUT, WHOLE
from tests.bench.fleet import TREE

BUSY = 0.8  # of its cores: beyond it waiting grows faster than work
MACHINES = 10
PAGE = TREE / "docs" / "scaling.md"
BEGIN, END = "<!-- reckoned: python -m tests.bench.scaling --write -->\n", "<!-- end of what is reckoned -->\n"

SERVICES, BROKER, LEDGER, OTHERS = "services", "broker", "messaging's database", "the other databases"
NOT_OURS = ("driver", "simulator")
WORKS = {
    "campaign": "a campaign's recipient, with receipt",
    "text-64": "a single text, with receipt",
    "inbound": "a text in, out to a subscriber",
    "conversations": "GetConversation",
    "stops": "GetStops of 100",
}


@dataclass(frozen=True)
class Work:
    """CPU microseconds of one item in each tier."""

    name: str
    cores: int
    us: Mapping[str, float]

    def per_s(self, tier: str, machines: int) -> float:
        """What so many machines with nothing else on them do."""
        us = self.us.get(tier, 0.0)
        return machines * self.cores * BUSY * 1e6 / us if us else float("inf")


@dataclass(frozen=True)
class Shape:
    """`split`: tiers that may stand on several machines; `together`: tiers that share theirs."""

    title: str
    split: Sequence[str]
    together: Sequence[Sequence[str]]


SHAPES = (
    Shape("one database server, one broker", (SERVICES,), ((SERVICES,), (LEDGER, OTHERS), (BROKER,))),
    Shape("messaging's database apart", (SERVICES,), ((SERVICES,), (LEDGER,), (OTHERS,), (BROKER,))),
    Shape("the ledger in parts by company", (SERVICES, LEDGER), ((SERVICES,), (LEDGER,), (OTHERS,), (BROKER,))),
    Shape("and a broker in parts", (SERVICES, LEDGER, BROKER), ((SERVICES,), (LEDGER,), (OTHERS,), (BROKER,))),
)


def tier_of(process: str) -> str | None:
    if process in NOT_OURS:
        return None
    if process == "rabbitmq":
        return BROKER
    if not process.startswith("postgresql"):
        return SERVICES
    # What writes WAL and cleans up works mostly for the ledger.
    return LEDGER if process in ("postgresql messaging", "postgresql, the rest") else OTHERS


def work_of(name: str, cores: int, figure: Mapping[str, Any]) -> Work:
    us: dict[str, float] = {}
    for process in figure["runs"][0]["cpu_s"]:
        if (tier := tier_of(process)) is not None:
            each = median(run["cpu_s"][process] * 1e6 / run["items"] for run in figure["runs"])
            us[tier] = us.get(tier, 0.0) + max(0.0, each)
    return Work(name, cores, us)


def best(work: Work, shape: Shape, machines: int) -> tuple[float, dict[str, int], str]:
    """The most items a second over all ways to give out `machines`, the way, and what is full then."""
    groups = ["+".join(group) for group in shape.together]
    most, way, full = 0.0, dict.fromkeys(groups, 0), ""
    for counts in _ways(machines, len(groups)):
        given = dict(zip(groups, counts, strict=True))
        if any(n > 1 and group not in shape.split for group, n in given.items()):
            continue
        rates = {group: _rate(work, group.split("+"), n) for group, n in given.items()}
        if min(rates.values()) > most:
            most, way, full = min(rates.values()), given, min(rates, key=lambda group: rates[group])
    return most, way, full


def _rate(work: Work, tiers: Sequence[str], machines: int) -> float:
    together = sum(work.us.get(tier, 0.0) for tier in tiers)
    return Work(work.name, work.cores, {"": together}).per_s("", machines)


def _ways(machines: int, groups: int) -> Iterator[tuple[int, ...]]:
    """Each group gets one at least; some may be left over."""
    if groups == 0:
        yield ()
        return
    for first in range(1, machines - groups + 2):
        for rest in _ways(machines - first, groups - 1):
            yield first, *rest


def lines(report: Mapping[str, Any]) -> list[str]:
    figures = {figure["name"]: figure for figure in report["figures"]}
    cores = int(report["machine"]["processor"].split()[0])
    works = [work_of(words, cores, figures[name]) for name, words in WORKS.items() if name in figures]
    tiers = (SERVICES, LEDGER, OTHERS, BROKER)
    said = [f"From the report of commit {report['machine']['commit']}: {report['machine']['processor']}.", ""]
    said += ["CPU microseconds an item; in brackets what one machine does of it with nothing else on it:", ""]
    said += [f"| item | {' | '.join(tiers)} |", "|---|" + "---:|" * len(tiers)]
    for work in works:
        cells = [f"{work.us.get(tier, 0.0):.0f} ({_number(work.per_s(tier, 1))}/s)" for tier in tiers]
        said.append(f"| {work.name} | {' | '.join(cells)} |")
    said += ["", f"Items a second on {MACHINES} such machines, each shape with its best division of them:", ""]
    said += ["| item | shape | a second | machines | what is full |", "|---|---|---:|---|---|"]
    for work in works:
        for shape in SHAPES:
            most, way, full = best(work, shape, MACHINES)
            given = ", ".join(f"{group} {n}" for group, n in way.items())
            said.append(f"| {work.name} | {shape.title} | {_number(most)} | {given} | {full} |")
    parts = [figure for figure in report["figures"] if figure["is_limit"]]
    said += ["", "The parts alone, as measured in that run on one machine:", ""]
    for figure in parts:
        for value in figure["runs"][0]["values"]:
            said.append(f"- {value}: {_number(median(run['values'][value] for run in figure['runs']))}")
    return [*said, ""]


def _number(value: float) -> str:
    return "-" if value == float("inf") else f"{value:,.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scaling", description=__doc__)
    parser.add_argument("report", type=Path, nargs="?", default=OUT / f"{WHOLE}.json")
    parser.add_argument("--write", action="store_true", help=f"into {PAGE.relative_to(TREE)}, between its two marks")
    given = parser.parse_args()
    text = "\n".join(lines(json.loads(given.report.read_text()))) + "\n"
    if given.write:
        page = PAGE.read_text()
        before, after = page.split(BEGIN)[0], page.split(END)[1]
        PAGE.write_text(before + BEGIN + "\n" + text + END + after)
    else:
        print(text)


if __name__ == "__main__":
    main()
