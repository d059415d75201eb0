"""One simulator for all candidates."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from services.messaging.carriers import http
from tests.carriers.candidates import ACCOUNTS, ANSWER_LIMIT_S, SILENCE_LIMIT_S
from tests.integration.simulator.process import SimulatorProcess, simulator_process


@pytest.fixture(scope="package", autouse=True)
def _short_limit_of_http_answers() -> Iterator[None]:
    before, http.ANSWER_LIMIT_S = http.ANSWER_LIMIT_S, ANSWER_LIMIT_S
    yield
    http.ANSWER_LIMIT_S = before


@pytest.fixture(scope="package")
async def simulator(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SimulatorProcess]:
    folder = tmp_path_factory.mktemp("carriers")
    async with simulator_process(folder, SILENCE_LIMIT_S, ACCOUNTS) as started:
        yield started
