"""Kannel's bearerbox and smsbox as a peer: an SMPP client of our simulator, texts out by HTTP, receipts and texts from handsets to a sink of ours.

Owns the sink and the whole of the run; the processes are boxes.py. Needs nothing of Heliograph but the simulator.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote_to_bytes

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deploy.native.ports import LOOPBACK
from deploy.native.terminal import step
from libs.common import gsm
from libs.common.gsm import Alphabet
from libs.common.ops import serve_http
from tests.integration.simulator.process import SimulatorProcess, simulator_process, until
from tests.peers.boxes import PASSWORD, START_LIMIT_S, SYSTEM_ID, USER, Boxes
from tests.peers.counting import TWICE_S, Ran, until_all
from tests.peers.texts import NUMBERS_IN_FROM, NUMBERS_OUT_FROM, compare, numbered
from tests.peers.through_jasmin import shown_by_handsets

SHORT_CODE = "82830"
CLIENTS = 64  # smsbox takes some 0.2 s for an answer
DELIVERED, FAILED = 1, 2  # dlr-mask, and the type of a receipt
UCS2 = 2  # Kannel's `coding`

TEXTS_TO = "http://127.0.0.1:{sink}/text?from=%p&to=%P&coding=%c&charset=%C&text=%b"


class Sink:
    """What Kannel calls: receipts by the number they are of, and texts from handsets."""

    def __init__(self) -> None:
        self.receipts: dict[str, Counter[int]] = defaultdict(Counter)
        self.texts: list[tuple[str, str]] = []

    async def receipt(self, request: Request) -> Response:
        self.receipts[request.query_params["number"]][int(request.query_params["type"])] += 1
        return Response()

    async def text(self, request: Request) -> Response:
        """`%b` is the text's octets: in UTF-16 where the coding is UCS-2, else in the charset that is told."""
        query = dict(each.partition("=")[::2] for each in request.url.query.split("&"))
        octets = _unquoted(query["text"])
        charset = "utf-16-be" if int(query["coding"]) == UCS2 else (query["charset"] or "utf-8")
        self.texts.append((_unquoted(query["from"]).decode(), octets.decode(charset, "replace")))
        return Response()

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/receipt", self.receipt), Route("/text", self.text)])


def _unquoted(value: str) -> bytes:
    return unquote_to_bytes(value.replace("+", " "))


@contextmanager
def kannel(folder: Path, smpp_port: int, sink_port: int) -> Iterator[int]:
    """Gives the port of its sendsms interface."""
    boxes = Boxes(folder, smpp_port, TEXTS_TO.format(sink=sink_port))
    try:
        boxes.start()
        yield boxes.sendsms_port
    finally:
        boxes.stop()


async def out(simulator: SimulatorProcess, sink: Sink, sendsms: int, sink_port: int, texts: list[str]) -> Ran:
    """Texts to handsets and their receipts."""
    sent = numbered(texts, NUMBERS_OUT_FROM)
    waiting = iter(sent.items())
    begun, begun_at = time.monotonic(), time.time()

    async def client(http: httpx.AsyncClient) -> None:
        for number, text in waiting:
            asked = {
                "username": USER,
                "password": PASSWORD,
                "from": SHORT_CODE,
                "to": number,
                "text": text,
                "charset": "UTF-8",
                "coding": str(UCS2 if gsm.alphabet(text) is Alphabet.UCS2 else 0),
                "dlr-mask": str(DELIVERED | FAILED),
                "dlr-url": f"http://127.0.0.1:{sink_port}/receipt?type=%d&number={number.removeprefix('+')}",
            }
            answer = await http.get("/cgi-bin/sendsms", params=asked)
            assert answer.status_code == httpx.codes.ACCEPTED, answer.text

    limits = httpx.Limits(max_keepalive_connections=CLIENTS)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{sendsms}", timeout=30, limits=limits) as http:
        await asyncio.gather(*(client(http) for _ in range(CLIENTS)))

    async def receipted() -> int:
        return len(sink.receipts)

    received = await until_all("delivered, by receipt", receipted, len(sent))
    await asyncio.sleep(TWICE_S)
    log = await simulator.log()
    parts = Counter(entry["to"].removeprefix("+") for entry in log)
    count = sum(types.total() for types in sink.receipts.values())
    took_s = received - begun
    ran = Ran(
        "Kannel -> handsets",
        compare(sent, shown_by_handsets(log), (await simulator.stats())["doubles"]),
        max(entry["at"] for entry in log) - begun_at,
        [
            f"{len(log):,} parts",
            f"receipts: {count:,} for {len(sink.receipts):,} texts, the last after {took_s:.1f} s, {count / took_s:,.0f}/s",
        ],
    )
    if lost := len(sent) - len(sink.receipts):
        ran.troubles.append(f"{lost} texts without a receipt")
    if twice := sum(types.total() > parts[number] for number, types in sink.receipts.items()):
        ran.troubles.append(f"{twice} texts with more receipts than parts")
    if failed := sum(types.total() != types[DELIVERED] for types in sink.receipts.values()):
        ran.troubles.append(f"{failed} texts with a receipt that does not say delivered")
    return ran


async def back(simulator: SimulatorProcess, sink: Sink, texts: list[str]) -> Ran:
    """Texts from handsets."""
    sent = numbered(texts, NUMBERS_IN_FROM)
    begun = time.monotonic()
    bulk = [{"from": number, "to": SHORT_CODE, "text": text} for number, text in sent.items()]
    (await simulator.control.post("/handsets/messages", json=bulk)).raise_for_status()

    async def received() -> int:
        return len(sink.texts)

    ended = await until_all("received", received, len(sent))
    await asyncio.sleep(TWICE_S)
    return Ran("handsets -> Kannel", compare(sent, sink.texts), ended - begun)


async def run(texts: list[str]) -> list[Ran]:
    sink = Sink()
    with tempfile.TemporaryDirectory(prefix="heliograph-peers-") as name:
        folder = Path(name)
        async with (
            simulator_process(folder) as simulator,
            serve_http(sink.app(), LOOPBACK, 0) as sink_port,
        ):
            with kannel(folder, simulator.smpp_port, sink_port) as sendsms:
                with step("Kannel bound"):

                    async def bound() -> bool:
                        return any(session["bind"] == SYSTEM_ID for session in (await simulator.stats())["sessions"])

                    await until(bound, START_LIMIT_S)
                return [
                    await out(simulator, sink, sendsms, sink_port, texts),
                    await back(simulator, sink, texts),
                ]
