"""heliograph list, as a user of the company: files with real mess in, lists against each other, and out again."""

from __future__ import annotations

import csv
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from libs.common.contracts.auth import LogIn, ResolveSession
from libs.common.contracts.phonelist import Entry, ReadEntry, ReadNumbers
from services.auth.__main__ import SERVICE as AUTH
from services.phonelist.__main__ import SERVICE as PHONELIST
from tests.harness import Client, client, running
from tests.infra import Infra
from tests.integration.console.conftest import Heliograph
from tests.integration.console.process import Said
from tests.sheet_files import xlsx

_titles = itertools.count(1)


@pytest.fixture(scope="module", autouse=True)
async def gateway(infra: Infra, heliograph: Heliograph) -> AsyncIterator[Client]:
    async with AsyncExitStack() as stack:
        for service in (AUTH, PHONELIST):
            await stack.enter_async_context(running(infra, service))
        gateway = await stack.enter_async_context(client(infra, "gateway"))
        await heliograph.done("seed-demo")
        yield gateway


async def grant(gateway: Client) -> str:
    token = (await gateway.ask(LogIn(username="demo", password="demo-password"))).token
    return (await gateway.ask(ResolveSession(token=token))).grant


async def numbers_of(gateway: Client, list_id: int) -> list[str]:
    return (await gateway.ask(ReadNumbers(list_id=list_id), await grant(gateway))).numbers


async def run(heliograph: Heliograph, *arguments: object) -> Said:
    return await heliograph("list", *map(str, arguments), "--as", "demo", PASSWORD="demo-password")


async def done(heliograph: Heliograph, *arguments: object) -> str:
    said = await run(heliograph, *arguments)
    assert said.code == 0, (arguments, said)
    return said.out


async def imported(heliograph: Heliograph, file: Path, *more: object) -> tuple[int, str]:
    """The id of the new list, and the last line."""
    said = await done(heliograph, "import", file, "--create", f"List {next(_titles)}", *more)
    return int(said.split()[4].rstrip(":")), said.splitlines()[-1]


def a_file(folder: Path, *numbers: str) -> Path:
    file = folder / f"{next(_titles)}.csv"
    file.write_text("\n".join(["phone", *numbers]))
    return file


async def test_a_spreadsheet_with_mess_is_imported_and_its_bad_rows_are_a_file_that_no_spreadsheet_runs(
    heliograph: Heliograph, gateway: Client, tmp_path: Path
) -> None:
    file, bad = tmp_path / "people.xlsx", tmp_path / "bad.csv"
    file.write_bytes(
        xlsx(
            [
                ["Customers", None, None],
                ["Forename", "Mobile No.", "Shoe size"],
                ["Ann", 7700900001, 5],
                ["Bob", "=cmd|' /C calc'!A0", 6],
                ["Cis", "O77OO 900002", 7],
                ["Di", "@nobody", 8],
            ]
        )
    )

    said = (await done(heliograph, "import", file, "--create", "Mess", "--bad-rows", bad)).splitlines()

    list_id = int(said[0].split()[4].rstrip(":"))
    assert said[1:] == [
        f"bad rows are in {bad}",
        "phone_number is read from Mobile No.",
        "first_name is read from Forename",
        "nothing is made of Shoe size",
        "numbers put right, letter o: 1",
        "numbers put right, missing zero: 1",
        "numbers put right, separators: 1",
        "  line 3: '7700900001' is +447700900001 (missing zero)",
        "  line 5: 'O77OO 900002' is +447700900002 (letter o, separators)",
        "line 4: this is not a phone number: \"=cmd|' /C calc'!A0\"",
        "line 6: this is not a phone number: '@nobody'",
        f"list {list_id}: 2 added, 0 there already or twice in the file, 2 bad",
    ]
    with bad.open(newline="") as content:
        rows = list(csv.DictReader(content))
    assert [row["value"] for row in rows] == ["'=cmd|' /C calc'!A0", "'@nobody"]
    assert await numbers_of(gateway, list_id) == ["+447700900001", "+447700900002"]


async def test_all_or_nothing_adds_nothing_and_writes_what_was_bad(
    heliograph: Heliograph, gateway: Client, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.csv"
    list_id, _ = await imported(heliograph, a_file(tmp_path, "07700900001"))
    file = a_file(tmp_path, "07700900002", "nobody", "07700900003")

    said = await run(heliograph, "import", file, "--list", list_id, "--all-or-nothing", "--bad-rows", bad)

    assert (said.code, "line 3: this is not a phone number; bad rows: 1" in said.err) == (1, True), said
    assert bad.read_text().splitlines() == ["line,value,reason", "3,nobody,this is not a phone number"]
    assert await numbers_of(gateway, list_id) == ["+447700900001"]


async def test_an_import_goes_on_under_its_id_and_tells_its_report_again(
    heliograph: Heliograph, gateway: Client, tmp_path: Path
) -> None:
    file = a_file(tmp_path, "07700900001", "07700900001", "x")
    said = await done(heliograph, "import", file, "--create", "Again")
    again = said.splitlines()[0].partition("is cut, ")[2].removesuffix(" goes on").split()

    repeated = await done(heliograph, "import", file, *again)

    assert repeated.splitlines()[1:] == said.splitlines()[1:]
    assert await numbers_of(gateway, int(again[1])) == ["+447700900001"]


async def test_lists_are_merged_subtracted_and_shown(heliograph: Heliograph, gateway: Client, tmp_path: Path) -> None:
    one, _ = await imported(heliograph, a_file(tmp_path, "07700900001", "07700900002"))
    other, _ = await imported(heliograph, a_file(tmp_path, "07700900003", "07700900002"))

    said = await done(heliograph, "merge", one, other, "--create", "Both")
    both = int(said.split()[1].rstrip(":"))
    assert said == f"list {both}: 3 added, 1 there already\n"
    assert await done(heliograph, "merge", other, "--into", one) == f"list {one}: 1 added, 1 there already\n"
    assert await done(heliograph, "subtract", both, "--minus", other) == f"list {both}: 2 taken out\n"

    assert await numbers_of(gateway, both) == ["+447700900001"]
    assert await done(heliograph, "show", both) == f"list {both}: Both\nfolder 0\nentries 1\n"
    for wrong in (("merge", one), ("merge", one, "--into", one), ("subtract", one, "--minus", 2**40)):
        assert (await run(heliograph, *wrong)).code == 1


async def test_an_exported_list_is_imported_as_it_was(heliograph: Heliograph, gateway: Client, tmp_path: Path) -> None:
    file, out, bad = tmp_path / "whole.csv", tmp_path / "out.csv", tmp_path / "bad.csv"
    fields = {
        name: f'{name}, "ü"\nand more' for name in Entry.model_fields if name not in ("phone_number", "date_of_birth")
    }
    with file.open("w", newline="") as content:
        writer = csv.writer(content)
        writer.writerows([[*fields, "date_of_birth", "phone_number"], [*fields.values(), "1985-12-31", "07700900001"]])
    list_id, _ = await imported(heliograph, file)

    assert await done(heliograph, "export", list_id, out) == "1 entries\n"
    copy, last = await imported(heliograph, out, "--bad-rows", bad)

    assert last.endswith(": 1 added, 0 there already or twice in the file, 0 bad")
    assert bad.read_text().splitlines() == ["line,value,reason"]
    may = await grant(gateway)
    ask = ReadEntry(list_id=copy, number="07700900001")
    kept = await gateway.ask(ask, may)
    assert kept == await gateway.ask(ask.model_copy(update={"list_id": list_id}), may)
    assert kept == Entry(phone_number="+447700900001", date_of_birth="1985-12-31", **fields)
