"""What Jasmin and Kannel have in common here: texts by HTTP GET, receipts and texts from handsets to the sink, nothing that can be asked what became
of a text. Owns the waiting at the sink; what is peculiar to a peer is in its own file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from tests.bench_peer.driver import Load
from tests.bench_peer.far_side import FarSide, until_all
from tests.bench_peer.processes import cpu_s
from tests.bench_peer.sink import Sink
from tests.bench_peer.systems import HEADER, NUMBERS_FROM, BulkRun, OwnNumbers, Verdict


class CalledBack(OwnNumbers):
    key: str
    port: int
    path: str  # of its send operation
    account: str  # at the far side
    accepted_status: int
    bulk_clients: int
    bulk_numbers: int  # of one request
    still_s: float
    note = ""
    unheard = 64  # requests that were cut: some are sent all the same, so that one waits a little longer than for what was accepted

    def __init__(self, far: FarSide, sink: Sink, promises: Mapping[str, str]) -> None:
        super().__init__(NUMBERS_FROM)
        self.far, self.sink, self.promises = far, sink, promises

    def fields(self, numbers: Sequence[int], receipt_to: str | None) -> dict[str, str]:
        raise NotImplementedError

    def pids(self) -> dict[str, int]:
        raise NotImplementedError

    def request(self, numbers: Sequence[int], *, receipts: bool) -> bytes:
        receipt_to = f"http://127.0.0.1:{self.sink.port}/receipt/{numbers[0]}" if receipts else None
        return f"GET {self.path}?{urlencode(self.fields(numbers, receipt_to))} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()

    def accepts(self, status: int, body: bytes) -> bool:
        return status == self.accepted_status

    async def receipts_begin(self) -> None:
        self.sink.clear()

    async def receipts_handled(self, count: int) -> tuple[int, float]:
        handled = await until_all(lambda: len(self.sink.receipts), count, self.still_s)
        return handled, self.sink.last_at

    async def texts_out(self, numbers: range) -> tuple[int, float]:
        self.sink.clear()
        await self.far.text_in(self.account, HEADER, "Yes please, tomorrow is fine", numbers)
        came = await until_all(lambda: len(self.sink.texts), len(numbers), self.still_s)
        return came, self.sink.last_at

    async def bulk(self, count: int) -> BulkRun:
        """As fast as it takes them, without receipts."""
        self.far.forget()
        numbers, each = self.numbers(count), self.bulk_numbers
        requests = [self.request(numbers[at : at + each], receipts=False) for at in range(0, count, each)]
        load = Load(self.port, self.bulk_clients, requests.__getitem__, self.accepts, lambda n: n < len(requests))
        answered = (await load.run()).all_or_raise()
        arrived = await until_all(self.far.look, count, self.still_s)
        return BulkRun(count, answered.begun_at, arrived, self.far.last_at, with_receipts=False)

    async def quiet(self) -> None:
        """Everything of a run was waited for."""

    def cpu_s(self) -> dict[str, float]:
        return {name: cpu_s(pid) for name, pid in self.pids().items()}

    async def after_kill(self, accepted: Sequence[int]) -> Verdict:
        def seen() -> int:
            return self.far.look() + len(self.sink.receipts)

        await until_all(seen, 2 * len(accepted) + self.unheard, self.still_s)
        return Verdict(set(self.sink.receipts), note=self.note)
