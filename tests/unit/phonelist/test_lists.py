"""What a title may be."""

from __future__ import annotations

import pytest

from libs.common.contracts.base import Code, Refusal
from services.phonelist.lists.rules import TITLE_CHARACTERS_MAX, title, title_key


def test_a_title_is_kept_without_the_space_around_it() -> None:
    assert title(" Members  2026 ") == "Members  2026"
    assert title("x" * TITLE_CHARACTERS_MAX) == "x" * TITLE_CHARACTERS_MAX


@pytest.mark.parametrize("given", ["", " \n", "x" * (TITLE_CHARACTERS_MAX + 1), "a\0"])
def test_a_title_is_refused(given: str) -> None:
    with pytest.raises(Refusal) as refusal:
        title(given)
    assert refusal.value.code == Code.INVALID_REQUEST


def test_two_writings_of_one_title_share_a_key() -> None:
    assert title_key("STRASSE") == title_key("straße")
