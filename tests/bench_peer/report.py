"""The report: our figure over theirs, row by row, with what each counted. Text, Markdown and JSON. Plain functions; reads and measures nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from tests.bench_peer.jobs import EMBEDDED, JASMIN, JOBS, KANNEL, MEMORY, SMPP
from tests.bench_peer.kill import Killed

FOREIGN_PERCENT_MAX = 15.0  # above it the rates say little; CPU an item still does
DRIVER_PERCENT_MAX = 15.0
NAMES = {
    SMPP: "Heliograph, SMPP",
    EMBEDDED: "Heliograph, embedded",
    JASMIN: "Jasmin",
    KANNEL: "Kannel",
    MEMORY: "Kannel, receipts in memory",
}
OURS, THEIRS = (SMPP, EMBEDDED), (JASMIN, KANNEL)
NOTHING = "-"


@dataclass
class Measured:
    """One run of one job on one system. `cpu_s`: of its own processes; the driver's and the far side's are apart."""

    values: dict[str, float]
    items: int
    cpu_s: dict[str, float]
    driver_s: float
    far_side_s: float
    foreign_percent: float
    missing: int = 0

    @property
    def cpu_us(self) -> float:
        """Of the whole system, an item."""
        return sum(self.cpu_s.values()) / self.items * 1e6

    @property
    def driver_percent(self) -> float:
        return 100 * self.driver_s / (sum(self.cpu_s.values()) + self.driver_s + self.far_side_s)


@dataclass
class Results:
    """By job and system. `absent`: system -> why it is not measured."""

    runs: dict[str, dict[str, list[Measured]]] = field(default_factory=dict)
    kills: dict[str, list[Killed]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    promises: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def of(self, job: str, key: str) -> list[Measured]:
        return self.runs.get(job, {}).get(key, [])

    def median(self, job: str, key: str, value: str) -> float | None:
        runs = self.of(job, key)
        if not runs:
            return None
        return median(run.cpu_us if value == CPU else run.values[value] for run in runs)


CPU = "CPU us each, the whole system"
ARRIVED, HANDLED = "arrived a second", "receipts handled a second"
P50, P99 = "to the answer, p50 ms", "to the answer, p99 ms"
OUT, RECIPIENTS = "out to a subscriber a second", "recipients a second"
LOWER_IS_BETTER = (CPU, P50, P99)


@dataclass(frozen=True, slots=True)
class Row:
    """`aim`: the ratios to reach, to Jasmin and to Kannel. `theirs`: their job, where it has another name; `kannel`: which one is meant."""

    job: str
    value: str
    aim: str = ""
    theirs: str = ""
    kannel: str = KANNEL
    more: str = ""


ROWS = (
    Row("single-1", P50),
    Row("single-1", P99),
    Row("single-1", ARRIVED),
    Row("single-16", ARRIVED, "5 / 1.05"),
    Row("single-16", P50),
    Row("single-16", P99),
    Row("single-16", CPU),
    Row("single-64", ARRIVED, "5 / 1.05"),
    Row("single-64", P50),
    Row("single-64", P99),
    Row("single-64", CPU),
    Row("receipts", HANDLED, "15 / 2.5"),
    Row("receipts", HANDLED, kannel=MEMORY, more="; Kannel's in memory"),
    Row("receipts", ARRIVED),
    Row("receipts", CPU),
    Row("inbound", OUT, "6 / 1.8"),
    Row("inbound", CPU),
    Row("webhook", OUT, theirs="inbound"),
    Row("bulk", RECIPIENTS, "20 / 1.1; embedded 20 / 2.7"),
    Row("bulk", ARRIVED),
    Row("bulk", CPU),
)
TITLES = {job.name: job.title for job in JOBS}


@dataclass(frozen=True, slots=True)
class Line:
    title: str
    figures: tuple[str, ...]  # ours, then theirs
    ratios: tuple[str, ...]  # each of ours over each of theirs
    aim: str


HEAD = Line(
    "figure (of each the median)",
    tuple(NAMES[key] for key in (*OURS, *THEIRS)),
    ("SMPP / Jasmin", "SMPP / Kannel", "embedded / Jasmin", "embedded / Kannel"),
    "aim",
)


def ratio(ours: float | None, theirs: float | None) -> str:
    return NOTHING if ours is None or not theirs else f"{ours / theirs:.2f}"


def lines(results: Results) -> Iterator[Line]:
    for row in ROWS:
        ours = [results.median(row.job, key, row.value) for key in OURS]
        theirs = [results.median(row.theirs or row.job, key, row.value) for key in (JASMIN, row.kannel)]
        if all(figure is None for figure in (*ours, *theirs)):
            continue
        lower = " (lower is better)" if row.value in LOWER_IS_BETTER else ""
        yield Line(
            f"{TITLES[row.job]}: {row.value}{row.more}{lower}",
            tuple(map(_figure, (*ours, *theirs))),
            tuple(ratio(one, other) for one in ours for other in theirs),
            row.aim,
        )


def _figure(value: float | None) -> str:
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


KILL_HEAD = (
    "system",
    "answered with a 2xx",
    "arrived before the kill",
    "lost",
    "doubled",
    "in doubt (of them arrived)",
    "receipts lost (of the others)",
    "s to the next 2xx",
    "s to the next text at the network",
    "",
)


def kill_lines(results: Results) -> Iterator[tuple[str, ...]]:
    """One a system; the runs side by side."""
    for key, kills in results.kills.items():

        def each(name: str, kills: Sequence[Killed] = kills) -> str:
            return " / ".join(_number(getattr(kill, name)) for kill in kills)

        doubts = " / ".join(
            "no such word" if kill.in_doubt is None else f"{kill.in_doubt} ({kill.in_doubt_arrived})" for kill in kills
        )
        yield (
            NAMES[key],
            *map(each, ("accepted", "arrived_before", "lost", "doubled")),
            doubts,
            *map(each, ("receipts_lost", "answers_again_s", "sends_again_s")),
            kills[0].note,
        )


def _number(value: float | None) -> str:
    return "never" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.1f}"


def remarks(results: Results) -> Iterator[str]:
    """What makes a figure worth less, and who is not there."""
    for key, why in results.absent.items():
        yield f"{NAMES[key]}: not measured, {why}"
    yield from results.failed
    for job, by_key in results.runs.items():
        for key, runs in by_key.items():
            of = f"{TITLES[job]}, {NAMES[key]}"
            if missing := max(run.missing for run in runs):
                yield f"{of}: {missing} of {runs[0].items} never came"
            if (foreign := median(run.foreign_percent for run in runs)) > FOREIGN_PERCENT_MAX:
                yield f"{of}: NOISY, others took {foreign:.0f} % of the machine"
            if (driver := median(run.driver_percent for run in runs)) > DRIVER_PERCENT_MAX:
                yield f"{of}: the driver took {driver:.0f} % of the CPU used"


def as_text(results: Results) -> str:
    table = [HEAD, *lines(results)]
    rows = [(line.title, *line.figures, *line.ratios, line.aim) for line in table]
    parts = [_columns(rows)] if len(rows) > 1 else []
    if results.kills:
        parts.append("Everything killed with SIGKILL in the middle:\n" + _columns([KILL_HEAD, *kill_lines(results)]))
    if promises := "\n".join(_promises(results)):
        parts.append(f"What is true once it is counted:\n{promises}")
    if said := "\n".join(remarks(results)):
        parts.append(said)
    return "\n\n".join(parts)


def _promises(results: Results) -> Iterator[str]:
    for row in ("a 2xx", "a receipt", "a text in", "bulk"):
        for key, told in results.promises.items():
            if row in told and key != EMBEDDED:
                yield f"  {row}, {NAMES[key] if key != SMPP else 'Heliograph'}: {told[row]}"


def _columns(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    shown = (
        [
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in rows
    )
    return "\n".join("  ".join(cells).rstrip() for cells in shown)


def as_markdown(machine: Mapping[str, str], results: Results) -> str:
    said = ["# Heliograph beside Jasmin and Kannel", "", *(f"- {name}: {value}" for name, value in machine.items()), ""]
    said += _markdown([(line.title, *line.figures, *line.ratios, line.aim) for line in [HEAD, *lines(results)]])
    if results.kills:
        said += ["", "Everything killed with SIGKILL in the middle, and started again:", ""]
        said += _markdown([KILL_HEAD, *kill_lines(results)])
    said += ["", "What is true once it is counted:", ""]
    said += _markdown([("", *(NAMES[key] for key in results.promises)), *_promise_rows(results)])
    said += ["", *(f"- {remark}" for remark in remarks(results))]
    return "\n".join(said) + "\n"


def _promise_rows(results: Results) -> Iterator[tuple[str, ...]]:
    for row in ("a 2xx", "a receipt", "a text in", "bulk"):
        yield row, *(told.get(row, NOTHING) for told in results.promises.values())


def _markdown(rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(rows[0])} |", "|---" * len(rows[0]) + "|", *(f"| {' | '.join(row)} |" for row in rows[1:])]


def write(folder: Path, machine: Mapping[str, str], results: Results) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "machine": machine,
        "runs": {
            job: {key: [asdict(run) for run in runs] for key, runs in by_key.items()}
            for job, by_key in results.runs.items()
        },
        "kills": {key: [kill.as_json() for kill in kills] for key, kills in results.kills.items()},
        "ratios": {line.title: dict(zip(HEAD.ratios, line.ratios, strict=True)) for line in lines(results)},
        "promises": {key: dict(told) for key, told in results.promises.items()},
        "remarks": list(remarks(results)),
    }
    (folder / "report.json").write_text(json.dumps(document, indent=1))
    (folder / "report.md").write_text(as_markdown(machine, results))
