"""heliograph list: import. Done as a user of the company, with that user's password: the command line itself belongs to no company."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, TypeVar

import typer

from libs.common.contracts.auth import LogIn, LogOut, ResolveSession, Session
from libs.common.contracts.base import ITEMS_MAX
from libs.common.contracts.phonelist import (
    AddRows,
    BadRow,
    BeginImport,
    CreateList,
    Entry,
    FinishImport,
    ImportReport,
)
from libs.common.csv_rows import BadCsv, CsvRows, Row
from libs.common.ids import uuid7
from services.console import nouns
from services.console.asking import Trouble, asking

if TYPE_CHECKING:
    from libs.common.bus import Asker

T = TypeVar("T")

IN_FLIGHT = 4  # batches: enough that phonelist never waits for us
BATCH_CHARACTERS_MAX = 128 * 1024  # a batch's share of BYTES_MAX, were every character four bytes long
CHUNK_BYTES = 256 * 1024
RENEW_BEFORE = timedelta(seconds=20)

app = nouns.noun("Phone lists.")


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="A CSV in UTF-8 with a column of phone numbers.")
    ],
    username: Annotated[str, typer.Option("--as", envvar="HELIOGRAPH_USERNAME", help="A user of the list's company.")],
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, envvar="HELIOGRAPH_PASSWORD")],
    list_id: Annotated[int, typer.Option("--list", help="Add to the list with this id.")] = 0,
    create: Annotated[str, typer.Option(metavar="TITLE", help="Add to a new list with this title.")] = "",
) -> None:
    """Add a file's rows to a phone list, all in one moment. Names every bad row by its line and leaves it out."""
    if bool(list_id) == bool(create):
        raise Trouble("say either --list ID or --create TITLE")

    async def work(asker: Asker) -> tuple[int, list[BadRow], ImportReport]:
        token = (await asker.ask(LogIn(username=username, password=password))).token
        try:
            grants = _Grants(asker, token)
            id_ = list_id or (await asker.ask(CreateList(title=create), await grants.grant())).id
            with file.open("rb") as content:
                return id_, *await _import(asker, grants, id_, content)
        finally:
            await asker.ask(LogOut(token=token))

    try:
        id_, unreadable, report = asking(work)
    except BadCsv as error:
        raise Trouble(f"{file} cannot be read, {error}. Nothing was added.") from error
    bad = sorted([*unreadable, *report.bad], key=lambda row: row.line)
    for row in bad:
        typer.echo(f"line {row.line}: {row.reason}: {row.value!r}")
    bad_count = report.bad_count + len(unreadable)
    if bad_count > len(bad):
        typer.echo(f"and {bad_count - len(bad)} more bad rows")
    typer.echo(
        f"list {id_}: {report.added} added, {report.duplicates} there already or twice in the file, {bad_count} bad"
    )


class _Grants:
    """The session's grant, asked for again before it ends: an import may take longer than one lives."""

    def __init__(self, asker: Asker, token: str) -> None:
        self._asker = asker
        self._token = token
        self._session: Session | None = None

    async def grant(self) -> str:
        if self._session is None or self._session.grant_until < datetime.now(UTC) + RENEW_BEFORE:
            self._session = await self._asker.ask(ResolveSession(token=self._token))
        return self._session.grant


async def _import(asker: Asker, grants: _Grants, list_id: int, content: BinaryIO) -> tuple[list[BadRow], ImportReport]:
    import_id = uuid7()
    unreadable: list[BadRow] = []
    await asker.ask(BeginImport(import_id=import_id, list_id=list_id), await grants.grant())
    for some in _by(batches(content, unreadable), IN_FLIGHT):
        grant = await grants.grant()
        adding = [AddRows(import_id=import_id, first_line=line, entries=entries) for line, entries in some]
        await asyncio.gather(*(asker.ask(rows, grant) for rows in adding))
    report = await asker.ask(
        FinishImport(import_id=import_id, all_or_nothing=False), await grants.grant(), deadline_s=60
    )
    return unreadable, report


def batches(content: BinaryIO, unreadable: list[BadRow]) -> Iterator[tuple[int, list[Entry]]]:
    """The good rows, with the line of the first: those of a batch stand one after the other, so that their lines can be counted from it."""
    rows = CsvRows()
    first_line, entries, characters = 0, list[Entry](), 0
    for row in _rows(rows, content):
        if not isinstance(row, Row):
            unreadable.append(row)
            continue
        full = len(entries) == ITEMS_MAX or characters + row.characters > BATCH_CHARACTERS_MAX
        if entries and (full or row.line != first_line + len(entries)):
            yield first_line, entries
            entries, characters = [], 0
        if not entries:
            first_line = row.line
        entries.append(row.entry)
        characters += row.characters
    if entries:
        yield first_line, entries
    if rows.columns is None:
        raise BadCsv(1, "the file is empty")


def _rows(rows: CsvRows, content: BinaryIO) -> Iterator[Row | BadRow]:
    while chunk := content.read(CHUNK_BYTES):
        yield from rows.feed(chunk)
    yield from rows.feed(b"", final=True)


def _by(items: Iterator[T], many: int) -> Iterator[list[T]]:
    while some := list(islice(items, many)):
        yield some
