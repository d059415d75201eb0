"""Real texts through a running platform: out as messages, in as inbound texts; every one accounted for, character by character.

    python -m tests.e2e.corpus FILE [--gateway http://127.0.0.1:8080] [--control http://127.0.0.1:8090]

FILE: a text a line, or label, tab, text (as the SMS Spam Collection). Only HTTP, as a client would. Exits 1 where any text is lost, doubled or garbled.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

CLIENTS = 16
BULK_MAX = 5_000
LIMIT_S = 120.0


@dataclass
class Report:
    """`faults`: sentences; none where every text arrived once and whole."""

    out: int = 0
    out_s: float = 0.0
    refused: Counter[str] = field(default_factory=Counter)
    into: int = 0
    in_s: float = 0.0
    opted_out: list[str] = field(default_factory=list)  # the texts that opted a number out
    faults: list[str] = field(default_factory=list)


class Corpus:
    def __init__(self, gateway: httpx.AsyncClient, control: httpx.AsyncClient, texts: Sequence[str]) -> None:
        self._gateway = gateway
        self._control = control
        self._texts = texts
        self._report = Report()
        self._token = ""

    async def run(self) -> Report:
        body = {"Username": "demo", "Password": "demo-password"}
        self._token = (await self._gateway.post("/api/Security/Login", json=body)).json()["Token"]
        await self._out()
        await self._in()
        return self._report

    async def _out(self) -> None:
        """Each text to a number of its own; what the handset got is compared with what was sent."""
        began, places = time.monotonic(), asyncio.Semaphore(CLIENTS)
        numbers = [f"+44740{n:07d}" for n in range(len(self._texts))]
        statuses = await asyncio.gather(*(self._send(*pair, places) for pair in zip(numbers, self._texts, strict=True)))
        self._report.refused = Counter(status for status in statuses if status != "Success")
        for number, text, status in zip(numbers, self._texts, statuses, strict=True):
            expected = [text] if status == "Success" else []
            got = await self._on_handset(number, len(expected))
            if got != expected:
                self._report.faults.append(f"out to {number}: sent {expected!r}, on the handset {got!r}")
        self._report.out = len(self._texts)
        self._report.out_s = time.monotonic() - began

    async def _send(self, number: str, text: str, places: asyncio.Semaphore) -> str:
        async with places:
            body = {"SessionToken": self._token, "FromNumber": "82830", "ToNumber": number, "Message": text}
            answer = await self._gateway.post("/api/Messages/SendInstantMessage", json=body)
            return str(answer.json()["Status"])

    async def _on_handset(self, number: str, count: int) -> list[str]:
        until = time.monotonic() + LIMIT_S
        while True:
            got = [t["text"] for t in (await self._control.get(f"/handsets/{number}/messages")).json()]
            if len(got) >= count or time.monotonic() > until:
                return got
            await asyncio.sleep(0.05)

    async def _in(self) -> None:
        """Each text from a number of its own; what the company reads is compared with what the handset sent."""
        began = time.monotonic()
        sent = {f"+44741{n:07d}": text for n, text in enumerate(self._texts)}
        items = [{"from": number, "to": "82830", "text": text} for number, text in sent.items()]
        for start in range(0, len(items), BULK_MAX):
            answer = await self._control.post("/handsets/messages", json=items[start : start + BULK_MAX])
            answer.raise_for_status()
        received: dict[str, list[str]] = {}
        while len(received) < len(sent) and time.monotonic() < began + LIMIT_S:
            received = await self._received()
        for number, text in sent.items():
            if received.get(number) != [text]:
                self._report.faults.append(f"in from {number}: sent {text!r}, received {received.get(number)!r}")
        stops = await self._get(f"Status/GetStops/{self._token}")
        self._report.opted_out = [sent[number] for number in stops if number in sent]
        self._report.into, self._report.in_s = len(sent), time.monotonic() - began

    async def _received(self) -> dict[str, list[str]]:
        by_number: dict[str, list[str]] = defaultdict(list)
        for text in await self._get(f"Messages/GetInboundMessages/{self._token}"):
            if text["FromNumber"].startswith("+44741"):
                by_number[text["FromNumber"]].append(text["Message"])
        return by_number

    async def _get(self, path: str) -> list[dict[str, str]]:
        result: list[dict[str, str]] = (await self._gateway.get(f"/api/{path}")).json()["Result"]
        return result


async def through(gateway_url: str, control_url: str, texts: Sequence[str]) -> Report:
    async with (
        httpx.AsyncClient(base_url=gateway_url, timeout=30) as gateway,
        httpx.AsyncClient(base_url=control_url, timeout=30) as control,
    ):
        return await Corpus(gateway, control, texts).run()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--gateway", default="http://127.0.0.1:8080")
    parser.add_argument("--control", default="http://127.0.0.1:8090")
    arguments = parser.parse_args()
    lines = [line for line in arguments.file.read_text(encoding="utf-8").split("\n") if line]
    texts = [line.partition("\t")[2] or line for line in lines]
    report = asyncio.run(through(arguments.gateway, arguments.control, texts))
    print(
        f"out: {report.out} texts in {report.out_s:.1f} s, {sum(report.refused.values())} refused {dict(report.refused)}"
    )
    print(f"in:  {report.into} texts in {report.in_s:.1f} s, {len(report.opted_out)} of them opted a number out:")
    for text in report.opted_out:
        print(f"     {text!r}")
    for fault in report.faults[:20]:
        print(f"FAULT {fault}")
    print(f"{len(report.faults)} lost, doubled or garbled")
    sys.exit(1 if report.faults else 0)


if __name__ == "__main__":
    main()
