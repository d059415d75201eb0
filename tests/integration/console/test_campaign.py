"""heliograph campaign, as a user of the company: from the draft to the report, and the live view as a terminal shows it."""

from __future__ import annotations

import asyncio
import csv
import itertools
import os
import pty
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.campaign import CreateCampaign
from libs.common.contracts.phonelist import AddEntries, CreateList, Entry
from tests.harness import eventually
from tests.integration.console.conftest import Heliograph
from tests.integration.console.process import Said
from tests.integration.console.test_platform import Platform, platform

__all__ = ["platform"]  # a fixture, made anew for this module

_numbers = itertools.count(1)
DEMO = ("--as", "demo")
HELLO = "Hello {{first_name:title|friend}}, your {{user1}} is ready. STOP to 82830"


def a_number() -> str:
    return f"+447700905{next(_numbers):03d}"


async def a_list(platform: Platform, *entries: dict[str, str], title: str) -> int:
    list_id: int = (await platform.ask(CreateList(title=title))).id
    people = [Entry(**({"phone_number": a_number()} | entry)) for entry in entries]
    await platform.ask(AddEntries(list_id=list_id, entries=people))
    return list_id


async def run(heliograph: Heliograph, *arguments: str) -> Said:
    return await heliograph("campaign", *arguments, *DEMO, PASSWORD="demo-password")


async def done(heliograph: Heliograph, *arguments: str) -> str:
    said = await run(heliograph, *arguments)
    assert said.code == 0, (arguments, said)
    return said.out


@pytest.fixture(scope="module", autouse=True)
async def header_known(platform: Platform) -> None:
    async def known() -> bool:
        try:
            await platform.ask(CreateCampaign(title="Is it?", body="x", sender="82830"))
        except Refusal as refusal:
            if refusal.code != Code.INVALID_SENDER:
                raise
            return False
        return True

    await eventually(known)


async def a_draft(
    heliograph: Heliograph, title: str, *options: str, text: str = "Spring is here. STOP to 82830"
) -> str:
    said = await done(heliograph, "create", title, text, "--from", "82830", *options)
    found = re.fullmatch(r"campaign ([0-9]+): a draft\n", said)
    assert found, said
    return found[1]


async def test_a_campaign_is_made_tried_launched_and_reported_from_the_terminal(
    platform: Platform, heliograph: Heliograph, tmp_path: Path
) -> None:
    entries = [{"first_name": "ANN", "user1": "hat"}, {"user1": "coat"}, {"first_name": "cy"}]
    list_id = await a_list(platform, *entries, title="Terminal")
    id_ = await a_draft(heliograph, "Terminal", "--personal", text=HELLO)

    await done(heliograph, "link", id_, str(list_id))
    preview = (await done(heliograph, "preview", id_)).splitlines()
    assert preview[0] == "from 82830"
    assert [line.split("  ", 1)[1] for line in preview[1:]] == [
        "Hello Ann, your hat is ready. STOP to 82830",
        "Hello friend, your coat is ready. STOP to 82830",
        "lacks user1",
    ]
    tried = await run(heliograph, "test", id_, "07700 900101", "nobody")
    assert tried.code == 1
    assert re.match(r"07700 900101  [0-9a-f-]{36}\nnobody  not sent: .*\(invalid_number\)\n", tried.out), tried

    dry_run = (await done(heliograph, "dry-run", id_)).splitlines()
    assert dry_run[0] == f"Dry run of campaign {id_}: nothing was sent."
    counts = {
        line.strip().rsplit("  ", 1)[0].strip(): line.split()[-1] for line in dry_run[1:] if line.startswith("  ")
    }
    assert counts["numbers in its lists"] == "3"
    assert counts["left out: incomplete"] == "1"
    assert counts["would get it"] == counts["GSM"] == counts["1 part"] == counts["parts in all"] == "2"
    assert any(line.endswith("lacks user1") for line in dry_run)

    refused = await run(heliograph, "launch", id_)
    assert (refused.code, "missing_fields" in refused.err, "user1" in refused.err) == (1, True, True)
    launched = await done(heliograph, "launch", id_, "--leave-out-incomplete")
    assert launched.endswith(f"campaign {id_}: launched\n")
    watched = (await done(heliograph, "watch", id_, "--plain")).splitlines()
    assert watched[-1].split("  ", 1)[1].startswith("finished  2 of 2 ended (100 %)")
    assert "2 delivered" in watched[-1]

    file = tmp_path / "report.csv"
    report = await done(heliograph, "report", id_, "--csv", str(file))
    assert report.startswith(f"campaign {id_}, Terminal: finished\n")
    assert re.search(r"delivered +2  100\.0 %", report), report
    rows = list(csv.DictReader(file.open(newline="")))
    assert [row["state"] for row in rows] == ["delivered", "delivered"]
    assert report.endswith(f"2 recipients in {file}\n")

    assert f"{id_:>6}  finished" in await done(heliograph, "list")
    assert f"{id_:>6}  finished" in await done(heliograph, "list", "--state", "finished")
    assert f"{id_:>6}  " not in await done(heliograph, "list", "--state", "draft")
    shown = await done(heliograph, "show", id_)
    assert "2 targeted = 0 waiting + 0 handed over + 2 delivered" in shown
    assert f"lists {list_id}" in shown
    assert (await heliograph.done("campaign", "books", id_)).endswith("Its books balance.\n")


async def test_what_it_is_made_of_is_read_as_people_write_it(platform: Platform, heliograph: Heliograph) -> None:
    id_ = await a_draft(
        heliograph, "Windows", "--window", "mon-fri 09:00-17:30", "--window", "sat 10:00-12:00", "--per-minute", "600"
    )
    out, kept = [await a_list(platform, {}, title=f"Windows {n}") for n in (1, 2)]
    await done(heliograph, "link", id_, str(kept))
    await done(heliograph, "link", id_, str(out), "--exclude")

    shown = await done(heliograph, "show", id_)

    assert "at most 600 a minute, only mon-fri 09:00-17:30; sat 10:00-12:00" in shown
    assert f"lists {kept}, without those of {out}" in shown
    await done(heliograph, "unlink", id_, str(kept), str(out))
    assert "lists none" in await done(heliograph, "show", id_)
    for option, value in (("--window", "always"), ("--launch-at", "tomorrow"), ("--spread-until", "2026-02-30")):
        said = await run(heliograph, "create", "x", "x", "--from", "82830", option, value)
        assert (said.code, said.err.startswith(f"{option}: {value!r} is no")) == (1, True), said


async def test_it_is_paused_resumed_extended_and_stopped(platform: Platform, heliograph: Heliograph) -> None:
    list_id = await a_list(platform, *[{}] * 40, title="Course")
    id_ = await a_draft(heliograph, "Course", "--per-minute", "60", "--lease-hours", "5")
    await done(heliograph, "link", id_, str(list_id))
    await done(heliograph, "launch", id_)

    async def sending() -> bool:
        return "Course: sending" in await done(heliograph, "show", id_)

    await eventually(sending)
    paused = await done(heliograph, "pause", id_)
    found = re.fullmatch(
        rf"campaign {id_}: paused. ([0-9]+) of 40 were handed over; ([0-9]+) can still arrive.\n", paused
    )
    assert found, paused
    assert int(found[2]) <= int(found[1]) < 40
    assert await done(heliograph, "resume", id_) == f"campaign {id_}: sends on\n"
    assert await done(heliograph, "extend", id_, "0") == f"campaign {id_}: may send without an end\n"
    stopped = await done(heliograph, "stop", id_)
    assert re.fullmatch(
        rf"campaign {id_}: stopped. [0-9]+ of 40 were handed over; [0-9]+ can still arrive.\n", stopped
    ), stopped
    again = await run(heliograph, "resume", id_)
    assert (again.code, "wrong_state" in again.err) == (1, True)


async def test_another_companys_or_nobodys_campaign_is_not_found(platform: Platform, heliograph: Heliograph) -> None:
    for verb in ("show", "preview", "dry-run", "launch", "pause", "resume", "stop", "watch", "report"):
        said = await run(heliograph, verb, "999999")
        assert (said.code, "not_found" in said.err) == (1, True), (verb, said)
        assert "Traceback" not in said.err
    said = await heliograph("campaign", "show", "1", *DEMO, PASSWORD="wrong password")
    assert (said.code, "the username or the password is wrong" in said.err) == (1, True)


class Terminal:
    """The command line as somebody sees it."""

    def __init__(self, heliograph: Heliograph, *arguments: str) -> None:
        self._master, slave = pty.openpty()
        environment = {
            "HELIOGRAPH_BROKER_URL": heliograph.infra.broker_url("console"),
            "HELIOGRAPH_MODE": "development",
            "HELIOGRAPH_USERNAME": "demo",
            "HELIOGRAPH_PASSWORD": "demo-password",
            "TERM": "xterm-256color",
            "COLUMNS": "100",
            "LINES": "40",
        }
        command = [sys.executable, "-m", "services.console", *arguments]
        # A terminal's foreground does not ignore Ctrl-C; whoever runs the tests in the background does, and would hand that down.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env={**os.environ, **environment}
        )
        signal.signal(signal.SIGINT, before)
        os.close(slave)
        os.set_blocking(self._master, False)
        self.shown = ""

    async def shows(self, *patterns: str) -> bool:
        with suppress(OSError):  # nothing new, or the other end is closed
            self.shown += os.read(self._master, 1 << 16).decode(errors="replace")
        plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.shown)
        return all(re.search(pattern, plain) for pattern in patterns)

    async def code(self, within_s: float) -> int:
        """In a thread: the services that it logs out of live in this loop."""
        return await asyncio.to_thread(self.process.wait, within_s)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)


async def test_the_live_view_shows_a_running_campaign_and_leaves_it_running(
    platform: Platform, heliograph: Heliograph
) -> None:
    list_id = await a_list(platform, *[{}] * 40, {"phone_number": "+447700900981"}, title="Live")
    id_ = await a_draft(heliograph, "Live", "--per-minute", "60")
    await done(heliograph, "link", id_, str(list_id))
    await done(heliograph, "launch", id_)

    terminal = Terminal(heliograph, "campaign", "watch", id_)
    try:
        await eventually(
            lambda: terminal.shows(
                f"campaign {id_}, Live: sending", r"of 41 \([0-9]+ %\)", "a second over", "[1-9][0-9]* +delivered"
            ),
            within_s=30,
        )
        terminal.process.send_signal(signal.SIGINT)
        await eventually(lambda: terminal.shows("left; the campaign goes on"))
        assert await terminal.code(within_s=5) == 0
    finally:
        terminal.close()
    assert "\x1b[" in terminal.shown, "a picture is drawn over the last one"
    assert "Live: sending" in await done(heliograph, "show", id_)
    await done(heliograph, "stop", id_)


async def test_the_live_view_ends_with_the_campaign(platform: Platform, heliograph: Heliograph) -> None:
    list_id = await a_list(platform, {}, {"phone_number": "+447700900982"}, title="Ends")
    id_ = await a_draft(heliograph, "Ends")
    await done(heliograph, "link", id_, str(list_id))
    await done(heliograph, "launch", id_)

    terminal = Terminal(heliograph, "campaign", "watch", id_)
    try:
        await eventually(
            lambda: terminal.shows("Ends: finished", "1 +delivered", "1 +failed", "1 +of them failed: "), within_s=30
        )
        assert await terminal.code(within_s=10) == 0
    finally:
        terminal.close()
