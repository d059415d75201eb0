"""The report: medians and spreads of the runs, beside each the limit of its parts, what each process used, and which figures do not count.

Text, Markdown and JSON. Owns what counts: a driver that took too much makes a figure void, others' work makes it noisy.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

DRIVER_PERCENT_MAX = 15.0  # above it the driver is measured, not the platform
FOREIGN_PERCENT_MAX = 15.0  # above it the rates say little; CPU an item still does
SHARE_PERCENT_MIN = 0.5  # a process that took less of a run's CPU is not told in the printed report
DRIVER = "driver"


@dataclass
class Measured:
    """One run of one figure."""

    values: dict[str, float]
    items: int = 0
    cpu_s: dict[str, float] = field(default_factory=dict)
    foreign_percent: float = 0.0
    load: float = 0.0
    pss_mb: dict[str, float] = field(default_factory=dict)  # at its end
    took_s: float = 0.0

    @property
    def driver_percent(self) -> float:
        return self.share(DRIVER)

    def share(self, process: str) -> float:
        """Of the run's CPU, in percent."""
        total = sum(self.cpu_s.values())
        return 100 * self.cpu_s.get(process, 0.0) / total if total else 0.0


@dataclass
class Figure:
    """`limits`: of its values, which parts' values none of them can be above. `is_limit`: it is such a part, measured alone; its driver is the load."""

    name: str
    title: str
    runs: list[Measured] = field(default_factory=list)
    carrier: str = ""
    limits: Mapping[str, Sequence[str]] = field(default_factory=dict)
    is_limit: bool = False

    def spread(self, value: str) -> tuple[float, float, float]:
        """Median, lowest, highest."""
        of_runs = [run.values[value] for run in self.runs]
        return median(of_runs), min(of_runs), max(of_runs)

    def cpu_us(self) -> dict[str, float]:
        """CPU an item of each process, median over the runs; nothing where a figure has no items."""
        if not self.runs[0].items:
            return {}
        names = self.runs[0].cpu_s
        return {name: median(run.cpu_s[name] * 1e6 / run.items for run in self.runs) for name in names}

    def cpu_percent(self) -> dict[str, float]:
        """Each process's part of the CPU that was used, median over the runs."""
        return {name: median(run.share(name) for run in self.runs) for name in self.runs[0].cpu_s}

    def pss_mb(self) -> dict[str, float]:
        """At the end of a run, the highest of the runs."""
        return {name: max(run.pss_mb[name] for run in self.runs) for name in self.runs[0].pss_mb}

    @property
    def remarks(self) -> list[str]:
        driver = median(run.driver_percent for run in self.runs)
        foreign = median(run.foreign_percent for run in self.runs)
        said = [f"by the {self.carrier}"] if self.carrier else []
        if self.runs[0].items:
            said.append(f"driver {driver:.0f} % of the CPU")
            if driver > DRIVER_PERCENT_MAX and not self.is_limit:
                said.append("VOID: the driver took too much")
        if foreign > FOREIGN_PERCENT_MAX:
            said.append(f"NOISY: others took {foreign:.0f} % of the machine")
        return said


@dataclass(frozen=True)
class Beside:
    """Two figures whose rates should be alike, such as two sizes of one thing."""

    title: str
    value: str
    first: str
    second: str


def parts_of(figures: Sequence[Figure]) -> dict[str, float]:
    """The medians of all limits that were measured, by their value's name."""
    return {value: figure.spread(value)[0] for figure in figures if figure.is_limit for value in figure.runs[0].values}


def against_limits(figure: Figure, value: str, parts: Mapping[str, float]) -> list[str]:
    middle = figure.spread(value)[0]
    return [
        f"{100 * middle / parts[part]:.0f} % of the limit: {part}, {_number(parts[part])}"
        for part in figure.limits.get(value, ())
        if part in parts
    ]


def beside(figures: Sequence[Figure], pairs: Sequence[Beside]) -> list[str]:
    by_name = {figure.name: figure for figure in figures}
    lines = []
    for pair in pairs:
        if pair.first in by_name and pair.second in by_name:
            first, second = (by_name[name].spread(pair.value)[0] for name in (pair.first, pair.second))
            lines.append(f"{pair.title}: {_number(first)} and {_number(second)}, {100 * (second / first - 1):+.1f} %")
    return lines


def as_text(figures: Sequence[Figure], parts: Mapping[str, float] | None = None) -> str:
    lines = []
    for figure in figures:
        lines.append(f"{figure.title} ({'; '.join([f'{len(figure.runs)} runs', *figure.remarks])})")
        for value in figure.runs[0].values:
            lines.append(f"  {value:<54} {_shown(figure.spread(value))}")
            lines += [f"    {words}" for words in against_limits(figure, value, parts or {})]
        if cpu := figure.cpu_us():
            told = ", ".join(f"{name} {us:.0f}" for name, us in cpu.items() if us >= 0.5)
            lines.append(f"  {'CPU us an item':<54} {_number(_sum_without_driver(cpu))}: {told}")
            lines.append(f"  {'CPU, %':<54} {_of_each(figure.cpu_percent(), SHARE_PERCENT_MIN)}")
        if pss := figure.pss_mb():
            lines.append(f"  {'PSS, MB':<54} {_number(sum(pss.values()))}: {_of_each(pss, 1.0)}")
        lines.append("")
    return "\n".join(lines)


def as_markdown(
    machine: Mapping[str, str], figures: Sequence[Figure], pairs: Sequence[Beside] = (), notes: Sequence[str] = ()
) -> str:
    parts = parts_of(figures)
    lines = ["# Figures of one machine", "", *(f"- {name}: {value}" for name, value in machine.items())]
    lines += [f"- {note}" for note in notes]
    lines += ["", "| figure | carrier | value | median | lowest | highest | of its limits | remarks |"]
    lines.append("|---|---|---|---:|---:|---:|---|---|")
    for figure in figures:
        remarks = "; ".join(words for words in figure.remarks if not words.startswith("by the "))
        for value in figure.runs[0].values:
            shown = " | ".join(_number(number) for number in figure.spread(value))
            limits = "; ".join(against_limits(figure, value, parts))
            lines.append(f"| {figure.title} | {figure.carrier or 'none'} | {value} | {shown} | {limits} | {remarks} |")
    lines += ["", *(f"- {words}" for words in beside(figures, pairs))]
    used = [figure for figure in figures if figure.cpu_us()]
    lines += _table("CPU, microseconds an item", used, [figure.cpu_us() for figure in used], total="platform")
    lines += _table("CPU, percent of what was used", used, [figure.cpu_percent() for figure in used])
    kept = [figure for figure in figures if figure.pss_mb()]
    lines += _table("Memory at the end, PSS, MB", kept, [figure.pss_mb() for figure in kept], total="all together")
    return "\n".join(lines) + "\n"


def _table(title: str, figures: Sequence[Figure], rows: Sequence[Mapping[str, float]], total: str = "") -> list[str]:
    if not rows:
        return []
    names = list(dict.fromkeys(name for row in rows for name in row))
    first = [total] if total else []
    lines = ["", f"{title}:", "", f"| {' | '.join(['figure', *first, *names])} |"]
    lines.append("|---|" + "---:|" * (len(first) + len(names)))
    for figure, row in zip(figures, rows, strict=True):
        sums = [f"{_sum_without_driver(row):.0f}"] if total else []
        cells = [f"{row[name]:.0f}" if name in row else "" for name in names]
        lines.append(f"| {' | '.join([figure.title, *sums, *cells])} |")
    return lines


def write(
    folder: Path,
    name: str,
    machine: Mapping[str, str],
    figures: Sequence[Figure],
    pairs: Sequence[Beside] = (),
    notes: Sequence[str] = (),
) -> None:
    """`<name>.md` and `<name>.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {"machine": machine, "figures": [asdict(figure) for figure in figures]}
    (folder / f"{name}.json").write_text(json.dumps(document, indent=1))
    (folder / f"{name}.md").write_text(as_markdown(machine, figures, pairs, notes))


def _sum_without_driver(cpu: Mapping[str, float]) -> float:
    return sum(us for name, us in cpu.items() if name != DRIVER)


def _of_each(row: Mapping[str, float], least: float) -> str:
    return ", ".join(f"{name} {value:.0f}" for name, value in row.items() if value >= least)


def _shown(spread: tuple[float, float, float]) -> str:
    middle, low, high = map(_number, spread)
    return f"{middle:>9}" if low == high else f"{middle:>9}   ({low} - {high})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
