"""The main job on a platform that `up` started, from outside only: HTTP, the handsets, the command line."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import Installed
from tests.e2e.corpus import through
from tests.harness import eventually

# Ours: what real texts hold that has broken other systems.
HARD_TEXTS = [
    "Plain",
    " leading and trailing ",
    "two\nlines\r\nand a tab\t.",
    "GSM extension: ^{}\\[~]|€",
    "Ελληνικά ΔΦΓΛΩΠΨΣΘΞ, français, Türkçe, 中文, العربية",
    "emoji \U0001f600\U0001f468‍\U0001f469‍\U0001f467 and combining e\u0301",
    "<xml> & \"quotes\" 'and' ]]> entities &amp; &#x1F600;",
    '{"json": "inside", "slash": "\\\\"}',
    "nul-free control \x01\x07\x1b",
    "\ufeffbyte order mark",
    "a" * 1530,
    "Stop knowing me so well!",
    "PLEASE DON'T STOP",
    "%00 %s {0} ${x} '; DROP TABLE texts; --",
]


async def test_every_text_arrives_once_and_whole_in_both_directions_through_two_copies(installed: Installed) -> None:
    report = await through(installed.gateways[1], installed.control, HARD_TEXTS)

    assert report.faults == []
    assert len(HARD_TEXTS) == report.out == report.into
    assert report.refused == {}
    assert report.opted_out == []


async def test_a_killed_service_comes_back_with_up_and_nothing_is_lost(installed: Installed) -> None:
    for pid in map(_pid, _pid_files(installed, "messaging")):
        os.kill(pid, signal.SIGKILL)
    assert installed.runner("status").returncode != 0
    assert installed.runner("up").returncode == 0

    async with httpx.AsyncClient(base_url=installed.gateways[0], timeout=30) as gateway:
        login = await gateway.post("/api/Security/Login", json={"Username": "demo", "Password": "demo-password"})
        body = {
            "SessionToken": login.json()["Token"],
            "FromNumber": "82830",
            "ToNumber": "07700900001",
            "Message": "Back",
        }
        assert (await gateway.post("/api/Messages/SendInstantMessage", json=body)).json()["Status"] == "Success"
    async with httpx.AsyncClient(base_url=installed.control, timeout=30) as control:

        async def arrived() -> bool:
            texts = (await control.get("/handsets/+447700900001/messages")).json()
            return "Back" in [text["text"] for text in texts]

        await eventually(arrived, within_s=20)


async def test_a_service_told_to_stop_under_load_leaves_nothing_in_doubt_and_nothing_twice(
    installed: Installed,
) -> None:
    numbers = [f"+4474020{n:05d}" for n in range(400)]
    messaging = _pid(_pid_files(installed, "messaging")[0])
    async with (
        httpx.AsyncClient(base_url=installed.gateways[0], timeout=30) as gateway,
        httpx.AsyncClient(base_url=installed.control, timeout=30) as control,
    ):
        login = await gateway.post("/api/Security/Login", json={"Username": "demo", "Password": "demo-password"})
        fields = {"SessionToken": login.json()["Token"], "FromNumber": "82830", "Message": "In hand"}

        async def send(n: int) -> str:
            if n == len(numbers) // 2:
                os.kill(messaging, signal.SIGTERM)
            answer = await gateway.post("/api/Messages/SendInstantMessage", json=fields | {"ToNumber": numbers[n]})
            return str(answer.json().get("Status", answer.status_code))

        statuses = [
            status
            for start in range(0, 400, 20)
            for status in await asyncio.gather(*map(send, range(start, start + 20)))
        ]

        async def arrived() -> bool:
            log = [json.loads(line) for line in (await control.get("/log", params={"limit": 10_000})).text.splitlines()]
            return sorted(numbers) == sorted(entry["to"] for entry in log if entry["text"] == "In hand")

        await eventually(arrived, within_s=20)
        await eventually(lambda: _gone(messaging), within_s=30)

    assert {"Success"} == set(statuses)
    assert installed.runner("up").returncode == 0
    books = installed.heliograph("books")
    assert "in_doubt" not in books.stdout, books.stdout


async def _gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


async def test_the_books_balance_and_the_life_of_a_text_can_be_told(installed: Installed) -> None:
    async with httpx.AsyncClient(base_url=installed.gateways[0], timeout=30) as gateway:
        login = await gateway.post("/api/Security/Login", json={"Username": "demo", "Password": "demo-password"})
        body = {
            "SessionToken": login.json()["Token"],
            "FromNumber": "82830",
            "ToNumber": "07700900002",
            "Message": "Mine",
        }
        sent = await gateway.post("/api/Messages/SendInstantMessage", json=body)
    id_ = sent.headers["x-message-id"]
    until = time.monotonic() + 20
    while "delivered" not in (life := installed.heliograph("message", "show", id_)).stdout and time.monotonic() < until:
        pass

    assert "delivered" in life.stdout, life.stdout + life.stderr
    assert "Mine" not in life.stdout
    books = installed.heliograph("books")
    assert books.returncode == 0, books.stdout + books.stderr


def test_up_again_changes_nothing_and_down_leaves_nothing_running(installed: Installed) -> None:
    before = {path.name: path.read_text() for path in _pid_files(installed, "")}
    assert installed.runner("up").returncode == 0
    assert before == {path.name: path.read_text() for path in _pid_files(installed, "")}

    assert installed.runner("down").returncode == 0

    found = subprocess.run(["pgrep", "-af", str(installed.tree)], capture_output=True, text=True, check=False).stdout
    assert found == ""


def test_a_taken_port_is_told_clearly(installed: Installed) -> None:
    import socket

    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # over what the gateway's closed connections left
        taken.bind(("127.0.0.1", int(installed.gateways[0].rpartition(":")[2])))
        taken.listen()
        up = installed.runner("up")

    assert up.returncode == 1
    assert "taken" in up.stdout
    assert f"pid {os.getpid()}" in up.stdout or str(os.getpid()) in up.stdout


def _pid(path: Path) -> int:
    return int(json.loads(path.read_text())["pid"])


def _pid_files(installed: Installed, service: str) -> list[Path]:
    files = sorted((installed.tree / ".heliograph" / "run").glob(f"{service}*.json"))
    if not files:
        pytest.fail(f"no process of {service or 'anything'} is recorded")
    return files
