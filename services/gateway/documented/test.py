"""api/Test and api/Foo: for a client to try its connection and its formats."""

from __future__ import annotations

from services.gateway.documented.call import Call
from services.gateway.documented.statuses import Status


async def test(_: Call) -> object:
    """A live session is all it takes; without one the string is the name of that status."""
    return Status.Success.name


async def foo(_: Call) -> object:
    return None
