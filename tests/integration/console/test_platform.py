"""What the command line says of a platform at work: an import, a text, a campaign, and books that balance until somebody spoils them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from libs.common.contracts.auth import LogIn, ResolveSession
from libs.common.contracts.base import Ask, Code, Refusal
from libs.common.contracts.campaign import CampaignState, CreateCampaign, LaunchCampaign, LinkList, ReadProgress
from libs.common.contracts.messaging import SendText
from libs.common.service import Process
from services.auth.__main__ import SERVICE as AUTH
from services.campaign.__main__ import SERVICE as CAMPAIGN
from services.campaign.reports.loop import tally_ended
from services.inbound.__main__ import SERVICE as INBOUND
from services.messaging.__main__ import SERVICE as MESSAGING
from services.phonelist.__main__ import SERVICE as PHONELIST
from tests.harness import Client, client, eventually, running
from tests.infra import Infra
from tests.integration.console.conftest import Heliograph
from tests.integration.simulator.process import simulator_process


@dataclass
class Platform:
    """The services, with the demo company, and its user as the gateway asks for it."""

    gateway: Client
    processes: dict[str, Process]

    async def ask(self, ask: Ask[Any]) -> Any:
        token = (await self.gateway.ask(LogIn(username="demo", password="demo-password"))).token
        return await self.gateway.ask(ask, (await self.gateway.ask(ResolveSession(token=token))).grant)

    async def execute(self, service: str, sql: str) -> None:
        async with self.processes[service].kernel.db.transaction() as tx:
            await tx.execute(sql)


@pytest.fixture(scope="module")
async def platform(
    infra: Infra, heliograph: Heliograph, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Platform]:
    async with AsyncExitStack() as stack:
        far_side = await stack.enter_async_context(simulator_process(tmp_path_factory.mktemp("far_side")))
        processes = {
            service.name: await stack.enter_async_context(
                running(infra, service, simulator_url=f"tcp://127.0.0.1:{far_side.carrier_port}")
            )
            for service in (AUTH, MESSAGING, INBOUND, PHONELIST, CAMPAIGN)
        }
        gateway = await stack.enter_async_context(client(infra, "gateway"))
        await heliograph.done("seed-demo")
        yield Platform(gateway, processes)


async def imported(heliograph: Heliograph, folder: Path, title: str, rows: list[str]) -> list[str]:
    """What was said of a list of `rows`."""
    file = folder / "rows.csv"
    file.write_text("\n".join(["Phone Number,First Name,Date of Birth", *rows]))
    said = await heliograph.done(
        "list", "import", str(file), "--create", title, "--as", "demo", PASSWORD="demo-password"
    )
    return said.splitlines()


async def a_finished_campaign(platform: Platform, list_id: int, title: str) -> int:
    campaign = CreateCampaign(title=title, body="Spring is here", sender="82830")

    async def created() -> int:
        """Once campaign has heard of the header."""
        try:
            return (await platform.ask(campaign)).id  # type: ignore[no-any-return]
        except Refusal as refusal:
            if refusal.code != Code.INVALID_SENDER:
                raise
            return 0

    campaign_id: int = await eventually(created)
    await platform.ask(LinkList(campaign_id=campaign_id, list_id=list_id))
    await platform.ask(LaunchCampaign(campaign_id=campaign_id))

    async def finished() -> bool:
        progress = await platform.ask(ReadProgress(campaign_id=campaign_id))
        return bool(progress.state == CampaignState.FINISHED)

    await eventually(finished, within_s=30)
    return campaign_id


async def test_a_file_is_imported_and_its_bad_rows_are_named(
    platform: Platform, heliograph: Heliograph, tmp_path: Path
) -> None:
    rows = [
        "07700 900001,Ann,",
        "not a number,Bob,",
        "+44 7700 900001,Ann,",
        ",,",
        "07700900002,Cy,tomorrow",
        "07700900003,Di,",
    ]

    said = await imported(heliograph, tmp_path, "Messy", rows)

    assert re.fullmatch(r"import (\S+) into list ([0-9]+): if it is cut, --list \2 --again \1 goes on", said[0]), said
    assert said[1:] == [
        "phone_number is read from Phone Number",
        "first_name is read from First Name",
        "date_of_birth is read from Date of Birth",
        "numbers put right, separators: 2",
        "  line 2: '07700 900001' is +447700900001 (separators)",
        "  line 4: '+44 7700 900001' is +447700900001 (separators)",
        "line 3: this is not a phone number: 'not a number'",
        "line 6: date_of_birth is no date: write 1985-12-31 or 31/12/1985: '07700900002'",
        f"list {said[0].split()[4].rstrip(':')}: 2 added, 1 there already or twice in the file, 2 bad",
    ]


async def test_an_import_that_cannot_be_is_refused_and_adds_nothing(
    platform: Platform, heliograph: Heliograph, tmp_path: Path
) -> None:
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"PK\x03\x04 and no more")

    def run(*more: str, password: str = "demo-password") -> Any:
        return heliograph("list", "import", str(binary), "--as", "demo", *more, PASSWORD=password)

    for said, sentence in (
        (await run("--create", "Binary"), "cannot be read: it is no XLSX file, or is not whole. Nothing was added."),
        (await run(), "say either --list ID or --create TITLE"),
        (await run("--list", "999999"), "not_found"),
        (await run("--create", "x", password="wrong password"), "refused: the username or the password is wrong"),
    ):
        assert said.code == 1
        assert sentence in said.err
        assert "Traceback" not in said.err


async def test_a_text_shows_its_whole_life_and_never_what_it_says(platform: Platform, heliograph: Heliograph) -> None:
    async def sent() -> Any:
        try:
            return await platform.ask(SendText(to="+447700900100", sender="82830", body="a secret between us"))
        except Refusal as refusal:
            if refusal.code != Code.INVALID_SENDER:
                raise
            return None

    text = await eventually(sent)

    async def delivered() -> str:
        shown = await heliograph.done("message", "show", str(text.id))
        return shown if "delivered" in shown.splitlines()[0] else ""

    shown = await eventually(delivered)
    assert shown.startswith(str(text.id))
    assert "from 82830 to +447700900100" in shown
    assert "taken by embedded" in shown
    assert "secret" not in shown
    settled = await heliograph("in-doubt", "settle", str(text.id), "failed")
    assert (settled.code, "wrong_state" in settled.err) == (1, True)


async def test_a_keyword_is_given_once(platform: Platform, heliograph: Heliograph) -> None:
    async def given() -> bool:
        """Once inbound has heard of the header."""
        said = await heliograph("textin", "create", "Demo", "82830", "JOIN")
        return said.code == 0 and said.out.strip().isdecimal()

    await eventually(given)
    again = await heliograph("textin", "create", "Demo", "82830", "join")
    assert (again.code, "duplicate" in again.err) == (1, True)


async def test_books_balance_until_somebody_spoils_them(
    platform: Platform, heliograph: Heliograph, tmp_path: Path
) -> None:
    said = await imported(heliograph, tmp_path, "Books", [f"07700900{n:03d},," for n in range(200, 260)])
    list_id = int(said[-1].split()[1].rstrip(":"))
    campaign_id = await a_finished_campaign(platform, list_id, "Books")

    books = await heliograph.done("books")
    assert "60 targeted = 0 waiting + 0 handed over + 60 delivered" in books
    assert books.endswith("The books balance.\n")
    assert f"campaign {campaign_id}, Books: finished" in await heliograph.done("campaign", "show", str(campaign_id))
    assert "Books" in await heliograph.done("campaign", "list")

    # What is told of it afterwards is the sum of that time, and not of ours.
    await tally_ended(platform.processes["campaign"].app)
    await platform.execute(
        "campaign",
        f"UPDATE recipients SET state = 'failed' WHERE campaign_id = {campaign_id} AND position = 7",
    )
    spoilt = await heliograph("books")
    assert spoilt.code == 1
    progress = f"campaign {campaign_id}: its progress tells of 60 delivered, its recipients are 59 delivered, 1 failed"
    assert f"FAULT  campaign: {progress}" in spoilt.out

    await platform.execute("campaign", f"DELETE FROM tallies WHERE campaign_id = {campaign_id}")
    across = await heliograph("books")
    assert across.code == 1
    assert f"FAULT  campaign {campaign_id}: 59 ended as delivered, messaging has 60, and nothing moves" in across.out
    assert f"FAULT  campaign {campaign_id}: 1 ended as failed, messaging has 0, and nothing moves" in across.out

    await platform.execute("campaign", f"DELETE FROM recipients WHERE campaign_id = {campaign_id} AND position = 7")
    inside = await heliograph("books", "--wait", "0")
    assert inside.code == 1
    assert "FAULT  campaign: " in inside.out
    assert "balance" not in inside.out
