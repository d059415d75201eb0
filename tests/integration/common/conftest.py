"""The toy service, running once for the module."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from libs.common.service import Process
from tests.harness import Client, client, grant, running
from tests.infra import Infra
from tests.integration.common.toy import COUNT, TABLE, TOY, HowOften

GRANT = grant(1)


@dataclass
class Toy:
    process: Process
    gateway: Client
    owner: Client  # publishes as the toy itself

    async def times(self, what: str) -> int:
        return (await self.gateway.ask(HowOften(what=what), GRANT)).times


@pytest.fixture(scope="module")
async def toy(infra: Infra) -> AsyncIterator[Toy]:
    async with running(infra, TOY) as process, client(infra, "gateway") as gateway, client(infra, "phonelist") as owner:
        assert process.db is not None
        async with process.db.transaction() as tx:
            await tx.execute(TABLE)
            await tx.execute(COUNT, "the table is there")
        yield Toy(process, gateway, owner)
