"""One PostgreSQL and one RabbitMQ for the whole run; each test's service gets a database of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.infra import Infra, start_infra

settings.register_profile(
    "house", deadline=None
)  # how long an example took says nothing on a busy machine: that is `make bench`'s
settings.load_profile("house")

_backend = ""


@pytest.fixture(scope="session")
def infra() -> Iterator[Infra]:
    global _backend
    started = start_infra()
    _backend = started.backend
    yield started
    started.stop()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(f"PostgreSQL and RabbitMQ: {_backend or 'not needed'}")
    for report in terminalreporter.stats.get("skipped", []):
        terminalreporter.write_line(f"skipped: {report.nodeid}: {report.longrepr[2]}")
