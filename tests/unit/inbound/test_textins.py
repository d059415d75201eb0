"""Which words may be keywords."""

from __future__ import annotations

import pytest

from libs.common.contracts.base import Code, Refusal
from services.inbound.optouts.rules import WISHES
from services.inbound.textins.rules import keyword_key


def test_a_keyword_is_compared_in_its_normal_form() -> None:
    assert keyword_key(" Ｗin! ") == "win"


@pytest.mark.parametrize("keyword", ["", "!", "two words", *(word.upper() for word in WISHES)])
def test_a_keyword_is_refused(keyword: str) -> None:
    with pytest.raises(Refusal) as refusal:
        keyword_key(keyword)
    assert refusal.value.code == Code.INVALID_REQUEST
