"""CSV imports over /v2: what people send, kept where it is good, told by line where it is not."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from libs.common.contracts.phonelist import FIELDS
from libs.common.ids import uuid7
from libs.common.service import Process
from tests.harness import eventually
from tests.integration.gateway.test_v2 import refused, session_of
from tests.platform import Platform
from tests.sheet_files import xlsx

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
        row = await tx.fetchrow("SELECT '+' || number AS phone_number, * FROM entries WHERE list_id = $1", list_id)
    assert row is not None
    return {name: str(value) for name, value in dict(row).items() if name not in ("number", "id", "list_id")}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "the file is empty"),
        (b"name,colour\nAnn,red\n", "line 1: no column"),
        ("phone,name\n07700900123,Zoë\n".encode() + b"07700900123,Zo\xeb\n", "line 3: it is not utf-8"),
        (b"phone\n" + b"9" * 200_000, "line 2: it has more than"),
        (b"PK\x03\x04 and no more", "it is no XLSX file"),
    ],
)
async def test_a_file_that_cannot_be_read_says_where_and_leaves_nothing(
    world: Platform, content: bytes, said: str
) -> None:
    list_id, answer = await send(world, content)

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

    assert first.json() == again.json()
    assert first.json() == {
        "import_id": first.json()["import_id"],
        "added": 1,
        "duplicates": 1,
        "bad_count": 1,
        "bad": [{"line": 4, "value": "x", "reason": "this is not a phone number"}],
        "columns": {"phone_number": "phone"},
        "ignored_columns": [],
        "repaired": {},
        "repairs": [],
    }
    assert first.json()["import_id"] != anew.json()["import_id"]
    assert (anew.json()["added"], anew.json()["duplicates"]) == (0, 2)


async def test_a_file_that_breaks_off_leaves_nothing_in_the_list(world: Platform) -> None:
    session = await session_of(world, "demo")
    list_id = await new_list(world, session)

    async def rows_wait() -> int:
        db = world.processes["phonelist"].db
        assert db is not None
        async with db.reading() as tx:
            waiting = "SELECT count(*) FROM import_blocks JOIN imports ON id = import_id WHERE list_id = $1"
            return int(await tx.fetchval(waiting, list_id))

    async def broken() -> AsyncIterator[bytes]:
        yield b"phone\n" + b"".join(b"0770%07d\n" % index for index in range(5000))
        await eventually(rows_wait)
        raise ConnectionError("the client's network is gone")

    with pytest.raises(ConnectionError):
        await world.http.post(
            f"/v2/lists/{list_id}/imports", content=broken(), headers=session | {"content-type": "text/csv"}
        )

    assert await rows_wait()
    assert await numbers_of(world, list_id) == []


@pytest.mark.parametrize("media_type", ["application/json", "text/csv; charset=shift_jis", "text/plain", ""])
async def test_what_is_neither_csv_nor_a_spreadsheet_is_refused(world: Platform, media_type: str) -> None:
    _, answer = await send(world, b"phone\n", headers={"content-type": media_type})

    refused(answer, "unsupported_media_type")
    assert answer.status_code == 415


async def test_a_file_that_is_too_large_is_refused_while_it_comes_in(
    world: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.gateway.api.lists.FileBody.bytes_max", 10_000)

    list_id, answer = await send(world, b"phone\n" + b"07700900123\n" * 1000)

    refused(answer, "too_large")
    assert await numbers_of(world, list_id) == []


async def test_a_file_of_too_many_rows_is_refused_whole(world: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("libs.common.sheets.importing.ROWS_MAX", 999)

    list_id, answer = await send(world, b"phone\n" + b"".join(b"0770%07d\n" % index for index in range(1000)))

    refused(answer, "too_many")
    assert await numbers_of(world, list_id) == []


async def test_numbers_put_right_are_told(world: Platform) -> None:
    _, answer = await send(world, "Kontakt;Town\n7700 900001;Bath\nO7700900002;York\n")

    report = answer.json()
    assert (report["added"], report["columns"]) == (2, {"phone_number": "Kontakt", "city": "Town"})
    assert report["repaired"] == {"letter_o": 1, "missing_zero": 1, "separators": 1}
    assert [(each["line"], each["value"], each["number"]) for each in report["repairs"]] == [
        (2, "7700 900001", "+447700900001"),
        (3, "O7700900002", "+447700900002"),
    ]


@pytest.mark.parametrize("charset", ["windows-1252", "utf-16", "utf-8"])
async def test_the_file_itself_tells_its_encoding(world: Platform, charset: str) -> None:
    kept_as = "Größe"
    list_id, answer = await send(world, f"phone\tsurname\n07700900001\t{kept_as}".encode(charset))
    assert answer.status_code == 201, answer.text
    assert (await kept(world.processes["phonelist"], list_id))["surname"] == kept_as


XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


async def test_a_spreadsheet_is_imported_by_the_sheet_that_is_named(world: Platform) -> None:
    data = xlsx({"One": ([["phone"], [7700900001]], False), "Two": ([["phone"], ["07700900002"], ["x"]], False)})
    list_id, first = await send(world, data, headers={"content-type": XLSX})
    session = await session_of(world, "demo")
    second = await world.http.post(
        f"/v2/lists/{list_id}/imports", params={"sheet": "Two"}, content=data, headers=session | {"content-type": XLSX}
    )

    assert (first.json()["added"], first.json()["repaired"]) == (1, {"missing_zero": 1})
    assert [row["line"] for row in second.json()["bad"]] == [3]
    assert await numbers_of(world, list_id) == ["+447700900001", "+447700900002"]


async def test_all_bad_rows_are_a_file_that_no_spreadsheet_runs(world: Platform) -> None:
    csv_ = "phone,dob\n" + "=1+1,\n07700900123,never\n" * 900
    list_id, answer = await send(world, csv_)
    path = f"/v2/lists/{list_id}/imports/{answer.json()['import_id']}/bad-rows"

    told = await world.http.get(path, headers=await session_of(world, "demo"))

    rows = list(csv.reader(io.StringIO(told.text)))
    assert (told.status_code, told.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert rows[:3] == [
        ["line", "value", "reason"],
        ["2", "'=1+1", "this is not a phone number"],
        ["3", "07700900123", "date_of_birth is no date: write 1985-12-31 or 31/12/1985"],
    ]
    assert [row[0] for row in rows[1:]] == [str(line) for line in range(2, 1802)]
    refused(await world.http.get(path, headers=await session_of(world, "other")), "not_found")
    other_list = path.replace(f"/lists/{list_id}/", f"/lists/{list_id + 1}/")
    refused(await world.http.get(other_list, headers=await session_of(world, "demo")), "not_found")


async def test_all_or_nothing_adds_nothing_and_says_where_the_bad_rows_are(world: Platform) -> None:
    session = await session_of(world, "demo")
    list_id = await new_list(world, session)
    answer = await world.http.post(
        f"/v2/lists/{list_id}/imports?all_or_nothing=true",
        content="phone\n07700900123\nx\n",
        headers=session | {"content-type": "text/csv"},
    )

    detail = refused(answer, "invalid_number")["detail"]
    found = re.fullmatch(
        r"line 3: this is not a phone number; bad rows: 1; all are told by (imports/\S+/bad-rows)", detail
    )
    assert found, detail
    told = await world.http.get(f"/v2/lists/{list_id}/{found[1]}", headers=session)
    assert told.text.splitlines() == ["line,value,reason", "3,x,this is not a phone number"]
    assert await numbers_of(world, list_id) == []


async def test_an_import_that_was_cut_goes_on_with_the_same_key(world: Platform) -> None:
    session, key = await session_of(world, "demo"), {"idempotency-key": str(uuid7())}
    list_id = await new_list(world, session)
    text = b"phone\n" + b"".join(b"0770%07d\n" % index for index in range(9_000)) + b"bad\n"

    async def cut() -> AsyncIterator[bytes]:
        yield text[:80_000]
        raise ConnectionError("the client's network is gone")

    headers = session | key | {"content-type": "text/csv"}
    with pytest.raises(ConnectionError):
        await world.http.post(f"/v2/lists/{list_id}/imports", content=cut(), headers=headers)
    assert await numbers_of(world, list_id) == []

    _, answer = await send(world, text, list_id, key)

    assert (answer.json()["added"], answer.json()["duplicates"], answer.json()["bad_count"]) == (9_000, 0, 1)


async def test_a_list_is_exported_whole_merged_and_subtracted(world: Platform) -> None:
    session = await session_of(world, "demo")
    one, _ = await send(world, 'phone,user1\n07700900001,a\n07700900002,"b\n,"\n')
    other, _ = await send(world, "phone,user1\n07700900002,c\n07700900003,=d\n")

    merged = await world.http.post(f"/v2/lists/{one}/merge", json={"from_ids": [other]}, headers=session)
    assert (merged.status_code, merged.json()) == (200, {"added": 1, "duplicates": 1})
    exported = await world.http.get(f"/v2/lists/{one}/export", headers=session)
    rows = list(csv.DictReader(io.StringIO(exported.text)))
    assert [(row["phone_number"], row["user1"]) for row in rows] == [
        ("+447700900001", "a"),
        ("+447700900002", "b\n,"),
        ("+447700900003", "'=d"),
    ]
    assert list(rows[0]) == list(FIELDS)
    subtracted = await world.http.post(f"/v2/lists/{one}/subtract", json={"minus_id": other}, headers=session)
    assert subtracted.json() == {"removed": 2}
    assert await numbers_of(world, one) == ["+447700900001"]

    theirs = await session_of(world, "other")
    refused(await world.http.get(f"/v2/lists/{one}/export", headers=theirs), "not_found")
    refused(
        await world.http.post(f"/v2/lists/{one}/merge", json={"from_ids": [one]}, headers=session), "invalid_request"
    )
    refused(await world.http.post(f"/v2/lists/{one}/subtract", json={"minus_id": 2**40}, headers=session), "not_found")
    refused(await world.http.post(f"/v2/lists/{one}/merge", json={"from_ids": []}, headers=session), "invalid_request")
