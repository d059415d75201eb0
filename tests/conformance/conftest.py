"""One prepared world for all tests of conformance, and the table that their results make."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.conformance.table import Recorder
from tests.conformance.world import World, prepared
from tests.infra import Infra
from tests.platform import platform

RECORDER = pytest.StashKey[Recorder]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "cell(route, column): the test speaks for this cell of the table of conformance")
    config.stash[RECORDER] = Recorder()
    config.pluginmanager.register(config.stash[RECORDER])


@pytest.fixture(scope="package")
async def world(infra: Infra, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with platform(infra, tmp_path_factory.mktemp("conformance")) as started:
        yield await prepared(started)


@pytest.fixture(scope="session")
def hostile_cases(pytestconfig: pytest.Config) -> dict[str, int]:
    """How many hostile requests each operation was tried with: told in the run's summary."""
    return pytestconfig.stash[RECORDER].hostile
