"""heliograph list: import. Done as a user of the company, with that user's password: the command line itself belongs to no company."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from libs.common.contracts.auth import LogIn, LogOut, ResolveSession, Session
from libs.common.contracts.phonelist import AddRows, BeginImport, CreateList, FinishImport, ImportReport
from libs.common.ids import uuid7
from services.console import nouns
from services.console.asking import Trouble, asking
from services.console.csv_rows import Bad, Batch, batches

if TYPE_CHECKING:
    from libs.common.bus import Asker

T = TypeVar("T")

IN_FLIGHT = 4  # batches: enough that phonelist never waits for us
RENEW_BEFORE = timedelta(seconds=20)

app = nouns.noun("Phone lists.")


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="A CSV in UTF-8; a column is called phone_number.")
    ],
    username: Annotated[str, typer.Option("--as", envvar="HELIOGRAPH_USERNAME", help="A user of the list's company.")],
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, envvar="HELIOGRAPH_PASSWORD")],
    list_id: Annotated[int, typer.Option("--list", help="Add to the list with this id.")] = 0,
    create: Annotated[str, typer.Option(metavar="TITLE", help="Add to a new list with this title.")] = "",
) -> None:
    """Add a file's rows to a phone list, all in one moment. Names every bad row by its line and leaves it out."""
    if bool(list_id) == bool(create):
        raise Trouble("say either --list ID or --create TITLE")

    async def work(asker: Asker) -> tuple[int, list[Bad], ImportReport]:
        token = (await asker.ask(LogIn(username=username, password=password))).token
        try:
            grants = _Grants(asker, token)
            id_ = list_id or (await asker.ask(CreateList(title=create), await grants.grant())).id
            with file.open(encoding="utf-8-sig", newline="") as lines:
                return id_, *await _import(asker, grants, id_, lines)
        finally:
            await asker.ask(LogOut(token=token))

    try:
        id_, unreadable, report = asking(work)
    except (UnicodeDecodeError, csv.Error) as error:
        raise Trouble(f"{file} is no CSV in UTF-8: {error}. Nothing was added.") from error
    for bad in unreadable:
        typer.echo(f"line {bad.line}: {bad.reason}")
    for row in report.bad:
        typer.echo(f"line {row.line}: {row.reason}: {row.value!r}")
    if report.bad_count > len(report.bad):
        typer.echo(f"and {report.bad_count - len(report.bad)} more bad rows")
    bad_count = report.bad_count + len(unreadable)
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


async def _import(asker: Asker, grants: _Grants, list_id: int, lines: Iterable[str]) -> tuple[list[Bad], ImportReport]:
    import_id = uuid7()
    unreadable: list[Bad] = []
    await asker.ask(BeginImport(import_id=import_id, list_id=list_id), await grants.grant())
    for some in _by(batches(lines), IN_FLIGHT):
        unreadable += [one for one in some if isinstance(one, Bad)]
        grant = await grants.grant()
        adding = [
            AddRows(import_id=import_id, first_line=one.first_line, entries=one.entries)
            for one in some
            if isinstance(one, Batch)
        ]
        await asyncio.gather(*(asker.ask(rows, grant) for rows in adding))
    report = await asker.ask(
        FinishImport(import_id=import_id, all_or_nothing=False), await grants.grant(), deadline_s=60
    )
    return unreadable, report


def _by(items: Iterator[T], many: int) -> Iterator[list[T]]:
    while some := list(islice(items, many)):
        yield some
