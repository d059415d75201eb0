"""The frame of a good call: what is sent, and what must hold once it was answered. `GOOD` is filled by the modules beside this one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.conformance.world import World

Holds = Callable[[Any], Awaitable[None]]


async def _anything(_: Any) -> None:
    pass


@dataclass(frozen=True)
class Call:
    params: Mapping[str, object] = field(default_factory=dict)  # of path and query
    body: Any = None  # by the documented names, or one string
    holds: Holds = _anything


Make = Callable[[World], Awaitable[Call]]
GOOD: dict[str, Make] = {}


def good(route: str) -> Callable[[Make], Make]:
    def keep(make: Make) -> Make:
        assert route not in GOOD
        GOOD[route] = make
        return make

    return keep


def read(route: str, expected: Callable[[World], Any], **params: Any) -> None:
    """A row for an operation that only reads; params that are functions are asked the world."""

    async def make(world: World) -> Call:
        async def holds(result: Any) -> None:
            wanted = expected(world)
            assert wanted(result) if callable(wanted) else result == wanted, result

        given = {name: value(world) if callable(value) else value for name, value in params.items()}
        return Call({"SessionToken": world.mine.token} | given, holds=holds)

    GOOD[route] = make
