"""CSV imports over /v2: what people send, kept where it is good, told by line where it is not."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from libs.common.ids import uuid7
from libs.common.service import Process
from tests.harness import eventually
from tests.integration.gateway.test_v2 import refused, session_of
from tests.platform import Platform

_titles = itertools.count(1)


async def new_list(world: Platform, headers: dict[str, str]) -> int:
    made = await world.http.post("/v2/lists", json={"title": f"import {next(_titles)}"}, headers=headers)
    list_id: int = made.json()["id"]
    return list_id


async def send(
    world: Platform, content: Any, list_id: int = 0, headers: dict[str, str] | None = None
) -> tuple[int, httpx.Response]:
    """Into a new list, where none is given; the list's id and the answer."""
    session = await session_of(world, "demo")
    list_id = list_id or await new_list(world, session)
    answer = await world.http.post(
        f"/v2/lists/{list_id}/imports",
        content=content,
        headers=session | {"content-type": "text/csv"} | (headers or {}),
    )
    return list_id, answer


async def numbers_of(world: Platform, list_id: int) -> list[str]:
    token = (await session_of(world, "demo"))["authorization"].partition(" ")[2]
    result: list[str] = (await world.http.get(f"/api/Phonelists/GetNumbers/{token}/{list_id}")).json()["Result"]
    return result


async def test_good_rows_are_kept_and_bad_ones_named_by_their_line(world: Platform) -> None:
    csv = (
        "\ufeffFirst Name,Mobile Number,Favourite Colour,Date_of_Birth\r\n"
        "Zoë,07700 900123,red,1985-12-31\r\n"
        "\r\n"
        '"O\'Neill, Ann",+44 (0)7700-900124,"green\r\nor blue",\r\n'
        "Bob,12,blue,\r\n"
        ",,,\r\n"
        "Cy,０７７００９００１２５,,31/12/1985\r\n"
        "Dee,,red,\r\n"
        "Eve,07700900126,red,soon\r\n"
        "Ann again,00447700900124,red,\r\n"
        "Flo,07700900127,red,,extra\r\n"
        "Gus,07700900128"
    )

    list_id, answer = await send(world, csv.encode())

    assert answer.status_code == 201, answer.text
    report = answer.json()
    assert (report["added"], report["duplicates"], report["bad_count"]) == (4, 1, 4)
    assert [(row["line"], row["value"]) for row in report["bad"]] == [
        (6, "12"),
        (9, ""),
        (10, "07700900126"),
        (12, "07700900127"),
    ]
    assert "date" in report["bad"][2]["reason"]
    assert report["ignored_columns"] == ["Favourite Colour"]
    assert await numbers_of(world, list_id) == [f"+447700900{n}" for n in (123, 124, 125, 128)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
async def test_the_delimiter_is_read_from_the_first_line(world: Platform, delimiter: str) -> None:
    csv = (
        delimiter.join(["SURNAME", "msisdn"])
        + "\n"
        + delimiter.join(["Ng, A; B\tC", "07700900123"]).replace("Ng, A; B\tC", '"Ng, A; B\tC"')
    )

    _, answer = await send(world, csv)

    assert answer.json()["added"] == 1


async def test_every_field_of_an_entry_is_kept_as_given(world: Platform) -> None:
    fields = {
        "phone_number": "07700900123",
        "title": "Dr",
        "first_name": "Ada",
        "surname": "Lovelace",
        "address1": "12 St James's Square",
        "address2": "2",
        "address3": "3",
        "city": "London",
        "county": "Greater London",
        "postcode": "SW1Y 4JH",
        "gender": "F",
        "date_of_birth": "1815-12-10",
        "reference": "r-1",
        "email": "ada@example.org",
        "user1": "1",
        "user2": "2",
        "user3": "3",
    }
    names = [name.replace("_", " ").title() for name in fields]

    list_id, answer = await send(world, ",".join(names) + "\n" + ",".join(fields.values()) + "\n")

    assert answer.json()["ignored_columns"] == []
    assert await kept(world.processes["phonelist"], list_id) == fields | {"phone_number": "+447700900123"}


async def kept(phonelist: Process, list_id: int) -> dict[str, str]:
    assert phonelist.db is not None
    async with phonelist.db.reading() as tx:
        row = await tx.fetchrow("SELECT * FROM entries WHERE list_id = $1", list_id)
    assert row is not None
    return {name: str(value) for name, value in dict(row).items() if name not in ("key", "id", "list_id")}


@pytest.mark.parametrize(
    ("csv", "said"),
    [
        (b"", "line 1: the file is empty"),
        (b"\n\n", "line 1: the file is empty"),
        (b"name,colour\nAnn,red\n", "line 1: no column"),
        (b"phone,name\n07700900123,Zo\xeb\n", "line 2: it is not UTF-8"),
        (b"\xff\xfep\x00h\x00o\x00n\x00e\x00\n\x00", "line 1: it is not UTF-8"),
        (b'phone,name\n07700900123,"Ann\n07700900124,Bob\n', "line 2: a quote is opened"),
        (b'phone,name\n07700900123,"Ann\n' + b"07700900124,Bob\n" * 30, "line 2: a quote is opened"),
        (b"phone\n" + b"9" * 200_000, "line 2: it is too long"),
        (b"phone" + b",x" * 9000 + b"\n", "line 1: the names of the columns"),
    ],
)
async def test_a_file_that_cannot_be_read_says_where_and_leaves_nothing(world: Platform, csv: bytes, said: str) -> None:
    list_id, answer = await send(world, csv)

    problem = refused(answer, "invalid_request")
    assert problem["detail"].startswith(said)
    assert await numbers_of(world, list_id) == []


async def test_values_no_list_could_keep_make_bad_rows(world: Platform) -> None:
    long = "x" * 1001
    csv = f"phone,name,surname\n07700900123,,{long}\n07700900124,,nul\x00here\n07700900125,,ok\n"

    _, answer = await send(world, csv)

    report = answer.json()
    assert (report["added"], [row["line"] for row in report["bad"]]) == (1, [2, 3])


async def test_a_long_file_comes_in_by_small_pieces_and_its_bad_rows_have_the_right_lines(world: Platform) -> None:
    rows = 30_000
    lines = ["phone,surname"] + [f"0770{index:07d},Smith" for index in range(rows)]
    for line in range(100, rows, 1000):
        lines[line - 1] = f"bad {line},\n"  # and a blank line after it
    text = "\n".join(lines).encode()

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(text), 999):
            yield text[start : start + 999]

    list_id, answer = await send(world, pieces())

    report = answer.json()
    assert (report["added"], report["bad_count"]) == (rows - 30, 30)
    assert [row["line"] for row in report["bad"]] == [100 + n * 1001 for n in range(30)]
    assert [row["value"] for row in report["bad"][:2]] == ["bad 100", "bad 1100"]
    info = (await world.http.get(f"/v2/lists/{list_id}", headers=await session_of(world, "demo"))).json()
    assert info["entries"] == rows - 30
    assert (await numbers_of(world, list_id))[:2] == ["+447700000000", "+447700000001"]


async def test_the_first_hundred_bad_rows_are_told_and_all_counted(world: Platform) -> None:
    csv = "phone,dob\n" + "x,\n07700900123,never\n" * 100

    _, answer = await send(world, csv)

    report = answer.json()
    assert (report["bad_count"], len(report["bad"])) == (200, 100)
    assert [row["line"] for row in report["bad"]] == list(range(2, 102))


async def test_the_same_key_again_adds_nothing_and_gives_the_same_report(world: Platform) -> None:
    csv, key = "phone\n07700900123\n\nx\n07700900123\n", {"idempotency-key": str(uuid7())}
    list_id, first = await send(world, csv, headers=key)

    _, again = await send(world, csv, list_id, key)
    _, anew = await send(world, csv, list_id)

    assert (
        first.json()
        == again.json()
        == {
            "added": 1,
            "duplicates": 1,
            "bad_count": 1,
            "bad": [{"line": 4, "value": "x", "reason": "this is not a phone number"}],
            "ignored_columns": [],
        }
    )
    assert (anew.json()["added"], anew.json()["duplicates"]) == (0, 2)


async def test_a_file_that_breaks_off_leaves_nothing_in_the_list(world: Platform) -> None:
    session = await session_of(world, "demo")
    list_id = await new_list(world, session)

    async def rows_wait() -> int:
        db = world.processes["phonelist"].db
        assert db is not None
        async with db.reading() as tx:
            waiting = "SELECT count(*) FROM import_rows JOIN imports ON id = import_id WHERE list_id = $1"
            return int(await tx.fetchval(waiting, list_id))

    async def broken() -> AsyncIterator[bytes]:
        yield b"phone\n" + b"".join(b"0770%07d\n" % index for index in range(2000))
        await eventually(rows_wait)
        raise ConnectionError("the client's network is gone")

    with pytest.raises(ConnectionError):
        await world.http.post(
            f"/v2/lists/{list_id}/imports", content=broken(), headers=session | {"content-type": "text/csv"}
        )

    assert await rows_wait()
    assert await numbers_of(world, list_id) == []


@pytest.mark.parametrize("media_type", ["application/json", "text/csv; charset=windows-1252", "text/plain", ""])
async def test_what_is_not_csv_in_utf8_is_refused(world: Platform, media_type: str) -> None:
    _, answer = await send(world, b"phone\n", headers={"content-type": media_type})

    refused(answer, "unsupported_media_type")
    assert answer.status_code == 415


async def test_a_file_that_is_too_large_is_refused_while_it_comes_in(
    world: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.gateway.api.lists.CsvBody.bytes_max", 10_000)

    list_id, answer = await send(world, b"phone\n" + b"07700900123\n" * 1000)

    refused(answer, "too_large")
    assert await numbers_of(world, list_id) == []


async def test_a_file_of_too_many_rows_is_refused_whole(world: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.gateway.api.imports.ROWS_MAX", 999)

    list_id, answer = await send(world, b"phone\n" + b"".join(b"0770%07d\n" % index for index in range(1000)))

    refused(answer, "too_many")
    assert await numbers_of(world, list_id) == []
