"""The network: takes texts, brings them to handsets, makes receipts, and takes texts from handsets.

Owns the log, the handsets, the faults, and what is due to whom. Speaks no wire: the sessions of each wire and the
control ask it. A text is in the log before `submit` returns, so before anything can be answered.
See protocol.md.
"""

import asyncio
import heapq
import itertools
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from services.simulator.deliveries import Deliveries, Line
from services.simulator.faults import LAST_RECEIVED, Faults, Kind, plan
from services.simulator.handsets import Entry, sameness, sealed_at, shown
from services.simulator.log import LineFile, line
from services.simulator.rules import (
    AS_USUAL,
    FAULTLESS,
    REACHES_HANDSET,
    Behaviour,
    Fate,
    Plan,
    Submit,
    Wanted,
    behaviour_of,
    network_of,
    refusal,
    usual_behaviour_of,
)

BEAT_S = 0.005  # receipts that fall due this close together go out together
REDELIVERY_CHECK_S = 1.0
EMBEDDED = "embedded"

Answer = list[Any]  # [seq, "taken", reference] or [seq, "refused", code, retry_after_s]


class Receipt(NamedTuple):
    n: int  # the text's place in the log
    ref: str
    status: str
    at: float
    error: str | None
    own_ref: str
    sender: str
    number: str
    text: str
    submitted_at: float


class Text(NamedTuple):
    """Of a handset."""

    id: str
    sender: str
    to: str
    text: str
    at: float
    account: str | None = None  # whose it is; None: of whichever line is next


@dataclass(slots=True)
class Submitted:
    """What a session does about the texts it handed over."""

    answers: list[Answer] = field(default_factory=list)
    delayed: list[tuple[float, Answer]] = field(default_factory=list)  # (delay in seconds, answer)
    odd: list[tuple[Kind, float, Answer]] = field(default_factory=list)  # (fault, its delay in seconds, true answer)
    hang_up: bool = False


class Network:
    def __init__(self, log_path: Path) -> None:
        self.faults = Faults()
        self.behaviours: list[Behaviour] = []
        self.boot = secrets.randbits(31)  # references stay unique when a log is thrown away
        self._loop = asyncio.get_running_loop()
        self._log = LineFile(log_path)
        self._journal = LineFile(log_path.with_name(log_path.name + ".journal"))
        self._handsets: dict[str, list[int]] = {}  # number -> the places in the log of what it got
        self._distinct: set[int] = set()  # since the last reset: what is the same is asked of one run's texts
        self._distinct_before = 0
        self._taken = 0
        self._texts_in = 0
        self._replied: set[tuple[str, str]] = set()
        self._due: list[tuple[float, int, Line | None, str, Receipt]] = []
        self._due_count = itertools.count()
        self._beat: asyncio.TimerHandle | None = None
        self.batch_numbers = itertools.count(1)
        self.receipts: Deliveries[Receipt] = Deliveries("receipts", self.batch_numbers, self._receipts_acked)
        self.texts: Deliveries[Text] = Deliveries("texts", self.batch_numbers, self._texts_acked)
        self._remember()
        self._redelivery = self._loop.call_later(REDELIVERY_CHECK_S, self._redeliver)

    def _remember(self) -> None:
        """Reads both files: handsets, counters, and the receipts and texts that nobody acknowledged."""
        acked: set[int] = set()
        texts_due: dict[str, Text] = {}
        resets: set[int] = set()
        for each in self._journal.load():
            acked.update(each.get("receipts_acked", ()))
            for item in each.get("texts", ()):
                self._texts_in += 1
                texts_due[item[0]] = Text(*item)
            for text_id in each.get("texts_acked", ()):
                texts_due.pop(text_id, None)
            if "reset" in each:
                resets.add(each["reset"])
                texts_due.clear()
        forgotten = max(resets, default=0)
        wall_to_loop = self._loop.time() - time.time()
        for each in self._log.load():
            if each["n"] - 1 in resets:
                self._count_anew()
            if each["outcome"] != "taken":
                continue
            self._count(_sameness_of(each))
            n, fate = each["n"], each["receipt"]
            if n > forgotten and fate in REACHES_HANDSET:
                self._handsets.setdefault(each["to"], []).append(n)
            if n > forgotten and n not in acked and _wants(each.get("wanted", Wanted.ALL), fate):
                receipt = _receipt_of(each, fate, sealed_at(each))
                self._owe(receipt.at + wall_to_loop, None, each.get("account", EMBEDDED), receipt)
        for text in texts_due.values():
            self.texts.add([text], text.account)
        self._arm()

    # -- texts out -----------------------------------------------------------------------------------------------

    def submit(
        self, session: Line, bind: str, items: Sequence[Submit], refer: Callable[[int], str], answering: bool = True
    ) -> Submitted:
        """Takes texts. `refer` makes the reference of a text from its place in the log.

        After one that is the last received (the session hangs up, or is as if dead) the rest never was received.
        """
        at, first, account = time.time(), len(self._log) + 1, session.account
        strange = bool(self.faults) or bool(self.behaviours)
        received: list[tuple[Submit, str, Plan, bool]] = []
        lines: list[bytes] = []
        for n, item in enumerate(items, first):
            behaviour = behaviour_of(item.number, self.behaviours) if strange else usual_behaviour_of(item.number)
            todo = self._plan(item, account, behaviour, strange)
            ref = refer(n)
            answered = answering and todo.answered
            received.append((item, ref, todo, answered))
            lines.append(_log_line(n, at, ref, bind, account, item, behaviour, todo, answered))
            if todo.oddity is not None or todo.hang_up:
                answering = answering and todo.oddity != Kind.DISCONNECT_FULL_WINDOW
                if todo.hang_up or todo.oddity in LAST_RECEIVED:
                    break
        self._log.append(lines)  # before anything else knows of them

        return self._act(session, received, first, at)

    def _plan(self, item: Submit, account: str, behaviour: Behaviour, strange: bool) -> Plan:
        refused = item.refused or refusal(item.sender, item.number, item.text, item.octets)
        if refused is not None:
            return Plan(refused=refused)
        if not strange and behaviour is AS_USUAL:
            return FAULTLESS
        return plan(item.number, behaviour, self.faults, item.validity_s, account)

    def _act(self, session: Line, received: list[tuple[Submit, str, Plan, bool]], first: int, at: float) -> Submitted:
        """Brings taken texts to their handsets, and says what is to be answered."""
        done = Submitted()
        now, account = self._loop.time(), session.account
        for n, (item, ref, todo, answered) in enumerate(received, first):
            if todo.refused is not None:
                if answered:
                    done.answers.append([item.seq, "refused", todo.refused, todo.retry_after_s])
                continue
            sender, number, text, own_ref, wanted = item.sender, item.number, item.text, item.own_ref, item.wanted
            self._count(sameness(account, own_ref, sender, number, item.concat, item.part, text))
            if todo.fate in REACHES_HANDSET:
                self._handsets.setdefault(number, []).append(n)
                if self.behaviours:
                    self._reply(number, sender, account)
            if wanted is Wanted.ALL or _wants(wanted, todo.fate):
                for delay_s, status in todo.receipts:
                    error = todo.error if status == Fate.FAILED else None
                    receipt = Receipt(n, ref, status, at + delay_s, error, own_ref, sender, number, text, at)
                    self._owe(now + delay_s, session, account, receipt)
            answer = [item.seq, "taken", ref]
            if todo.oddity is not None:
                done.odd.append((Kind(todo.oddity), todo.answer_delay_s, answer))
            elif answered and todo.answer_delay_s:
                done.delayed.append((todo.answer_delay_s, answer))
            elif answered:
                done.answers.append(answer)
            done.hang_up = todo.hang_up
        self._arm()
        return done

    def _count(self, sameness: int) -> None:
        self._taken += 1
        self._distinct.add(sameness)

    def _count_anew(self) -> None:
        self._distinct_before += len(self._distinct)
        self._distinct.clear()

    def _owe(self, due: float, session: Line | None, account: str, receipt: Receipt) -> None:
        heapq.heappush(self._due, (due, next(self._due_count), session, account, receipt))

    def _receipts_acked(self, items: list[Receipt]) -> None:
        final = [item.n for item in items if item.status != "accepted"]  # more will follow that one
        self._journal.append([line({"receipts_acked": final})])

    def entry(self, n: int) -> Entry | None:
        """Line n of the log."""
        found = self._log.read(n - 1, 1) if n > 0 else b""
        return orjson.loads(found) if found else None

    # -- texts in ------------------------------------------------------------------------------------------------

    def text_in(self, texts: Sequence[tuple[str, str, str]], account: str | None = None) -> list[str]:
        """Takes (from, to, text) of handsets and answers their ids. They survive a kill from now on.

        They go to a line of `account`, or to whichever is next.
        """
        at = time.time()
        items: list[Text] = []
        for sender, to, text in texts:
            self._texts_in += 1
            items.append(Text(f"{self.boot:08x}-t{self._texts_in}", sender, to, text, at, account))
        self._journal.append([line({"texts": [list(item) for item in items]})])
        again: list[Text] = []
        for item in items if self.faults else ():
            if self.faults.fires(Kind.DUPLICATE_TEXT, item.sender, account):
                again.append(item)
            if self.faults.fires(Kind.DUPLICATE_TEXT_NEW_ID, item.sender, account):
                again.append(item._replace(id=f"{item.id}-again"))
        self.texts.add(items + again, account)
        self.texts.pump(self._loop.time())
        return [item.id for item in items]

    def _texts_acked(self, items: list[Text]) -> None:
        self._journal.append([line({"texts_acked": [item.id for item in items]})])

    def _reply(self, number: str, to: str, account: str) -> None:
        """A handset answers each sender once, over the account that the text came from."""
        behaviour = behaviour_of(number, self.behaviours)
        if behaviour.reply is None or (number, to) in self._replied:
            return
        self._replied.add((number, to))
        self._loop.call_later(behaviour.delay_ms / 1000, self.text_in, [(number, to, behaviour.reply)], account)

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
        ready: dict[tuple[Line | None, str], list[Receipt]] = {}
        while self._due and self._due[0][0] <= now:
            _, _, session, account, receipt = heapq.heappop(self._due)
            ready.setdefault((session, account), []).append(receipt)
        for (session, account), receipts in ready.items():
            self.receipts.add(receipts, account, session)
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
        return shown(entries, time.time())

    def log(self, after: int, limit: int) -> bytes:
        return self._log.read(after, limit)

    def stats(self) -> dict[str, int]:
        distinct = self._distinct_before + len(self._distinct)
        return {
            "submits": len(self._log),
            "taken": self._taken,
            "refused": len(self._log) - self._taken,
            "distinct_own_refs": distinct,
            "doubles": self._taken - distinct,
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
        self._count_anew()

    def close(self) -> None:
        self._redelivery.cancel()
        if self._beat is not None:
            self._beat.cancel()
        self._log.close()
        self._journal.close()


def _wants(wanted: str, fate: str) -> bool:
    """Whether a receipt of that fate is to come at all."""
    if fate == Fate.NEVER or wanted == Wanted.NONE:
        return False
    return wanted == Wanted.ALL or fate != Fate.DELIVERED


def _log_line(
    n: int, at: float, ref: str, bind: str, account: str, item: Submit, behaviour: Behaviour, todo: Plan, answered: bool
) -> bytes:
    """What is as usual is not written: nearly all texts come whole, are delivered at once, and want every receipt."""
    entry: Entry = {
        "n": n,
        "at": at,
        "own_ref": item.own_ref,
        "ref": ref,
        "from": item.sender,
        "to": item.number,
        "text": item.text,
        "validity_s": item.validity_s,
        "bind": bind,
        "account": account,
        "network": network_of(item.number, behaviour),
        "outcome": todo.refused or "taken",
        "answered": answered,
        "receipt": None if todo.refused else todo.fate,
    }
    if todo.fate_s:
        entry["fate_at"] = at + todo.fate_s
    if todo.error is not None:
        entry["error"] = todo.error
    if item.wanted is not Wanted.ALL:
        entry["wanted"] = item.wanted
    if item.parts > 1:
        entry |= {"concat": item.concat, "part": item.part, "parts": item.parts}
    if item.coding:
        entry["coding"] = item.coding
    if item.octets:
        entry["octets"] = item.octets.hex()
    return line(entry)


def _sameness_of(entry: Entry) -> int:
    """As `Network._act` counts it."""
    account, own_ref, sender, number = entry.get("account", EMBEDDED), entry["own_ref"], entry["from"], entry["to"]
    return sameness(account, own_ref, sender, number, entry.get("concat", 0), entry.get("part", 1), entry["text"])


def _receipt_of(entry: Entry, status: str, at: float) -> Receipt:
    """Made again after a restart."""
    own_ref, sender, number, text = entry["own_ref"], entry["from"], entry["to"], entry["text"]
    return Receipt(entry["n"], entry["ref"], status, at, entry.get("error"), own_ref, sender, number, text, entry["at"])
