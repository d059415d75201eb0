"""Imports: from the rows that phonelist counts back to the lines of the file."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.api.imports import Import


@given(st.lists(st.integers(1, 5), min_size=1, max_size=50))
def test_a_rows_line_is_found_again(gaps: list[int]) -> None:
    known, lines, line = Import(), [], 1
    for gap in gaps:
        line += gap
        known.add_row(line)
        lines.append(line)

    assert lines == [known.line_of(row) for row in range(1, len(lines) + 1)]
