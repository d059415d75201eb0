"""A CSV as batches of entries: each row once, with its line, and none dropped in silence."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from libs.common.contracts.base import ITEMS_MAX
from libs.common.contracts.phonelist import BadRow
from services.console.lists import batches


@given(st.lists(st.sampled_from(["number", "empty", "bad"]), max_size=40))
def test_every_row_is_there_once_with_its_own_line(rows: list[str]) -> None:
    text = {"number": "07700900001,", "empty": ",", "bad": "1,never"}
    content = io.BytesIO("\n".join(["phone,dob", *(text[row] for row in rows)]).encode())
    unreadable: list[BadRow] = []

    found = {line + n: "number" for line, entries in batches(content, unreadable) for n, _ in enumerate(entries)} | {
        row.line: "bad" for row in unreadable
    }

    assert found == {n: row for n, row in enumerate(rows, start=2) if row != "empty"}


def test_a_long_file_comes_in_batches_that_a_fold_can_carry() -> None:
    short = io.BytesIO(b"phone\n" + b"1\n" * 1201)
    wide = io.BytesIO(b"phone,user1\n" + b"1,%s\n" % (b"x" * 900) * 300)

    assert [len(entries) for _, entries in batches(short, [])] == [ITEMS_MAX, ITEMS_MAX, 201]
    assert [len(entries) for _, entries in batches(wide, [])] == [145, 145, 10]
