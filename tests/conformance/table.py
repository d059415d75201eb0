"""The table of conformance: for each documented operation, what its tests found.

Owns the page docs/reference/conformance.md, printed from the results of a run that held every test of this folder. A cell is `yes` only where
each of its tests passed, `-` only where the documentation gives nothing to try.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.contract.documented import DOCUMENTED

COLUMNS = ("JSON", "XML", "form", "refusals", "page-exact")
HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "reference" / "conformance.md"

HEAD = """\
# Conformance of the documented surface

Written by `make test` from the results of `tests/conformance`; it fails if this page differs from what it found.

- **JSON**, **XML**, **form**: a good call, asked in that encoding with names in whatever case and elements in any order, did what it should; it was
  answered in JSON and in XML, each exact in names, order, namespaces, nil and dates. An operation without a body is answered in that format, and has
  no form.
- **refusals**: what can be refused was refused with its documented status, the same in JSON and XML.
- **page-exact**: request and answer equal the samples on the operation's own page but for values, to the letter. Eight pages are known.

Each operation is also tried with some hundreds of hostile requests (`tests/conformance/test_hostile.py`), and each is refused with nothing changed. How many
they are, the run says at its end.
"""


class Table:
    """`tell` what each test found; `page` is what they say together."""

    def __init__(self) -> None:
        self._passed: defaultdict[tuple[str, str], list[bool]] = defaultdict(list)

    def tell(self, route: str, column: str, passed: bool) -> None:
        self._passed[route, column].append(passed)

    def page(self) -> str:
        lines = [f"| operation | {' | '.join(COLUMNS)} |", "|---|" + "---|" * len(COLUMNS)]
        good = dict.fromkeys(COLUMNS, 0)
        for doc in DOCUMENTED:
            cells = {column: self._cell(doc["route"], column) for column in COLUMNS}
            lines.append(f"| `{doc['route']}` | {' | '.join(cells.values())} |")
            for column, cell in cells.items():
                good[column] += cell == "yes"
        of = {column: sum(applies(doc["route"], column) for doc in DOCUMENTED) for column in COLUMNS}
        lines.append(f"| {len(DOCUMENTED)} | {' | '.join(f'{good[c]} of {of[c]}' for c in COLUMNS)} |")
        return "\n".join([HEAD, *lines, ""])

    def _cell(self, route: str, column: str) -> str:
        if not applies(route, column):
            assert (route, column) not in self._passed, f"{route}: {column} is tested, yet does not apply"
            return "-"
        passed = self._passed.get((route, column))
        return "not tested" if not passed else "yes" if all(passed) else "no"


def applies(route: str, column: str) -> bool:
    doc = next(doc for doc in DOCUMENTED if doc["route"] == route)
    if column == "form":
        return bool(doc["body"])
    return column != "page-exact" or "samples" in doc


class Recorder:
    """A plugin of pytest: hears the results and, after a run that held every test of this folder, compares the page with them.

    A run of some of the tests (-k, one file, --lf) says nothing about the table, so it is left alone then.
    """

    def __init__(self) -> None:
        self.hostile: dict[str, int] = {}  # requests of the hostile matrix by operation
        self._table = Table()
        self._missing = -1  # results that have not come; below 0: not all tests were chosen
        self._deselected = False
        self._said: list[str] = []

    def pytest_deselected(self) -> None:
        self._deselected = True

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        whole = {item.path for item in session.items}.issuperset(HERE.glob("test_*.py"))
        if whole and not self._deselected and not any("::" in argument for argument in session.config.args):
            self._missing = sum(item.get_closest_marker("cell") is not None for item in session.items)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        cell = item.get_closest_marker("cell")
        if cell and (report.when == "call" or not report.passed):
            route, column = cell.args
            self._table.tell(route, column, report.passed)
        if cell and report.when == "teardown":
            self._missing -= 1
        return report

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._missing:
            return
        page = self._table.page()
        if not PAGE.exists() or PAGE.read_text() != page:
            PAGE.write_text(page)
            self._said.append(
                f"{PAGE.name} was not what this run found. It is now: look at the difference, and commit it."
            )
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.hostile:
            self._said.append(f"hostile matrix: {sum(self.hostile.values())} cases over {len(self.hostile)} operations")
        for line in self._said:
            terminalreporter.write_line(line)
