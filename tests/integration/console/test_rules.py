"""heliograph policy, consent, and header's approval, on running services."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from libs.common.contracts.inbound import ReadStops
from libs.common.service import Process
from services.inbound.__main__ import SERVICE as INBOUND
from services.messaging.__main__ import SERVICE as MESSAGING
from tests.harness import client, grant, running
from tests.infra import Infra
from tests.integration.console.conftest import Heliograph


@pytest.fixture(scope="module")
async def inbound(infra: Infra) -> AsyncIterator[Process]:
    async with running(infra, INBOUND) as process:
        yield process


async def stops(infra: Infra, company_id: int) -> list[str]:
    async with client(infra, "gateway") as gateway:
        return sorted(item.number for item in (await gateway.ask(ReadStops(), grant(company_id))).items)


async def test_the_opt_outs_of_another_service_are_imported_once_and_stop(
    auth: Process, inbound: Process, infra: Infra, heliograph: Heliograph, tmp_path: Path
) -> None:
    company_id = int((await heliograph.done("company", "create", "Movers")).strip())
    file = tmp_path / "stops.csv"
    file.write_text(
        "\ufeffPhone Number;Stopped At\n07700 900001;2025-10-24T15:19:51+01:00\n+447700900002;\nnobody;\n07700900003;soon\n\n"
    )
    arguments = ("consent", "import", "Movers", str(file), "--reference", "GetAllStops, 24 November")
    said = await heliograph.done(*arguments)
    assert said.splitlines() == [
        "line 4: no phone number",
        "line 5: no time such as 2026-03-01T12:00:00Z",
        "2 recorded, 0 there already, 2 opted out, 2 bad lines",
    ]
    assert (await heliograph.done(*arguments)).splitlines()[
        -1
    ] == "0 recorded, 2 there already, 0 opted out, 2 bad lines"
    assert await stops(infra, company_id) == ["+447700900001", "+447700900002"]

    bare = tmp_path / "bare.csv"
    bare.write_text("07700900005\n07700900006\n")
    said = await heliograph.done("consent", "import", "Movers", str(bare), "--reference", "bare", "--kind", "given")
    assert said == "2 recorded, 0 there already, 0 opted out, 0 bad lines\n"

    out = tmp_path / "out.csv"
    assert await heliograph.done("consent", "export", "Movers", str(out)) == "4 consents\n"
    with out.open(newline="") as content:
        by_number = sorted(csv.DictReader(content), key=lambda row: row["number"])
    assert [(row["number"], row["kind"], row["how"], row["reference"]) for row in by_number] == [
        ("+447700900001", "withdrawn", "import", "GetAllStops, 24 November"),
        ("+447700900002", "withdrawn", "import", "GetAllStops, 24 November"),
        ("+447700900005", "given", "import", "bare"),
        ("+447700900006", "given", "import", "bare"),
    ]
    assert by_number[0]["at"] == "2025-10-24T14:19:51Z"


async def test_a_file_without_numbers_is_told_so_in_one_sentence(
    auth: Process, inbound: Process, heliograph: Heliograph, tmp_path: Path
) -> None:
    await heliograph.done("company", "create", "Nothing")
    file = tmp_path / "nothing.csv"
    for content in ("name,town\nAnn,Hull\n", ""):
        file.write_text(content)
        said = await heliograph("consent", "import", "Nothing", str(file), "--reference", "x")
        assert (said.code, said.err.count("\n")) == (1, 1), said
        assert "phone number" in said.err


async def test_a_protected_header_is_approved_and_rejected_with_evidence(auth: Process, heliograph: Heliograph) -> None:
    await heliograph.done("company", "create", "Trust")
    assert "sends nothing until" in await heliograph.done("header", "add", "Trust", "NHS Hull")
    await heliograph.done("header", "approve", "Trust", "NHS Hull", "--evidence", "Letter, file 3")
    await heliograph.done("header", "reject", "Trust", "nhs hull", "--evidence", "It was forged")
    decisions = (await heliograph.done("header", "decisions", "Trust", "NHS Hull")).splitlines()
    assert [line[17:] for line in decisions] == [
        "approved by the command line: Letter, file 3",
        "rejected by the command line: It was forged",
    ]
    await heliograph.done("brand", "add", "Trust", "Hull")
    await heliograph.done("header", "brand", "Trust", "NHS Hull", "hull")
    await heliograph.done("header", "protect", "Giraffe")
    assert "Giraffe" in await heliograph.done("header", "protected")
    await heliograph.done("header", "unprotect", "GIRAFFE")


async def test_a_policy_is_shown_and_changed_choice_by_choice(
    auth: Process, infra: Infra, heliograph: Heliograph
) -> None:
    await heliograph.done("company", "create", "Quiet")
    async with running(infra, MESSAGING, simulator_url="tcp://127.0.0.1:9"):
        await heliograph.done("policy", "set", "Quiet", "quiet_from=21:00", "quiet_until=08:00", "near_gsm=true")
        await heliograph.done("policy", "set", "Quiet", "verification_countries=GB,JE", "near_gsm=")
        told = dict(line.split(maxsplit=1) for line in (await heliograph.done("policy", "show", "Quiet")).splitlines())
        assert (told["quiet_from"], told["near_gsm"], told["verification_countries"]) == ("21:00:00", "false", "GB,JE")
        said = await heliograph("policy", "set", "Quiet", "quiet=21:00")
        assert said.code == 1
        assert "is no choice" in said.err
        assert "refused: quiet hours" in (await heliograph("policy", "set", "Quiet", "quiet_from=")).err
        assert "repetition_max" in (await heliograph("policy", "set", "Quiet", "repetition_max=21")).err
