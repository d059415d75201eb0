"""heliograph list: import, export, show, merge, subtract. Done as a user of the company, with that user's password."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from libs.common import csv_text
from libs.common.contracts.base import Refusal
from libs.common.contracts.phonelist import (
    FIELDS,
    BadRow,
    CreateList,
    ImportReport,
    ListInfo,
    MergedLists,
    MergeLists,
    ReadBadRows,
    ReadValues,
    ShowList,
    SubtractedList,
    SubtractList,
)
from libs.common.ids import uuid7
from libs.common.sheets.columns import Columns
from libs.common.sheets.csv_records import BadSheet
from libs.common.sheets.importing import import_file
from services.console import nouns
from services.console.as_user import AsUser, Password, Username, ask_as, asking_as
from services.console.asking import Trouble

CHUNK_BYTES = 256 * 1024
WHOLE_LIST_LIMIT_S = 90.0  # a million entries in one transaction take ten
REPAIRS_SHOWN_MAX = 20
BAD_SHOWN_MAX = 20

ListId = Annotated[int, typer.Argument(metavar="LIST", help="The list's id.")]
InFile = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, help="CSV or XLSX with a column of phone numbers.")
]
OutFile = Annotated[Path, typer.Argument(help="Written anew, as CSV.")]

app = nouns.noun("Phone lists.")


@app.command("import")
def import_(
    file: InFile,
    username: Username,
    password: Password,
    list_id: Annotated[int, typer.Option("--list", help="Add to the list with this id.")] = 0,
    create: Annotated[str, typer.Option(metavar="TITLE", help="Add to a new list with this title.")] = "",
    bad_rows: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write every bad row there: line, value, reason.")
    ] = None,
    all_or_nothing: Annotated[
        bool, typer.Option("--all-or-nothing", help="One bad row, and nothing is added.")
    ] = False,
    sheet: Annotated[
        str, typer.Option(metavar="NAME", help="Of a spreadsheet; else the first one that is not hidden.")
    ] = "",
    again: Annotated[
        UUID | None, typer.Option(metavar="IMPORT", help="Go on with an import that was cut, with the same file.")
    ] = None,
) -> None:
    """Add a file's rows to a phone list, all in one moment. Tells which numbers were put right and which rows are bad, by their lines."""
    if bool(list_id) == bool(create):
        raise Trouble("say either --list ID or --create TITLE")
    import_id = again or uuid7()

    async def work(user: AsUser) -> tuple[int, ImportReport, Columns]:
        id_ = list_id or (await user.ask(CreateList(title=create))).id
        typer.echo(f"import {import_id} into list {id_}: if it is cut, --list {id_} --again {import_id} goes on")
        try:
            done = await import_file(
                user.ask, import_id, id_, _chunks(file), all_or_nothing=all_or_nothing, sheet=sheet
            )
        except Refusal:
            if all_or_nothing and bad_rows:
                await _write_bad_rows(user, id_, import_id, bad_rows)
            raise
        if bad_rows:
            await _write_bad_rows(user, id_, import_id, bad_rows)
        return id_, done.report, done.columns

    try:
        id_, report, columns = asking_as(username, password, work)
    except BadSheet as error:
        raise Trouble(f"{file} cannot be read: {error}. Nothing was added.") from error
    _tell_columns(columns)
    _tell_rows(report, bad_rows)
    typer.echo(
        f"list {id_}: {report.added} added, {report.duplicates} there already or twice in the file, {report.bad_count} bad"
    )


async def _chunks(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as content:
        while chunk := content.read(CHUNK_BYTES):
            yield chunk


async def _write_bad_rows(user: AsUser, list_id: int, import_id: UUID, file: Path) -> None:
    after, more = 0, True
    with file.open("w", encoding="utf-8", newline="") as out:
        out.write(csv_text.line(BadRow.model_fields))
        while more:
            page = await user.ask(ReadBadRows(list_id=list_id, import_id=import_id, after=after))
            out.write(csv_text.lines((row.line, row.value, row.reason) for row in page.rows))
            after, more = page.rows[-1].line if page.rows else after, page.more
    typer.echo(f"bad rows are in {file}")


def _tell_columns(columns: Columns) -> None:
    for field, name in columns.told.items():
        typer.echo(f"{field} is read from {name}")
    if columns.ignored:
        typer.echo(f"nothing is made of {', '.join(columns.ignored)}")


def _tell_rows(report: ImportReport, bad_rows: Path | None) -> None:
    for how, times in report.repaired.items():
        typer.echo(f"numbers put right, {_words(how)}: {times}")
    for each in report.repairs[:REPAIRS_SHOWN_MAX]:
        typer.echo(f"  line {each.line}: {each.value!r} is {each.number} ({', '.join(map(_words, each.how))})")
    shown = report.bad[:BAD_SHOWN_MAX]
    for row in shown:
        typer.echo(f"line {row.line}: {row.reason}: {row.value!r}")
    if report.bad_count > len(shown):
        typer.echo(
            f"and {report.bad_count - len(shown)} more bad rows{'' if bad_rows else ': --bad-rows FILE writes them all'}"
        )


def _words(how: str) -> str:
    return how.replace("_", " ")


@app.command()
def export(list_id: ListId, file: OutFile, username: Username, password: Password) -> None:
    """Write the whole list, as it stands now, with every field."""

    async def work(user: AsUser) -> int:
        count, after, until, more = 0, 0, None, True
        with file.open("w", encoding="utf-8", newline="") as out:
            out.write(csv_text.line(FIELDS))
            while more:
                page = await user.ask(ReadValues(list_id=list_id, fields=list(FIELDS), after=after, until=until))
                out.write(csv_text.lines(page.values))
                count, after, until, more = count + len(page.values), page.last, page.until, page.more
        return count

    typer.echo(f"{asking_as(username, password, work)} entries")


@app.command()
def show(list_id: ListId, username: Username, password: Password) -> None:
    """What the list is called and how many it holds."""
    _tell(ask_as(username, password, ShowList(list_id=list_id)))


def _tell(info: ListInfo) -> None:
    typer.echo(f"list {info.id}: {info.title}\nfolder {info.folder_id}\nentries {info.entries}")


@app.command()
def merge(
    lists: Annotated[list[int], typer.Argument(metavar="LIST...", help="Ids of lists; they stay as they are.")],
    username: Username,
    password: Password,
    into: Annotated[int, typer.Option("--into", metavar="ID", help="Add them to the list with this id.")] = 0,
    create: Annotated[str, typer.Option(metavar="TITLE", help="Add them to a new list with this title.")] = "",
) -> None:
    """Add the entries of lists to another one or to a new one, in one moment. A number is in a list once: the first entry stays."""
    if bool(into) == bool(create):
        raise Trouble("say either --into ID or --create TITLE")

    async def work(user: AsUser) -> tuple[int, MergedLists]:
        id_ = into or (await user.ask(CreateList(title=create))).id
        return id_, await user.ask(MergeLists(list_id=id_, from_ids=lists), WHOLE_LIST_LIMIT_S)

    id_, merged = asking_as(username, password, work)
    typer.echo(f"list {id_}: {merged.added} added, {merged.duplicates} there already")


@app.command()
def subtract(
    list_id: ListId,
    minus: Annotated[
        int, typer.Option("--minus", metavar="ID", help="The list whose numbers are taken out; it stays as it is.")
    ],
    username: Username,
    password: Password,
) -> None:
    """Take the numbers of another list out of this one, in one moment."""

    async def work(user: AsUser) -> SubtractedList:
        return await user.ask(SubtractList(list_id=list_id, minus_id=minus), WHOLE_LIST_LIMIT_S)

    typer.echo(f"list {list_id}: {asking_as(username, password, work).removed} taken out")
