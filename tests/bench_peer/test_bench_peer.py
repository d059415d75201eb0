"""The comparison's own counting: a fault here would be told as a fault of somebody's software. With real sockets; no system is started."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import httpx

from tests.bench_peer import report
from tests.bench_peer.driver import Load
from tests.bench_peer.jobs import EMBEDDED, JASMIN, KANNEL, SMPP
from tests.bench_peer.kill import Killed, tally
from tests.bench_peer.report import ARRIVED, Measured, Results
from tests.bench_peer.sink import Sink
from tests.bench_peer.systems import Verdict

KILLED = Killed(10, 0, 5, 1, 2, None, 0, 3, 1.0, None, "by hand")


def measured(**values: float) -> Measured:
    return Measured(
        values, items=100, cpu_s={"one": 0.3, "two": 0.1}, driver_s=0.05, far_side_s=0.05, foreign_percent=0.0
    )


def results_of(**rates: float) -> Results:
    runs = {
        key: [replace(measured(), values=dict.fromkeys((ARRIVED, report.P50, report.P99), rate))]
        for key, rate in rates.items()
    }
    return Results(runs={"single-16": runs})


def test_a_text_that_was_accepted_and_never_arrived_is_lost_unless_it_is_told_to_be_in_doubt() -> None:
    counted = tally([1, 2, 3], {3: 1}, Verdict({3}, in_doubt={2}))

    assert counted == {"lost": 1, "doubled": 0, "in_doubt": 1, "in_doubt_arrived": 0, "receipts_lost": 0}


def test_a_text_that_was_never_accepted_may_arrive_but_not_twice() -> None:
    counted = tally([1], {1: 1, 2: 1, 3: 2}, Verdict({1}))

    assert (counted["lost"], counted["doubled"], counted["in_doubt"]) == (0, 1, None)


def test_a_receipt_is_lost_only_of_a_text_that_arrived() -> None:
    assert tally([1, 2], {1: 1}, Verdict(set()))["receipts_lost"] == 1


def test_a_ratio_is_ours_over_theirs_and_nothing_without_both() -> None:
    line = next(line for line in report.lines(results_of(smpp=2_000, kannel=1_000)) if ARRIVED in line.title)

    assert line.ratios == ("-", "2.00", "-", "-")
    assert line.figures == ("2,000", "-", "-", "1,000")


def test_a_peer_that_cannot_be_installed_is_told_and_the_rows_of_the_others_stand() -> None:
    results = results_of(smpp=2_000, kannel=1_000)
    results.absent[JASMIN] = "no package index"

    text = report.as_text(results)

    assert "Jasmin: not measured, no package index" in text
    assert "2,000" in text


def test_what_never_came_is_told_beside_the_rates() -> None:
    results = results_of(kannel=1_000)
    results.runs["single-16"][KANNEL][0].missing = 7

    assert "Single texts, 16 clients, Kannel: 7 of 100 never came" in list(report.remarks(results))


def test_cpu_of_an_item_is_that_of_the_whole_system_without_driver_and_far_side() -> None:
    assert measured().cpu_us == 4_000
    assert measured().driver_percent == 10


def test_kills_stand_side_by_side() -> None:
    [row] = report.kill_lines(Results(kills={JASMIN: [KILLED, replace(KILLED, lost=0, in_doubt=4, sends_again_s=2.5)]}))

    assert row[3] == "1 / 0"
    assert row[5] == "no such word / 4 (0)"
    assert row[8] == "never / 2.5"


def test_every_row_and_promise_is_of_a_system_that_has_a_name() -> None:
    assert set(report.NAMES) >= {SMPP, EMBEDDED, JASMIN, KANNEL}
    assert {row.job for row in report.ROWS} <= set(report.TITLES)


class Server:
    """Answers each request by its number: 0 is cut, 1 is refused, the others are taken."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := (await reader.readuntil(b"\r\n\r\n") if not reader.at_eof() else b""):
            number = int(line.split()[1][1:])
            self.asked.append(number)
            if number == 0:
                break
            status = b"503 Busy" if number == 1 else b"200 OK"
            writer.write(b"HTTP/1.1 %s\r\nContent-Length: 2\r\n\r\n" % status)
            await asyncio.sleep(0)
            writer.write(b"ok")
        writer.close()


async def test_the_driver_sends_nothing_twice_and_goes_on_after_a_cut() -> None:
    served = Server()

    async def quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await served.serve(reader, writer)
        except asyncio.IncompleteReadError:
            writer.close()

    server = await asyncio.start_server(quietly, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        load = Load(
            port, 2, lambda n: b"GET /%d HTTP/1.1\r\n\r\n" % n, lambda status, _: status == 200, lambda n: n < 20
        )
        answered = await asyncio.wait_for(load.run(), 10)

    assert sorted(served.asked) == list(range(20))
    assert (answered.unknown, answered.refused, len(answered.took_s)) == (1, 1, 18)
    assert sorted(answered.accepted) == list(range(2, 20))


async def test_the_sink_counts_by_number_however_it_is_told() -> None:
    async with Sink().serve() as sink, httpx.AsyncClient(base_url=f"http://127.0.0.1:{sink.port}") as http:
        jasmins = await http.get("/mo?from=447500000001&content=yes")
        kannels = await http.get("/text?from=%2B447500000002&to=82830&text=yes")
        await http.post("/webhook", json={"type": "text_in.received", "data": {"from": "+447500000003"}})
        await http.get("/receipt/447500000004?id=7")
        await http.get("/receipt/447500000004?id=8")

    assert dict(sink.texts) == {447500000001: 1, 447500000002: 1, 447500000003: 1}
    assert dict(sink.receipts) == {447500000004: 2}
    assert (jasmins.text, kannels.text) == ("ACK/Jasmin", "")
