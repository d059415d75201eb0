"""The report says which figures do not count; the driver reads answers however they are cut."""

from __future__ import annotations

import asyncio

import pytest

from tests.bench.load import Connection, Refused
from tests.bench.report import DRIVER, Figure, Measured, as_markdown, as_text


def figure(driver_s: float, foreign_percent: float = 0.0) -> Figure:
    cpu_s = {"messaging": 1.0, DRIVER: driver_s}
    runs = [Measured({"a second": value}, 1000, cpu_s, foreign_percent) for value in (30.0, 10.0, 20.0)]
    return Figure("x", "Things", runs)


def test_a_figure_is_the_median_with_its_spread_and_cpu_an_item_without_the_drivers() -> None:
    assert figure(0.1).spread("a second") == (20.0, 10.0, 30.0)
    assert "CPU us an item                               1,000: messaging 1000, driver 100" in as_text([figure(0.1)])


def test_a_figure_whose_driver_took_too_much_is_void() -> None:
    assert "VOID" in as_text([figure(0.2)])
    assert "VOID" in as_markdown({}, [figure(0.2)])
    assert "VOID" not in as_text([figure(0.17)])


def test_a_figure_taken_while_others_were_busy_says_so() -> None:
    assert "NOISY: others took 40 % of the machine" in as_text([figure(0.1, 40.0)])


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


WHOLE = b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\nX-Message-Id: 7\r\n\r\n{"ok":true}'


@pytest.mark.parametrize("cut", range(1, len(WHOLE)))
async def test_an_answer_is_read_whole_however_it_is_cut(cut: int) -> None:
    assert await answered(WHOLE[:cut], WHOLE[cut:]) == (WHOLE[: WHOLE.index(b"\r\n\r\n")].lower(), b'{"ok":true}')


async def test_an_answer_that_is_not_200_stops_the_run() -> None:
    with pytest.raises(Refused, match="503"):
        await answered(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n")
