"""A list of a million: imported as a file, and its numbers read back.

Each function does one run, as those of figures.py do. Owns nothing: the fleet and the driver are given.
"""

from __future__ import annotations

import time

import orjson

from tests.bench.figures import Run, World, quiet
from tests.bench.load import get, post

IMPORTED, READ = "rows a second, first byte to ready", "GetNumbers, numbers a second"
HEADINGS = b"Phone Number,First Name,Surname,Reference\n"


async def prepare(world: World, count: int) -> tuple[int, bytes]:
    """An empty list, and the file for it."""
    list_id: int = await world.ask("/api/Phonelists/CreateList", Title=world.new_name(), Folder=0)
    numbers = world.new_numbers(count)
    return list_id, HEADINGS + b"".join(b"+%d,Sam,Sample,C-%d\n" % (number, number) for number in numbers)


async def import_and_read(world: World, count: int, prepared: tuple[int, bytes]) -> Run:
    """From the first byte of the file to the answer: the list is then readable. Then GetNumbers of it, to the last byte, in JSON."""
    list_id, file = prepared
    async with world.connections(1) as (connection,):
        request = post(f"/v2/lists/{list_id}/imports", file, token=world.token, kind="text/csv")
        begun = time.monotonic()
        _, answer = await connection.ask(request)
        imported_s = time.monotonic() - begun
        assert orjson.loads(answer)["added"] == count, answer[:300]
        begun = time.monotonic()
        _, body = await connection.ask(get(f"/api/Phonelists/GetNumbers/{world.token}/{list_id}"))
        read_s = time.monotonic() - begun
    assert body.count(b"+44") == count, f"{body.count(b'+44')} numbers were read"
    await quiet(world)
    values = {
        IMPORTED: count / imported_s,
        "import, seconds": imported_s,
        "file, MB": len(file) / 1e6,
        READ: count / read_s,
        "GetNumbers, seconds": read_s,
    }
    return Run(count, values)
