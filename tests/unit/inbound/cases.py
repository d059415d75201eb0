"""The annotated hard cases, and the rows of docs/opt-out.md: what must be read in a text, in which surroundings, and why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from services.inbound.optouts.addressing import normal
from services.inbound.optouts.rules import Heard, Reading

HARD_CASES = Path(__file__).parent / "hard_cases.tsv"
GUIDE = Path(__file__).parents[3] / "docs" / "opt-out.md"


@dataclass(frozen=True)
class Case:
    must: str
    text: str
    surroundings: str
    reason: str

    @property
    def heard(self) -> Heard:
        """`surroundings`: name=..., keyword=..., own=..., join=...; the keyword claims a text that begins with it."""
        kind, _, value = self.surroundings.partition("=")
        return Heard(
            claimed=kind == "keyword",
            names={normal(value)} if kind == "name" else (),
            stop_words={normal(value)} if kind == "own" else (),
            start_words={normal(value)} if kind == "join" else (),
        )


def said(reading: Reading | None) -> str:
    return reading.wish.value if reading else "-"


def hard_cases() -> list[Case]:
    lines = HARD_CASES.read_text().splitlines()
    return [Case(*line.split("\t")) for line in lines if not line.startswith("# ")]


def guide_cases() -> list[Case]:
    """The rows of the guide's tables whose first cell is a text in code: | `text` | with | what is read | why |."""
    rows = [line.strip().strip("|").split("|") for line in GUIDE.read_text().splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in row] for row in rows if len(row) == 4]
    return [Case(read_as, text.strip("`"), surroundings, because) for text, surroundings, read_as, because in cells]
