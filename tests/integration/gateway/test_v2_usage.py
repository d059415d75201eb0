"""/v2/usage, /v2/account and /v2/prices: a company reads its own."""

from __future__ import annotations

import csv
import io

from libs.common.clock import now
from tests.harness import eventually
from tests.integration.gateway.test_v2 import call, refused
from tests.platform import Platform

MONTH = f"{now():%Y-%m}"


async def test_usage_is_told_in_pages_and_as_csv_and_to_nobody_else(world: Platform) -> None:
    sent = await call(world, "POST", "/messages", json={"to": "+447400777001", "from": "82830", "text": "x" * 200})
    assert sent.status_code in (201, 202), sent.text

    async def counted() -> bool:
        return bool((await call(world, "GET", "/usage")).json()["items"])

    await eventually(counted)
    told = (await call(world, "GET", "/usage", params={"since": MONTH, "until": MONTH, "limit": "1"})).json()
    [row] = told["items"]
    assert row["parts"] >= row["texts"] >= 1
    assert row["month"] == f"{MONTH}-01"
    export = await call(world, "GET", "/usage", headers={"accept": "text/csv"})
    assert export.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(export.text, newline="")))
    assert sum(int(row["parts"]) for row in rows) >= row["parts"]
    assert row not in (await call(world, "GET", "/usage", "other", params={"since": MONTH})).json()["items"]
    refused(await call(world, "GET", "/usage", params={"since": "November"}), "invalid_request")


async def test_the_account_and_the_prices_are_shown(world: Platform) -> None:
    account = (await call(world, "GET", "/account")).json()
    assert (account["credit_micros"], account["parts_a_month"], account["weight"]) == (None, None, 1)
    assert set((await call(world, "GET", "/prices")).json()) == {"currency", "prices"}
