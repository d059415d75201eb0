"""One platform for all tests of the gateway; a new simulator's log for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.infra import Infra
from tests.platform import Platform, platform


@pytest.fixture(scope="package")
async def running_platform(infra: Infra, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    async with platform(infra, tmp_path_factory.mktemp("platform")) as started:
        yield started


@pytest.fixture
async def world(running_platform: Platform) -> Platform:
    await running_platform.simulator.begin_anew()
    return running_platform
