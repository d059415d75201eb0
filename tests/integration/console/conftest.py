"""The command line as an operator runs it: a process of its own, told by its environment; and the auth that answers it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from libs.common.service import Process
from services.auth.__main__ import SERVICE as AUTH
from tests.harness import running
from tests.infra import Infra
from tests.integration.console.process import Said, heliograph


@dataclass(frozen=True)
class Heliograph:
    """Runs `heliograph` with the settings of `infra`."""

    infra: Infra

    async def __call__(self, *arguments: str, **told: str) -> Said:
        """`told`: variables instead of the usual ones, without HELIOGRAPH_; "" takes one away."""
        variables = {
            "MODE": "development",
            "BROKER_URL": self.infra.broker_url("console"),
            "MANAGEMENT_URL": self.infra.management_url,
        } | told
        environment = {f"HELIOGRAPH_{name}": value for name, value in variables.items() if value}
        return await asyncio.to_thread(heliograph, arguments, environment)

    async def done(self, *arguments: str, **told: str) -> str:
        """What it printed; it must have gone well."""
        said = await self(*arguments, **told)
        assert said.code == 0, (arguments, said)
        return said.out


@pytest.fixture(scope="session", name="heliograph")
def heliograph_of_infra(infra: Infra) -> Heliograph:
    return Heliograph(infra)


@pytest.fixture(scope="module")
async def auth(infra: Infra) -> AsyncIterator[Process]:
    async with running(infra, AUTH) as process:
        yield process
