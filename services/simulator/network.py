"""The network: takes texts, brings them to handsets, makes receipts, and takes texts from handsets.

Owns the log, the handsets, the faults, and what is due to whom. Speaks no wire: sessions and the control ask it.
A text is in the log before `submit` returns, so before anything can be answered.
See protocol.md.
"""

import asyncio
import heapq
import itertools
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from services.simulator.deliveries import Deliveries, Item, Line
from services.simulator.faults import Faults, Kind, plan
from services.simulator.log import LineFile, line
from services.simulator.rules import (
    FAULTLESS,
    OWN_REF_CHARACTERS_MAX,
    REACHES_HANDSET,
    Behaviour,
    Fate,
    Plan,
    behaviour_of,
    refusal,
)
from services.simulator.wire import ITEMS_PER_FRAME_MAX, BadFrame

BEAT_S = 0.005  # receipts that fall due this close together go out together
REDELIVERY_CHECK_S = 1.0
ERRORS = {Fate.FAILED.value: "absent_subscriber"}


@dataclass(slots=True)
class Submitted:
    """What the session does about a frame of submits."""

    answers: list[Item] = field(default_factory=list)
    delayed: list[tuple[float, Item]] = field(default_factory=list)  # (delay in seconds, answer)
    hang_up: bool = False


class Network:
    def __init__(self, log_path: Path) -> None:
        self.faults = Faults()
        self.behaviours: list[Behaviour] = []
        self._loop = asyncio.get_running_loop()
        self._boot = secrets.token_hex(4)  # references stay unique when a log is thrown away
        self._log = LineFile(log_path)
        self._journal = LineFile(log_path.with_name(log_path.name + ".journal"))
        self._handsets: dict[str, list[int]] = {}  # number -> the places in the log of what it got
        self._own_refs: set[str] = set()
        self._taken = 0
        self._texts_in = 0
        self._replied: set[tuple[str, str]] = set()
        self._due: list[tuple[float, int, Line, Item]] = []
        self._due_count = itertools.count()
        self._beat: asyncio.TimerHandle | None = None
        batches = itertools.count(1)
        self.receipts = Deliveries("receipts", batches, self._receipts_acked)
        self.texts = Deliveries("texts", batches, self._texts_acked)
        self._remember()
        self._redelivery = self._loop.call_later(REDELIVERY_CHECK_S, self._redeliver)

    def _remember(self) -> None:
        """Reads both files: handsets, counters, and the receipts and texts that nobody acknowledged."""
        acked: set[int] = set()
        texts_due: dict[str, Item] = {}
        forgotten = 0
        for each in self._journal.load():
            acked.update(each.get("receipts_acked", ()))
            for text in each.get("texts", ()):
                self._texts_in += 1
                texts_due[text[0]] = text
            for carrier_id in each.get("texts_acked", ()):
                texts_due.pop(carrier_id, None)
            if "reset" in each:
                forgotten = each["reset"]
                texts_due.clear()
        receipts_due: list[Item] = []
        for each in self._log.load():
            if each["outcome"] != "taken":
                continue
            self._count(each["own_ref"])
            n, fate = each["n"], each["receipt"]
            if n > forgotten and fate in REACHES_HANDSET:
                self._handsets.setdefault(each["to"], []).append(n)
            if n > forgotten and fate != Fate.NEVER and n not in acked:
                receipts_due.append(_receipt(each["ref"], fate, each["at"], each["own_ref"]))
        self.receipts.add(receipts_due, None)
        self.texts.add(list(texts_due.values()), None)

    # -- texts out -----------------------------------------------------------------------------------------------

    def submit(self, session: Line, bind: str, items: Any) -> Submitted:
        """Takes a frame of texts. After one that hangs up, the rest of the frame was never received."""
        if not isinstance(items, list) or len(items) > ITEMS_PER_FRAME_MAX:
            raise BadFrame(f"submit takes a list of at most {ITEMS_PER_FRAME_MAX}")
        for item in items:
            _check_submit(item)

        at, n = time.time(), len(self._log)
        strange = bool(self.faults) or bool(self.behaviours)
        received: list[tuple[Item, str, Plan]] = []
        lines: list[bytes] = []
        for item in items:
            n += 1
            ref = f"{self._boot}-{n}"
            todo = self._plan(item, strange)
            received.append((item, ref, todo))
            lines.append(_log_line(n, at, ref, bind, item, todo))
            if todo.hang_up:
                break
        self._log.append(lines)  # before anything else knows of them

        return self._act(session, received, n - len(received), at)

    def _act(self, session: Line, received: list[tuple[Item, str, Plan]], n: int, at: float) -> Submitted:
        """Brings taken texts to their handsets, and says what is to be answered."""
        done = Submitted()
        now = self._loop.time()
        for (seq, sender, number, _, _, own_ref), ref, todo in received:
            n += 1
            if todo.refused is not None:
                done.answers.append([seq, "refused", todo.refused, todo.retry_after_s])
                continue
            self._count(own_ref)
            if todo.fate in REACHES_HANDSET:
                self._handsets.setdefault(number, []).append(n)
                if self.behaviours:
                    self._reply(number, sender)
            for delay_s, status in todo.receipts:
                due = (now + delay_s, next(self._due_count), session, _receipt(ref, status, at + delay_s, own_ref))
                heapq.heappush(self._due, due)
            if todo.answered and todo.answer_delay_s:
                done.delayed.append((todo.answer_delay_s, [seq, "taken", ref]))
            elif todo.answered:
                done.answers.append([seq, "taken", ref])
            done.hang_up = todo.hang_up
        self._arm()
        return done

    def _plan(self, item: Item, strange: bool) -> Plan:
        _, sender, number, text, _, _ = item
        if (refused := refusal(sender, number, text)) is not None:
            return Plan(refused=refused)
        return plan(number, behaviour_of(number, self.behaviours), self.faults) if strange else FAULTLESS

    def _count(self, own_ref: str) -> None:
        self._taken += 1
        self._own_refs.add(own_ref)

    def _receipts_acked(self, items: list[Item]) -> None:
        self._journal.append([line({"receipts_acked": [int(item[0].rpartition("-")[2]) for item in items]})])

    # -- texts in ------------------------------------------------------------------------------------------------

    def text_in(self, texts: list[tuple[str, str, str]]) -> list[str]:
        """Takes (from, to, text) of handsets and answers their ids. They survive a kill from now on."""
        at = time.time()
        items: list[Item] = []
        for sender, to, text in texts:
            self._texts_in += 1
            items.append([f"{self._boot}-t{self._texts_in}", sender, to, text, at])
        self._journal.append([line({"texts": items})])
        again = [item for item in items if self.faults and self.faults.fires(Kind.DUPLICATE_TEXT, item[1])]
        self.texts.add(items + again, None)
        self.texts.pump(self._loop.time())
        return [item[0] for item in items]

    def _texts_acked(self, items: list[Item]) -> None:
        self._journal.append([line({"texts_acked": [item[0] for item in items]})])

    def _reply(self, number: str, to: str) -> None:
        """A handset answers each sender once."""
        behaviour = behaviour_of(number, self.behaviours)
        if behaviour.reply is None or (number, to) in self._replied:
            return
        self._replied.add((number, to))
        self._loop.call_later(behaviour.delay_ms / 1000, self.text_in, [(number, to, behaviour.reply)])

    # -- what falls due ------------------------------------------------------------------------------------------

    def _arm(self) -> None:
        """The beat comes when the first falls due, and not sooner than BEAT_S from now."""
        if not self._due:
            return
        at = max(self._due[0][0], self._loop.time() + BEAT_S)
        if self._beat is not None:
            if self._beat.when() <= at:
                return
            self._beat.cancel()
        self._beat = self._loop.call_at(at, self._fall_due)

    def _fall_due(self) -> None:
        self._beat = None
        now = self._loop.time()
        ready: dict[Line, list[Item]] = {}
        while self._due and self._due[0][0] <= now:
            _, _, owner, item = heapq.heappop(self._due)
            ready.setdefault(owner, []).append(item)
        for owner, items in ready.items():
            self.receipts.add(items, owner)
        self.receipts.pump(now)
        self._arm()

    def _redeliver(self) -> None:
        now = self._loop.time()
        self.receipts.redeliver_overdue(now)
        self.texts.redeliver_overdue(now)
        self._redelivery = self._loop.call_later(REDELIVERY_CHECK_S, self._redeliver)

    # -- what the control asks -----------------------------------------------------------------------------------

    def messages_of(self, number: str) -> list[dict[str, Any]]:
        """What this handset got, oldest first. Read from the log: memory holds only the places."""
        entries = (orjson.loads(self._log.read(n - 1, 1)) for n in self._handsets.get(number, ()))
        return [{"id": each["ref"], "from": each["from"], "text": each["text"], "at": each["at"]} for each in entries]

    def log(self, after: int, limit: int) -> bytes:
        return self._log.read(after, limit)

    def stats(self) -> dict[str, int]:
        return {
            "submits": len(self._log),
            "taken": self._taken,
            "refused": len(self._log) - self._taken,
            "distinct_own_refs": len(self._own_refs),
            "doubles": self._taken - len(self._own_refs),
            "receipts_sent": self.receipts.sent,
            "receipts_acked": self.receipts.acked,
            "receipts_pending": len(self._due) + self.receipts.pending,
            "texts_received": self._texts_in,
            "texts_sent": self.texts.sent,
            "texts_acked": self.texts.acked,
            "texts_pending": self.texts.pending,
        }

    def behave(self, behaviours: list[Behaviour]) -> None:
        """A new behaviour takes the place of the one with the same prefix."""
        new = {each.number_prefix for each in behaviours}
        self.behaviours = [each for each in self.behaviours if each.number_prefix not in new] + behaviours
        self._replied.clear()

    def behave_as_usual(self) -> None:
        self.behaviours.clear()
        self._replied.clear()

    def reset(self) -> None:
        """Forgets all but the log, which is what happened: handsets, faults, behaviours, and what is still due."""
        self.faults.clear()
        self.behave_as_usual()
        self._due.clear()
        self.receipts.forget()
        self.texts.forget()
        self._journal.append([line({"reset": len(self._log)})])
        self._handsets.clear()

    def close(self) -> None:
        self._redelivery.cancel()
        if self._beat is not None:
            self._beat.cancel()
        self._log.close()
        self._journal.close()


def _check_submit(item: Any) -> None:
    match item:
        case [int(), str(), str(), str(), int(), str(own_ref)] if 0 < len(own_ref) <= OWN_REF_CHARACTERS_MAX:
            return
    raise BadFrame("a submit is [seq, from, to, text, validity_s, own_ref]")


def _log_line(n: int, at: float, ref: str, bind: str, item: Item, todo: Plan) -> bytes:
    _, sender, number, text, validity_s, own_ref = item
    return line(
        {
            "n": n,
            "at": at,
            "own_ref": own_ref,
            "ref": ref,
            "from": sender,
            "to": number,
            "text": text,
            "validity_s": validity_s,
            "bind": bind,
            "outcome": todo.refused or "taken",
            "answered": todo.answered,
            "receipt": None if todo.refused else todo.fate,
        }
    )


def _receipt(ref: str, status: str, at: float, own_ref: str) -> Item:
    return [ref, status, at, ERRORS.get(status), own_ref]
