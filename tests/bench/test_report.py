"""The report says which figures do not count; the driver reads answers however they are cut."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.bench.__main__ import PART, WHOLE
from tests.bench.jobs import JOBS, LIMIT_VALUES, chosen
from tests.bench.load import Connection, Refused
from tests.bench.report import DRIVER, Beside, Figure, Measured, as_markdown, as_text, beside, parts_of, write


def figure(driver_s: float, foreign_percent: float = 0.0) -> Figure:
    cpu_s = {"messaging": 1.0, DRIVER: driver_s}
    runs = [Measured({"a second": value}, 1000, cpu_s, foreign_percent) for value in (30.0, 10.0, 20.0)]
    return Figure("x", "Things", runs)


def test_a_figure_is_the_median_with_its_spread_and_cpu_an_item_without_the_drivers() -> None:
    assert figure(0.1).spread("a second") == (20.0, 10.0, 30.0)
    assert any(
        line.split() == ["CPU", "us", "an", "item", "1,000:", "messaging", "1000,", "driver", "100"]
        for line in as_text([figure(0.1)]).splitlines()
    )


def test_a_figure_whose_driver_took_too_much_is_void() -> None:
    assert "VOID" in as_text([figure(0.2)])
    assert "VOID" in as_markdown({}, [figure(0.2)])
    assert "VOID" not in as_text([figure(0.17)])


def test_a_figure_taken_while_others_were_busy_says_so() -> None:
    assert "NOISY: others took 40 % of the machine" in as_text([figure(0.1, 40.0)])


def test_a_value_is_told_as_a_part_of_the_limits_that_were_measured() -> None:
    limit = Figure("limit", "A part alone", [Measured({"claims a second": 40.0}, 1000, {DRIVER: 1.0})], is_limit=True)
    thing = figure(0.1)
    thing.limits = {"a second": ("claims a second", "publishes a second")}
    parts = parts_of([limit, thing])
    assert parts == {"claims a second": 40.0}
    assert "50 % of the limit: claims a second, 40.0" in as_text([thing], parts)
    assert "50 % of the limit: claims a second, 40.0" in as_markdown({}, [limit, thing])
    assert "VOID" not in as_text([limit])  # there the driver is the load


def test_figures_that_should_be_alike_are_told_beside_each_other() -> None:
    pair = Beside("10 and 100", "a second", "small", "large")
    small, large = figure(0.1), figure(0.1)
    small.name, large.name = "small", "large"
    for run in large.runs:
        run.values = {name: value * 0.9 for name, value in run.values.items()}
    assert beside([small, large], [pair]) == ["10 and 100: 20.0 and 18.0, -10.0 %"]
    assert beside([small], [pair]) == []


def test_part_of_the_figures_is_not_written_over_the_whole_report(tmp_path: Path) -> None:
    write(tmp_path, WHOLE, {}, [figure(0.1)])
    before = (tmp_path / "report.json").read_bytes()
    write(tmp_path, PART, {}, [figure(0.9)])
    assert (tmp_path / "report.json").read_bytes() == before


def test_what_is_asked_for_brings_the_limits_it_is_told_against_and_no_others() -> None:
    assert [job.name for job in chosen(["import"])] == ["limit-rows", "import"]
    assert {job.name for job in chosen(["sizes"])} >= {"limit-ledger", "size-10000", "size-1000000"}
    assert not [job.name for job in chosen([]) if job.group in ("sizes", "copies")]


def test_every_limit_that_is_named_is_measured_by_one_of_the_limits() -> None:
    named = {part for job in JOBS for parts in job.limits.values() for part in parts}
    assert named <= set().union(*LIMIT_VALUES.values())
    assert set(LIMIT_VALUES) == {job.name for job in JOBS if job.is_limit}


async def answered(*pieces: bytes) -> tuple[bytes, bytes]:
    connection = Connection()
    connection.connection_made(_Nowhere())
    asking = asyncio.create_task(connection.ask(b"..."))
    await asyncio.sleep(0)
    for piece in pieces:
        connection.data_received(piece)
    return await asking


class _Nowhere(asyncio.Transport):
    def write(self, data: bytes | bytearray | memoryview) -> None:
        pass


WHOLE_ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\nX-Message-Id: 7\r\n\r\n{"ok":true}'


@pytest.mark.parametrize("cut", range(1, len(WHOLE_ANSWER)))
async def test_an_answer_is_read_whole_however_it_is_cut(cut: int) -> None:
    assert await answered(WHOLE_ANSWER[:cut], WHOLE_ANSWER[cut:]) == (
        WHOLE_ANSWER[: WHOLE_ANSWER.index(b"\r\n\r\n")].lower(),
        b'{"ok":true}',
    )


CHUNKED_ANSWER = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b'6\r\n{"ok":\r\n' + b"5\r\ntrue}\r\n" + b"0\r\n\r\n"
)


@pytest.mark.parametrize("cut", range(1, len(CHUNKED_ANSWER)))
async def test_an_answer_in_chunks_is_read_whole_however_it_is_cut(cut: int) -> None:
    _, body = await answered(CHUNKED_ANSWER[:cut], CHUNKED_ANSWER[cut:])
    assert body == b'{"ok":true}'


async def test_an_answer_that_is_no_2xx_stops_the_run() -> None:
    with pytest.raises(Refused, match="503"):
        await answered(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n")
