"""One candidate against the simulator: its client, what it brings in, and what the far side's own record says of it."""

from __future__ import annotations

import asyncio
import base64
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response

from libs.common.clock import now
from libs.common.gsm import Alphabet, alphabet, cut
from libs.common.ids import uuid7
from libs.common.ops import serve_http
from services.messaging.carriers.carrier import (
    Answer,
    Arrived,
    Callback,
    CalledBack,
    Carrier,
    LateAnswer,
    Part,
    Receipt,
    Refused,
    Taken,
)
from tests.carriers.candidates import WINDOW, Candidate
from tests.integration.simulator.process import SimulatorProcess, until

NUMBERS = itertools.count(1)  # of handsets: a new one for each text, in the whole run
EPOCHS = itertools.count(1)


@dataclass
class Stored:
    """Messaging's side: keeps what comes in, and can be told to fail."""

    receipts_kept: list[Receipt] = field(default_factory=list)
    texts_kept: list[Arrived] = field(default_factory=list)
    late_kept: list[LateAnswer] = field(default_factory=list)
    failures_left: int = 0

    def _fail_if_told(self) -> None:
        if self.failures_left:
            self.failures_left -= 1
            raise ConnectionError("the database is away")

    async def receipts(self, batch: Sequence[Receipt]) -> None:
        self._fail_if_told()
        self.receipts_kept += batch

    async def texts(self, batch: Sequence[Arrived]) -> None:
        self._fail_if_told()
        self.texts_kept += batch

    async def late_answers(self, batch: Sequence[LateAnswer]) -> None:
        self.late_kept += batch

    def receipts_of(self, part: Part, answer: Answer | None = None) -> list[Receipt]:
        """By our own id where the carrier gives it back, else by the reference of its answer."""
        reference = answer.reference if isinstance(answer, Taken) else None
        return [
            receipt
            for receipt in self.receipts_kept
            if receipt.text_id == part.text_id or (reference is not None and receipt.reference == reference)
        ]

    def whole_texts(self) -> list[str]:
        """As messaging puts parts together; a part that came again is one part."""
        whole = [text.body for text in self.texts_kept if text.parts == 1]
        together: dict[tuple[str, int, int], dict[int, str]] = {}
        for text in self.texts_kept:
            if text.parts > 1:
                together.setdefault((text.number, text.concat, text.parts), {})[text.part] = text.body
        for (_, _, parts), bodies in together.items():
            if len(bodies) == parts:
                joined = "".join(body for _, body in sorted(bodies.items()))
                whole.append(joined.encode("utf-16", "surrogatepass").decode("utf-16"))
        return whole


@dataclass
class Bench:
    """What a scenario gets: one candidate, and the simulator that all of them share."""

    candidate: Candidate
    simulator: SimulatorProcess

    async def fault(self, kind: str, **options: Any) -> None:
        await self.simulator.fault(kind, account=self.candidate.account, **options)

    async def fired(self, kind: str) -> int:
        faults = (await self.simulator.control.get("/faults")).json()
        return sum(
            fault["fired"] for fault in faults if (fault["kind"], fault["account"]) == (kind, self.candidate.account)
        )

    async def log(self) -> list[dict[str, Any]]:
        return [entry for entry in await self.simulator.log() if entry["account"] == self.candidate.account]

    async def taken(self) -> Counter[tuple[str, int]]:
        """How often the network took each part."""
        return Counter((entry["to"], entry.get("part", 1)) for entry in await self.log() if entry["outcome"] == "taken")

    async def text_in(self, number: str, text: str) -> None:
        content = {"to": "82830", "text": text, "account": self.candidate.account}
        answer = await self.simulator.control.post(f"/handsets/{number}/messages", json=content)
        answer.raise_for_status()

    def number(self) -> str:
        return f"+44790{next(NUMBERS):07d}"

    def parts(self, count: int) -> list[Part]:
        return [Part(uuid7(), self.number(), "82830", f"Your order {n} is ready", 3600) for n in range(count)]

    def parts_of(self, body: str, carrier: Carrier, number: str) -> list[Part]:
        """As messaging makes them of one text."""
        id_, its, can = uuid7(), alphabet(body), carrier.capabilities
        assert its in Alphabet
        bodies = [body] if can.takes_whole else cut(body, its, can.header_octets)
        reference = 0 if len(bodies) == 1 else id_.int % 65_535 + 1
        return [
            Part(id_, number, "82830", piece, 3600, place, len(bodies), reference, its)
            for place, piece in enumerate(bodies, 1)
        ]

    @asynccontextmanager
    async def line(self, window: int = WINDOW) -> AsyncIterator[tuple[Carrier, Stored]]:
        """A connected client and what it stores."""
        stored = Stored()
        async with self._callbacks(stored) as (told, url):
            carrier = self.candidate.make(self.simulator, url, window, next(EPOCHS))
            told.append(carrier)
            listening = asyncio.create_task(carrier.listen(stored))
            try:
                await until(lambda: carrier.connected)
                yield carrier, stored
            finally:
                await carrier.close()
                await asyncio.wait_for(listening, 5)

    @asynccontextmanager
    async def _callbacks(self, stored: Stored) -> AsyncIterator[tuple[list[Carrier], str]]:
        """What the gateway and messaging do with callbacks: proven, read, stored, and only then answered as taken."""
        told: list[Carrier] = []
        if not self.candidate.called_back:
            yield told, ""
            return

        async def app(scope: Any, receive: Any, send: Any) -> None:
            request = Request(scope, receive)
            path = request.url.path.rpartition("/")[2]
            body = await request.body()
            called = Callback(request.method, str(request.url), path, dict(request.headers), body, now())
            carrier = cast("CalledBack", told[0])
            answer = carrier.authenticate(called)
            said = carrier.read(called)
            try:
                if said.receipts:
                    await stored.receipts(said.receipts)
                if said.texts:
                    await stored.texts(said.texts)
            except ConnectionError:
                await Response(status_code=503)(scope, receive, send)
                return
            await Response(answer.body, answer.status, media_type=answer.content_type)(scope, receive, send)

        async with serve_http(app, "127.0.0.1", 0) as port:
            url = f"http://127.0.0.1:{port}/callbacks/{self.candidate.name}"
            await texts_go_to(self.candidate, self.simulator, f"{url}/inbound")
            try:
                yield told, url
            finally:
                await texts_go_to(self.candidate, self.simulator, "")


async def texts_go_to(candidate: Candidate, simulator: SimulatorProcess, url: str) -> None:
    """What a person sets in the operator's console."""
    pair = base64.b64encode(f"{candidate.account}:{candidate.token}".encode()).decode()
    api = f"http://127.0.0.1:{simulator.message_api_port}"
    answer = await simulator.control.put(
        f"{api}/accounts/{candidate.account}/inbound-url", content=url, headers={"Authorization": f"Basic {pair}"}
    )
    answer.raise_for_status()


async def agree(bench: Bench, sent: Sequence[Part], answers: Sequence[Answer]) -> None:
    """Whatever happened: the far side took what it is said to have taken, once; what is called refused it has not."""
    taken = await bench.taken()
    assert len(answers) == len(sent)
    assert [key for key, times in taken.items() if times > 1] == []
    for part, answer in zip(sent, answers, strict=True):
        times = taken[part.number, part.part]
        assert times == 1 or not isinstance(answer, Taken), f"called taken, and the network does not have it: {answer}"
        assert times == 0 or not isinstance(answer, Refused), f"called refused, and the network has it: {answer}"
