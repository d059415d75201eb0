"""The report: medians and spreads of the runs, what each process used for them, and which figures do not count. Text, Markdown and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

DRIVER_PERCENT_MAX = 15.0  # above it the driver is measured, not the platform
FOREIGN_PERCENT_MAX = 15.0  # above it the rates say little; CPU an item still does
DRIVER = "driver"


@dataclass
class Measured:
    """One run of one figure."""

    values: dict[str, float]
    items: int = 0
    cpu_s: dict[str, float] = field(default_factory=dict)
    foreign_percent: float = 0.0
    load: float = 0.0

    @property
    def driver_percent(self) -> float:
        total = sum(self.cpu_s.values())
        return 100 * self.cpu_s.get(DRIVER, 0.0) / total if total else 0.0


@dataclass
class Figure:
    name: str
    title: str
    runs: list[Measured] = field(default_factory=list)

    def spread(self, value: str) -> tuple[float, float, float]:
        """Median, lowest, highest."""
        of_runs = [run.values[value] for run in self.runs]
        return median(of_runs), min(of_runs), max(of_runs)

    def cpu_us(self) -> dict[str, float]:
        """CPU an item of each process, median over the runs; nothing where a figure has no items."""
        names = self.runs[0].cpu_s
        return {name: median(run.cpu_s[name] * 1e6 / run.items for run in self.runs) for name in names}

    @property
    def remarks(self) -> list[str]:
        driver = median(run.driver_percent for run in self.runs)
        foreign = median(run.foreign_percent for run in self.runs)
        said = []
        if self.runs[0].items:
            said.append(f"driver {driver:.0f} % of the CPU")
            if driver > DRIVER_PERCENT_MAX:
                said.append("VOID: the driver took too much")
        if foreign > FOREIGN_PERCENT_MAX:
            said.append(f"NOISY: others took {foreign:.0f} % of the machine")
        return said


def as_text(figures: Sequence[Figure]) -> str:
    lines = []
    for figure in figures:
        lines.append(f"{figure.title} ({'; '.join([f'{len(figure.runs)} runs', *figure.remarks])})")
        lines += [f"  {value:<44} {_shown(figure.spread(value))}" for value in figure.runs[0].values]
        if cpu := figure.cpu_us() if figure.runs[0].items else {}:
            parts = ", ".join(f"{name} {us:.0f}" for name, us in cpu.items() if us >= 0.5)
            lines.append(f"  {'CPU us an item':<44} {_number(_sum_without_driver(cpu))}: {parts}")
        lines.append("")
    return "\n".join(lines)


def as_markdown(machine: Mapping[str, str], figures: Sequence[Figure]) -> str:
    lines = ["# Figures of one machine", "", *(f"- {name}: {value}" for name, value in machine.items()), ""]
    lines += ["| figure | value | median | lowest | highest | remarks |", "|---|---|---:|---:|---:|---|"]
    for figure in figures:
        for value in figure.runs[0].values:
            shown = " | ".join(_number(number) for number in figure.spread(value))
            lines.append(f"| {figure.title} | {value} | {shown} | {'; '.join(figure.remarks)} |")
    measured = [figure for figure in figures if figure.runs[0].items]
    if measured:
        names = list(measured[0].runs[0].cpu_s)
        lines += ["", "CPU, microseconds an item:", "", f"| figure | platform | {' | '.join(names)} |"]
        lines.append("|---|" + "---:|" * (len(names) + 1))
        for figure in measured:
            cpu = figure.cpu_us()
            cells = " | ".join(f"{cpu[name]:.0f}" for name in names)
            lines.append(f"| {figure.title} | {_sum_without_driver(cpu):.0f} | {cells} |")
    return "\n".join(lines) + "\n"


def write(folder: Path, machine: Mapping[str, str], figures: Sequence[Figure]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    document = {"machine": machine, "figures": [asdict(figure) for figure in figures]}
    (folder / "report.json").write_text(json.dumps(document, indent=1))
    (folder / "report.md").write_text(as_markdown(machine, figures))


def _sum_without_driver(cpu: Mapping[str, float]) -> float:
    return sum(us for name, us in cpu.items() if name != DRIVER)


def _shown(spread: tuple[float, float, float]) -> str:
    middle, low, high = map(_number, spread)
    return f"{middle:>9}" if low == high else f"{middle:>9}   ({low} - {high})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
