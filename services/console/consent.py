"""heliograph consent: export, import. Also the way in for the opt-outs of another service: withdrawn consents, which stop as a STOP does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import NAMESPACE_URL, uuid5

import typer

from libs.common import csv_text
from libs.common.clock import from_client
from libs.common.contracts.base import ITEMS_MAX
from libs.common.contracts.consents import Consent, How, Kind, NewConsent, ReadConsents, RecordConsents
from libs.common.sheets import numbers
from libs.common.sheets.columns import Columns, key
from libs.common.sheets.csv_records import BadSheet, CsvRecords, Spoilt
from services.console import nouns
from services.console.asking import Trouble, asking

if TYPE_CHECKING:
    from libs.common.bus import Asker

TIME_NAMES = (
    "at",
    "stoppedat",
    "optedoutat",
    "withdrawnat",
    "date",
    "datetime",
    "time",
    "timestamp",
    "created",
    "createdat",
)
BAD_TOLD_MAX = 100
CHUNK_BYTES = 256 * 1024

app = nouns.noun("Consents: who agreed to marketing or withdrew it, when, how and to which words.")


@app.command()
def export(company: nouns.CompanyName, file: Annotated[Path, typer.Argument(help="Written anew, as CSV.")]) -> None:
    """The company's whole ledger."""
    company_id = nouns.company(company).id

    async def work(asker: Asker) -> int:
        count, after, more = 0, 0, True
        with file.open("w", encoding="utf-8", newline="") as out:
            out.write(csv_text.line(Consent.model_fields))
            while more:
                page = await asker.ask(ReadConsents(company_id=company_id, after=after))
                out.writelines(csv_text.line(one.model_dump(mode="json").values()) for one in page.items)
                count, more = count + len(page.items), page.more
                after = page.items[-1].key if page.items else after
        return count

    typer.echo(f"{asking(work)} consents")


@app.command("import")
def import_(
    company: nouns.CompanyName,
    file: Annotated[
        Path,
        typer.Argument(
            exists=True,
            dir_okay=False,
            help="A CSV with a column of phone numbers and, if known, one of times.",
        ),
    ],
    reference: Annotated[str, typer.Option(help="Where it comes from: GetAllStops of the old service, say.")],
    kind: Annotated[Kind, typer.Option(help="What the file's people did.")] = Kind.WITHDRAWN,
    how: Annotated[How, typer.Option(help="How they did it.")] = How.IMPORT,
) -> None:
    """Write a file's consents down. Whoever withdrew is opted out, as by a STOP of that time; without one, of now.

    The same file again, with the same reference, changes nothing more.
    """
    company_id, now = nouns.company(company).id, datetime.now(UTC)
    bad: list[str] = []
    rows = _consents(file, f"{company_id} {kind} {reference}", kind, how, reference, now, bad)

    async def work(asker: Asker) -> tuple[int, int, int]:
        recorded = repeated = stopped = 0
        while some := list(islice(rows, ITEMS_MAX)):
            told = await asker.ask(RecordConsents(company_id=company_id, items=some, stops=kind is Kind.WITHDRAWN))
            recorded, repeated, stopped = recorded + told.recorded, repeated + told.repeated, stopped + told.stopped
        return recorded, repeated, stopped

    recorded, repeated, stopped = asking(work)
    for sentence in bad[:BAD_TOLD_MAX]:
        typer.echo(sentence)
    typer.echo(f"{recorded} recorded, {repeated} there already, {stopped} opted out, {len(bad)} bad lines")


def _consents(
    file: Path, source: str, kind: Kind, how: How, reference: str, now: datetime, bad: list[str]
) -> Iterator[NewConsent]:
    """The good lines; sentences about the others go to `bad`."""
    for line, row, number_place, time_place in _rows(file):
        time = _value(row, time_place)
        found, at = numbers.read(_value(row, number_place)), _time(time) if time else now
        if found and at:
            id_ = uuid5(NAMESPACE_URL, f"heliograph consent {source} {found[0]} {time}")
            yield NewConsent(id=id_, number=found[0], kind=kind, how=how, at=at, reference=reference)
        elif any(row):
            bad.append(f"line {line}: no {'time such as 2026-03-01T12:00:00Z' if found else 'phone number'}")


def _rows(file: Path) -> Iterator[tuple[int, list[str], int, int | None]]:
    """Each row with its line, and where the number stands in it, and the time, if any."""
    reader = CsvRecords()
    count = 0
    with file.open("rb") as content:
        while True:
            chunk = content.read(CHUNK_BYTES)
            try:
                records = reader.feed(chunk, final=not chunk)
            except BadSheet as error:
                raise Trouble(f"{file} cannot be read for phone numbers: {error}") from error
            for line, row in zip(records.lines, records.rows, strict=True):
                assert reader.columns is not None
                count += 1
                if count > reader.columns.first:
                    values = [row.text] if isinstance(row, Spoilt) else row
                    yield line, values, reader.columns.places["phone_number"], _time_place(reader.columns)
            if not chunk:
                return


def _time_place(columns: Columns) -> int | None:
    keys = [key(name) for name in columns.names]
    return next((keys.index(name) for name in TIME_NAMES if name in keys), None)


def _value(row: list[str], place: int | None) -> str:
    return row[place].strip() if place is not None and place < len(row) else ""


def _time(written: str) -> datetime | None:
    """None where it is no time in ISO 8601; UK time where it has no offset, as the documented surface tells it."""
    try:
        return from_client(datetime.fromisoformat(written))
    except ValueError:
        return None
