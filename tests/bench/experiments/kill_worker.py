"""The worker that experiment 3 kills: messaging as it is, with another claim size, short leases and, where asked, a note before each write.

`python -m tests.bench.experiments.kill_worker <texts a claim> <none|file|row> <folder of the notes>`; else it reads what messaging reads.
A note says which claims may have been written. What a dead worker had claimed without a note was surely not written: it is queued again.
Lives in this experiment only.
"""

import dataclasses
import math
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from libs.common.clock import now
from libs.common.contracts.messaging import State
from libs.common.db import Database
from libs.common.service import Kernel, run
from services.messaging.__main__ import SERVICE
from services.messaging.app import Messaging, compose
from services.messaging.carriers.carrier import Answer, Part
from services.messaging.ledger.closing import tell_settled
from services.messaging.sending.rules import Lane
from services.messaging.settings import MessagingSettings
from services.messaging.submitting import loop, store
from services.messaging.submitting.rules import Outcome

log = structlog.get_logger()

# A tenth of messaging's own, or a run would last for the twenty leases. The simulator answers in milliseconds.
LEASE_S = 2.0
ANSWER_GRACE_S = 1.0
TAKE_OVER_EVERY_S = 0.5
ID_BYTES = 16


class FileNote:
    """Ids in a file of this host. Given to the kernel by one write(): survives a killed process, not a lost machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = os.open(folder / f"{os.getpid()}.ids", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    async def write(self, ids: Sequence[UUID]) -> None:
        os.write(self._file, b"".join(id_.bytes for id_ in ids))

    async def read(self, _: Sequence[UUID]) -> set[UUID]:
        noted = b"".join(path.read_bytes() for path in self._folder.glob("*.ids"))
        return {UUID(bytes=noted[at : at + ID_BYTES]) for at in range(0, len(noted), ID_BYTES)}


NOTE_TABLE = "CREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY) WITH (fillfactor = 50)"
NOTE = "INSERT INTO notes (id) SELECT * FROM unnest($1::uuid[])"
NOTED = "SELECT id FROM notes WHERE id = ANY($1::uuid[])"


class RowNote:
    """One row in the ledger's database, by the first id of what is written: costs a commit a write, holds on any host."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def write(self, ids: Sequence[UUID]) -> None:
        async with self._db.transaction() as tx:
            await tx.execute(NOTE, ids[:1])

    async def read(self, ids: Sequence[UUID]) -> set[UUID]:
        """A claim is written whole or not at all as far as a row a claim can tell."""
        async with self._db.reading() as tx:
            return set(ids) if await tx.fetch(NOTED, ids) else set()


class NotingCarrier:
    """A carrier before whose every write a note is taken."""

    def __init__(self, carrier: Any, note: FileNote | RowNote) -> None:
        self._carrier, self._note = carrier, note

    def __getattr__(self, name: str) -> Any:
        return getattr(self._carrier, name)

    async def submit(self, parts: Sequence[Part], write_by: float = math.inf) -> list[Answer]:
        if parts:
            await self._note.write([part.text_id for part in parts])
        answers: list[Answer] = await self._carrier.submit(parts, write_by)
        return answers


@asynccontextmanager
async def noting(kernel: Kernel[MessagingSettings]) -> AsyncIterator[Messaging]:
    async with compose(kernel) as app:
        if note is not None:
            app.carrier = NotingCarrier(app.carrier, note if isinstance(note, FileNote) else RowNote(app.db))
        yield app


async def take_over(app: Messaging) -> int:
    """As messaging's, but what was not noted goes back to the queue."""
    if not isinstance(app.carrier, NotingCarrier):
        return await loop.take_over_abandoned(app)
    async with app.db.transaction() as tx:
        claims = await store.abandoned_claims(tx, ANSWER_GRACE_S)
        for claim in claims:
            noted = await app.carrier._note.read(claim["texts"])
            doubtful = [(id_, "its worker died") for id_ in claim["texts"] if id_ in noted]
            told = await store.in_doubt_if_submitting(tx, claim["id"], app.carrier.name, doubtful)
            tell_settled(tx, told)
            again = Outcome(State.QUEUED, "its worker died before the write", next_attempt_at=now())
            unwritten = [id_ for id_ in claim["texts"] if id_ not in noted]
            await store.again_if_claimed(tx, claim["id"], [(id_, again) for id_ in unwritten])
            await store.drop_claim(tx, claim["id"])
            tx.wake("bulk")
            log.warning("claim_abandoned", texts=len(claim["texts"]), in_doubt=len(told), again=len(unwritten))
    return len(claims)


if __name__ == "__main__":
    claim_max, kind, folder = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    note: FileNote | type[RowNote] | None = {"none": None, "file": FileNote(folder), "row": RowNote}[kind]
    loop.CLAIM_MAX |= dict.fromkeys(Lane, claim_max)
    loop.LEASE_S, loop.ANSWER_GRACE_S = LEASE_S, ANSWER_GRACE_S
    kept = [each for each in SERVICE.loops if each.name != "take_over_abandoned"]
    for each in kept:
        each.plenty = min(each.plenty, claim_max)
    taking_over = type(kept[0])("take_over_abandoned", take_over, every_s=TAKE_OVER_EVERY_S)
    run(dataclasses.replace(SERVICE, compose=noting, loops=[*kept, taking_over]))
