"""The table tells the truth: what was not tried, or failed, does not read as yes."""

from __future__ import annotations

from tests.conformance.table import COLUMNS, Table, applies
from tests.conformance.wire import BY_ROUTE

LOGIN, LOGOUT = "POST api/Security/Login", "GET api/Security/Logout/{SessionToken}"


def row(table: Table, route: str) -> list[str]:
    (line,) = [line for line in table.page().splitlines() if line.startswith(f"| `{route}` |")]
    return [cell.strip() for cell in line.split("|")[2:-1]]


def test_a_cell_is_yes_only_where_each_of_its_tests_passed() -> None:
    table = Table()
    table.tell(LOGIN, "JSON", True)
    table.tell(LOGIN, "JSON", True)
    table.tell(LOGIN, "XML", True)
    table.tell(LOGIN, "XML", False)

    assert row(table, LOGIN) == ["yes", "no", "not tested", "not tested", "not tested"]
    assert row(table, LOGOUT) == ["not tested", "not tested", "-", "not tested", "-"]
    assert table.page().splitlines()[-1] == "| 46 | 1 of 46 | 0 of 46 | 0 of 13 | 0 of 46 | 0 of 8 |"


def test_every_cell_that_applies_is_counted() -> None:
    table = Table()
    for route in BY_ROUTE:
        for column in COLUMNS:
            if applies(route, column):
                table.tell(route, column, True)

    assert table.page().splitlines()[-1] == "| 46 | 46 of 46 | 46 of 46 | 13 of 13 | 46 of 46 | 8 of 8 |"
