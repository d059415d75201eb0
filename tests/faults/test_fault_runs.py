"""One seed of the fault run, for `make test-all`; `make faults` runs more and larger ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.run import run


@pytest.mark.timeout(480)
async def test_services_broker_and_database_die_and_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    ran = await run(seed=1, texts=200, recipients=500, folder=tmp_path / "run")

    assert ran.report.violations == []
    assert ran.report.accepted > 0
