"""How companies that wait share a claim: by weight. Plain functions."""

from __future__ import annotations

import math
from collections.abc import Mapping


def shares(weights: Mapping[int, int], texts: int, turn: float) -> dict[int, int]:
    """Of each company, how many of `texts` it may have: all together are `texts`, and each is its part by weight, up or down to a whole number.

    `turn`: anything from 0 to 1, another one each time. It decides who gets what does not divide evenly, so that over many claims each has its part
    exactly, also where there are more companies than texts.
    """
    total = sum(weights.values())
    given, passed, until = {}, 0, 0
    for company_id, weight in weights.items():
        passed += weight
        end = math.floor(texts * passed / total + turn) if passed < total else texts
        given[company_id] = end - until
        until = end
    return given
