"""The guides' programs, run as their readers run them, against a platform with two copies of every service; and the guides' own words."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.e2e.conftest import ROOT, Installed

GUIDES = ROOT / "docs" / "how-to"
PROGRAMS = GUIDES / "programs"
WALK_LIMIT_S = 120
ARRIVAL_LIMIT_S = 20

FENCE = re.compile(r"^```\w+ from (programs/\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WAITING = re.compile(r"waiting: text (.+) from (.+) to (\w+)")


@dataclass(frozen=True)
class Walk:
    code: int
    lines: list[str]
    complaint: str


def walk(platform: Installed, address: str, command: list[str], **environment: str) -> Walk:
    """Runs a program, and does for it what a person with a handset does: texts in what it waits for."""
    process = subprocess.Popen(
        command,
        cwd=PROGRAMS,
        env=os.environ
        | {"SMS_ADDRESS": address, "SMS_USERNAME": "demo", "SMS_PASSWORD": "demo-password"}
        | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    overdue = threading.Timer(WALK_LIMIT_S, process.kill)
    overdue.start()
    lines = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            if asked := WAITING.match(line):
                text_in(platform, e164(asked[2]), to=asked[3], text=asked[1])
        _, complaint = process.communicate()
    finally:
        overdue.cancel()
    return Walk(process.returncode, lines, complaint)


def e164(number: str) -> str:
    return "+44" + "".join(filter(str.isdigit, number))[-10:]


def text_in(platform: Installed, number: str, *, to: str, text: str) -> None:
    body = json.dumps({"to": to, "text": text}).encode()
    headers = {"Content-Type": "application/json"}
    with urlopen(Request(f"{platform.control}/handsets/{number}/messages", body, headers), timeout=30) as answer:
        assert answer.status == 202


def texts_of(platform: Installed, number: str) -> list[str]:
    with urlopen(f"{platform.control}/handsets/{number}/messages", timeout=30) as answer:
        return [text["text"] for text in json.load(answer)]


@pytest.fixture(scope="module")
def keyword(installed: Installed) -> str:
    made = installed.heliograph("textin", "create", "Demo", "82830", "WALK")
    assert made.returncode == 0, made.stdout + made.stderr
    return "WALK"


@pytest.mark.parametrize(
    ("program", "gateway", "number"),
    [("client_json.py", 0, "07700 900311"), ("client_xml.py", 1, "07700 900312")],
)
def test_a_client_written_from_the_documentation_walks_through_everything_without_a_surprise(
    installed: Installed, program: str, gateway: int, number: str, keyword: str
) -> None:
    text_in(installed, e164(number), to="82830", text=f"{keyword} please")
    campaign = "Our summer sale begins. Will you come?"
    others = ["+447700900201", "+447700900202", "+447700900203"]
    before = [texts_of(installed, other).count(campaign) for other in others]

    walked = walk(
        installed,
        installed.gateways[gateway],
        [sys.executable, program, "--to", number, "--wait-for-reply", "20"],
    )

    assert walked.complaint == ""
    assert walked.code == 0
    assert walked.lines[-1] == "everything is as documented"
    assert any(re.fullmatch(r"text-in \d+: [12] texts within the week", line) for line in walked.lines)
    wait_for(lambda: any(re.fullmatch(r"Your code is \d{6}", text) for text in texts_of(installed, e164(number))))
    texts = texts_of(installed, e164(number))
    assert [campaign, "After START"] == [text for text in texts if text == campaign or text.startswith("After")]
    assert [
        texts_of(installed, other).count(campaign) - count for other, count in zip(others, before, strict=True)
    ] == [1, 1, 1]
    assert "This is never sent" not in texts


def test_the_program_for_v2_sends_once_and_answers_what_comes_in(installed: Installed) -> None:
    walked = walk(
        installed, installed.gateways[0], [sys.executable, "v2.py", "--to", "07700 900315", "--wait-for-reply", "20"]
    )

    assert walked.complaint == ""
    assert walked.code == 0
    wait_for(lambda: texts_of(installed, "+447700900315") == ["Your order is ready", "Until six"])


def test_with_a_test_key_the_program_for_v2_sends_nothing(installed: Installed) -> None:
    walked = walk(installed, installed.gateways[1], [sys.executable, "v2.py", "--to", "07700 900316", "--test"])

    assert walked.complaint == ""
    assert walked.code == 0
    assert any(line.endswith("is delivered") for line in walked.lines)
    assert texts_of(installed, "+447700900316") == []


def test_the_shell_program_sends_a_text_whole(installed: Installed) -> None:
    text = 'Zoë\'s "parcel" & 5% + more <3 \\n €'

    walked = walk(installed, installed.gateways[0], ["sh", "client.sh", "07700 900313", text])

    assert walked.complaint == ""
    assert walked.code == 0
    assert walked.lines[-1] == "logged out"
    wait_for(lambda: text in texts_of(installed, "+447700900313"))


def wait_for(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + ARRIVAL_LIMIT_S
    while not holds():
        assert time.monotonic() < until, "a text did not arrive"
        time.sleep(0.1)


@pytest.mark.parametrize(
    "command",
    [
        [sys.executable, "client_json.py", "--to", "07700 900314"],
        [sys.executable, "client_xml.py", "--to", "07700 900314"],
        [sys.executable, "v2.py", "--to", "07700 900314"],
        ["sh", "client.sh", "07700 900314", "Hello"],
    ],
)
def test_a_program_that_is_refused_says_so_and_ends_with_1(installed: Installed, command: list[str]) -> None:
    refused = walk(installed, installed.gateways[0], command, SMS_USERNAME="nobody-of-that-name")
    unreached = walk(installed, "http://127.0.0.1:1", command)

    assert (refused.code, bool(re.search("InvalidCredentials|wrong_credentials", refused.complaint))) == (1, True)
    assert (unreached.code, "stopped: " in unreached.complaint) == (1, True)
    for complaint in (refused.complaint, unreached.complaint):
        assert "Traceback" not in complaint
        assert "demo-password" not in complaint
    assert texts_of(installed, "+447700900314") == []


@pytest.mark.parametrize("guide", sorted(GUIDES.glob("*.md")), ids=lambda path: path.name)
def test_what_a_guide_quotes_from_a_program_is_in_the_program(guide: Path) -> None:
    for program, quoted in FENCE.findall(guide.read_text()):
        assert flush_left(quoted) in flush_left((GUIDES / program).read_text()), f"{program} has not: {quoted}"


def flush_left(text: str) -> str:
    """Without indents, which differ between a program and a quotation of a part of it."""
    return "\n".join(line.strip() for line in text.splitlines())


@pytest.mark.parametrize("guide", sorted(GUIDES.glob("*.md")), ids=lambda path: path.name)
def test_every_file_that_a_guide_names_exists(guide: Path) -> None:
    text = guide.read_text()

    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    named = [ROOT / path for path in re.findall(r"docs/how-to/programs/[\w.]+", text)]

    assert [link for link in links if link and not (guide.parent / link).exists()] == []
    assert [path for path in named if not path.exists()] == []
