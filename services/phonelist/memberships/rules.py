"""Memberships: which of a person's wishes holds. Plain functions; no I/O."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from libs.common.contracts.inbound import Membership


def newest(wishes: Iterable[Membership]) -> dict[int, list[Membership]]:
    """The newest wish of each number, by list; of one moment, which is often a second of a carrier's clock, the last."""
    held: dict[int, dict[str, Membership]] = defaultdict(dict)
    for wish in wishes:
        of_list = held[wish.list_id]
        if wish.number not in of_list or wish.at >= of_list[wish.number].at:
            of_list.pop(wish.number, None)  # the order is that of the wishes that hold
            of_list[wish.number] = wish
    return {list_id: list(of_list.values()) for list_id, of_list in sorted(held.items())}
