"""heliograph usage, price, account, ledger, on running services."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from libs.common.clock import now
from libs.common.service import Process
from services.messaging.__main__ import SERVICE as MESSAGING
from tests.harness import running
from tests.infra import Infra
from tests.integration.console.conftest import Heliograph

MONTH = now().date().replace(day=1)


@pytest.fixture(scope="module")
async def messaging(infra: Infra) -> AsyncIterator[Process]:
    async with running(infra, MESSAGING, simulator_url="tcp://127.0.0.1:9") as process:
        yield process


async def used(messaging: Process, company_id: int) -> None:
    """A header that a spreadsheet would take for a formula among them."""
    async with messaging.app.db.transaction() as tx:
        for sender, campaign_id, texts, parts, micros in (
            ("=82830", 0, 2, 3, 120_001),
            ("Shop", 7, 1000, 2000, 80_000_000),
        ):
            await tx.execute(
                "INSERT INTO usage_months VALUES ($1, $2, $3, $4, 'shop', $5, $6, $7)",
                MONTH,
                company_id,
                sender,
                campaign_id,
                texts,
                parts,
                micros,
            )


async def test_prices_are_set_from_a_file_and_shown_as_one(
    auth: Process, messaging: Process, heliograph: Heliograph, tmp_path: Path
) -> None:
    file = tmp_path / "prices.csv"
    file.write_text("\ufeffprefix,price\n+,0.09\n+44, 0.04\n\n+447700900,0\n")
    assert await heliograph.done("price", "set", "GBP", str(file)) == "3 prices\n"

    shown = await heliograph.done("price", "show")
    assert shown == "prefix,price\n'+,0.090000\n+44,0.040000\n+447700900,0.000000\n"
    file.write_text(shown)
    assert await heliograph.done("price", "set", "GBP", str(file)) == "3 prices\n"
    for wrong, why in (
        ("44,0.04\n", "line 1"),
        ("+44,free\n", "is no amount"),
        ("+44,0.0000001\n", "is no amount"),
        ("+44,1\n+44,2\n", "two prices"),
    ):
        file.write_text(wrong)
        said = await heliograph("price", "set", "GBP", str(file))
        assert (said.code, said.err.count("\n")) == (1, 1)
        assert why in said.err
    assert await heliograph.done("price", "show") == shown


async def test_usage_is_a_table_or_a_csv_that_no_spreadsheet_executes(
    auth: Process, messaging: Process, heliograph: Heliograph
) -> None:
    company_id = int((await heliograph.done("company", "create", "Spender")).strip())
    await used(messaging, company_id)

    table = (await heliograph.done("usage", "--company", "Spender")).splitlines()
    assert len(table) == 4
    assert table[-1].split() == ["together", "1,002", "2,003", "80.12", "GBP"]
    rows = list(csv.DictReader(io.StringIO(await heliograph.done("usage", "--csv", "--company", str(company_id)))))
    assert [(row["sender"], row["campaign_id"], row["texts"], row["parts"], row["cost"]) for row in rows] == [
        ("'=82830", "0", "2", "3", "0.120001"),
        ("Shop", "7", "1000", "2000", "80.000000"),
    ]
    assert {row["month"] for row in rows} == {f"{MONTH:%Y-%m}"}
    assert len((await heliograph.done("usage", "--since", "2020-01", "--until", "2020-12", "--csv")).splitlines()) == 1
    said = await heliograph("usage", "--since", "last month")
    assert (said.code, "is no month" in said.err) == (1, True)


async def test_an_account_is_set_step_by_step_and_shown(
    auth: Process, messaging: Process, heliograph: Heliograph
) -> None:
    await heliograph.done("company", "create", "Bounded")

    async def shown() -> dict[str, str]:
        lines = (await heliograph.done("account", "show", "Bounded")).splitlines()
        return {line[:20].strip(): line[20:].split(" GBP")[0] for line in lines}

    assert (await shown())["credit"] == "no bound"
    await heliograph.done("account", "set", "Bounded", "--credit", "250", "--low", "10.5", "--weight", "3")
    await heliograph.done("account", "set", "Bounded", "--top-up", "0.25", "--parts-a-month", "100000")
    assert await shown() == {
        "credit": "250.250000",
        "low below": "10.500000",
        "parts a month": "100,000",
        "parts this month": "0",
        "weight": "3",
    }
    await heliograph.done("account", "set", "Bounded", "--unlimited")
    assert (await shown())["credit"] == (await shown())["parts a month"] == "no bound"
    said = await heliograph("account", "set", "Bounded", "--unlimited", "--credit", "1")
    assert (said.code, "goes with neither" in said.err) == (1, True)


async def test_the_ledgers_months_are_told_with_the_day_they_go(
    auth: Process, messaging: Process, heliograph: Heliograph
) -> None:
    lines = (await heliograph.done("ledger", "retention")).splitlines()

    assert [line[:7] for line in lines[:-1]] == sorted({line[:7] for line in lines[:-1]})
    assert f"{MONTH:%Y-%m}" in [line[:7] for line in lines[:-1]]
    assert lines[-1].startswith("13 whole months are kept")
