"""Verification: a text with a code in it, in a lane of its own. Neither is stored in a form anyone could read.

Two ways: SendVerification of the documented surface answers with the code and is done; a started verification tells it to nobody, and is checked here.
Both go out to opted-out numbers too: the person asked for it just now. Late codes are dropped, not delivered late. See docs/verification.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from libs.common import phone
from libs.common.bus import Asked
from libs.common.clock import now
from libs.common.contracts.base import Code, Done, Refusal
from libs.common.contracts.messaging import SendVerification, State
from libs.common.contracts.messaging import Verification as SentCode
from libs.common.contracts.verification import (
    SENDS_MAX,
    CancelVerification,
    Checked,
    CheckVerification,
    PrefixTraffic,
    ReadVerification,
    RefuseUnusedPrefixes,
    SetVerificationLimit,
    StartVerification,
    VerificationInfo,
    VerificationState,
    VerificationTraffic,
    WatchVerifications,
)
from libs.common.db import Tx
from libs.common.gsm import segments
from libs.common.phone import sender_key
from services.messaging.ledger.closing import close
from services.messaging.sending.queueing import queue
from services.messaging.sending.rules import Lane, checked
from services.messaging.sending.store import Draft, known_senders
from services.messaging.verification import limits, rules, store
from services.messaging.verification.limits import Key, Window
from services.messaging.verification.rules import Verification
from services.messaging.verification.store import PendingKey, Settings

CODE_LIFE = timedelta(minutes=10)
NO_VERIFICATION = "the company has no such verification"
TESTS_ONLY = "a test key can change only tests"

Senders = dict[tuple[int, str], str]


async def send_verifications(tx: Tx, asked: Sequence[Asked[SendVerification]]) -> list[SentCode | Refusal]:
    """Queues each under its ask's id. A repeat gives the same code and queues nothing: the code is derived from the id."""
    senders = await known_senders(tx, {(a.caller.company_id, sender_key(a.body.sender)) for a in asked})
    there = await store.there_already(tx, [a.id for a in asked])
    answers: list[SentCode | Refusal] = []
    drafts: list[Draft] = []
    for ask in asked:
        try:
            draft = _draft(tx.app.verification_key, ask, senders, ask.id, ask.body.rule, now() + CODE_LIFE)
        except Refusal as refusal:
            answers.append(refusal)
            continue
        code = rules.code(tx.app.verification_key, ask.id, rules.parsed(ask.body.rule))
        answers.append(SentCode(id=ask.id, code=code))
        if ask.id not in there:
            drafts.append(draft)
    await queue(tx, Lane.URGENT, drafts)
    tx.wake("urgent")
    return answers


def _draft(
    key: bytes,
    ask: Asked[SendVerification] | Asked[StartVerification],
    senders: Senders,
    code_of: UUID,
    rule: str,
    expires_at: datetime,
) -> Draft:
    """The text, under its ask's id, with the code of `code_of`."""
    body = ask.body
    place = body.placeholder or rules.PLACE
    if body.placeholder and body.placeholder not in body.body:
        raise Refusal(Code.INVALID_REQUEST, "the text does not hold the place of the code that was named")
    written = rules.with_code(key, code_of, rule, place, body.body)
    number = checked(body.to, written)
    sender = senders.get((ask.caller.company_id, sender_key(body.sender)))
    if sender is None:
        raise Refusal(Code.INVALID_SENDER, "this is no active header of the company")
    return Draft(
        ask.id,
        ask.caller.company_id,
        number,
        sender,
        body.body,
        ask.caller.test,
        expires_at=expires_at,
        code_rule=rule,
        code_place=place,
        code_of=code_of,
        parts=segments(written),
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """One send that may be asked for: to whom, and what it counts in."""

    ask: Asked[StartVerification]
    number: str
    windows: list[Key]

    @property
    def pending_key(self) -> PendingKey:
        caller = self.ask.caller
        return caller.company_id, self.number, self.ask.body.purpose, caller.test


@dataclass(slots=True)
class Fold:
    """What is known while the fold's companies are locked, and what becomes of it."""

    at: datetime
    senders: Senders
    settings: Settings
    pending: dict[PendingKey, Verification]
    full_at: dict[Key, datetime]
    over: list[Verification] = field(default_factory=list)
    begun: list[Verification] = field(default_factory=list)
    again: list[tuple[UUID, UUID]] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)


async def start_verifications(tx: Tx, asked: Sequence[Asked[StartVerification]]) -> list[VerificationInfo | Refusal]:
    """Queues a text for each under its ask's id, which becomes that of the verification where one is begun by it."""
    companies = {ask.caller.company_id for ask in asked}
    settings = await store.settings_of(tx, companies)
    wanted = [_wanted(ask, settings) for ask in asked]
    allowed = [want for want in wanted if isinstance(want, Wanted)]
    at = await store.lock_companies(tx, companies)
    fold = Fold(
        at,
        await known_senders(tx, {(want.ask.caller.company_id, sender_key(want.ask.body.sender)) for want in allowed}),
        settings,
        await store.lock_pending(tx, {want.pending_key for want in allowed}),
        await store.full_at(tx, {key for want in allowed for key in want.windows}),
    )
    answers = [want if isinstance(want, Refusal) else _start(tx.app.verification_key, want, fold) for want in wanted]
    await store.keep(tx, fold.over)
    await store.begin(tx, fold.begun)
    await store.send_again(tx, fold.again)
    await store.count(tx, fold.full_at)
    await queue(tx, Lane.URGENT, fold.drafts)
    tx.wake("urgent")
    return answers


def _wanted(ask: Asked[StartVerification], settings: Settings) -> Wanted | Refusal:
    """What can be refused before anything is looked at or counted."""
    try:
        number = phone.required(ask.body.to)
        network = limits.network(ask.body.client_address) if ask.body.client_address else ""
    except Refusal as refusal:
        return refusal
    if limits.country(number) not in settings.countries.get(ask.caller.company_id, rules.COUNTRIES):
        return Refusal(Code.COUNTRY_NOT_ALLOWED, "the company sends no codes to numbers of this country")
    return Wanted(ask, number, limits.keys(ask.caller.company_id, ask.caller.test, number, network))


def _start(key: bytes, want: Wanted, fold: Fold) -> VerificationInfo | Refusal:
    """Begins a verification or sends the pending one's code again."""
    ask, pending = want.ask, fold.pending.get(want.pending_key)
    if pending is not None and pending.expires_at <= fold.at:
        pending.age(fold.at)
        fold.over.append(fold.pending.pop(want.pending_key))
        pending = None
    try:
        if (ask.caller.company_id, limits.prefix(want.number)) in fold.settings.refused and not ask.caller.test:
            detail = "codes to numbers that begin like this one are sent but not used"
            raise Refusal(Code.LIMIT_REACHED, detail, int(limits.WATCHED.total_seconds()))
        if pending is not None and len(pending.texts) >= SENDS_MAX:
            left_s = math.ceil((pending.expires_at - fold.at).total_seconds())
            raise Refusal(Code.LIMIT_REACHED, f"this code was sent {SENDS_MAX} times; it can still be used", left_s)
        verification = pending or _begun(want, fold.at)
        draft = _draft(key, ask, fold.senders, verification.id, verification.rule, verification.expires_at)
        limits.take(fold.full_at, want.windows, fold.settings.windows, fold.at)
    except Refusal as refusal:
        return refusal
    fold.drafts.append(draft)
    if pending is None:
        fold.pending[want.pending_key] = verification
        fold.begun.append(verification)
    else:
        verification.texts.append(ask.id)
        fold.again.append((verification.id, ask.id))
    return _info(verification)


def _begun(want: Wanted, at: datetime) -> Verification:
    ask, body = want.ask, want.ask.body
    return Verification(
        id=ask.id,
        company_id=ask.caller.company_id,
        test=ask.caller.test,
        number=want.number,
        purpose=body.purpose,
        rule=body.rule,
        state=VerificationState.PENDING,
        attempts_max=body.attempts,
        checks=0,
        texts=[ask.id],
        begun_at=at,
        expires_at=at + timedelta(minutes=body.life_minutes),
        ended_at=None,
    )


def _info(verification: Verification) -> VerificationInfo:
    return VerificationInfo(
        id=verification.id,
        to=verification.number,
        purpose=verification.purpose,
        state=verification.state,
        attempts_left=verification.attempts_left,
        texts=list(verification.texts),
        created_at=verification.begun_at,
        expires_at=verification.expires_at,
        ended_at=verification.ended_at,
        test=verification.test,
    )


async def check_verifications(tx: Tx, asked: Sequence[Asked[CheckVerification]]) -> list[Checked | Refusal]:
    """One after the other, each verification locked: what comes at once, here or at another copy, is counted one by one."""
    found = await store.lock(tx, {(ask.caller.company_id, ask.body.id) for ask in asked})
    at = await store.clock(tx)
    answers: list[Checked | Refusal] = []
    for ask in asked:
        verification = found.get((ask.caller.company_id, ask.body.id))
        if verification is None:
            answers.append(Refusal(Code.NOT_FOUND, NO_VERIFICATION))
        elif ask.caller.test and not verification.test:
            answers.append(Refusal(Code.PERMISSION_DENIED, TESTS_ONLY))
        else:
            result = rules.check(verification, tx.app.verification_key, ask.body.code, at)
            answers.append(Checked(id=verification.id, result=result, attempts_left=verification.attempts_left))
    await store.keep(tx, found.values())
    await _drop_late(tx, found.values())
    return answers


async def cancel(tx: Tx, ask: Asked[CancelVerification]) -> Done:
    found = await store.lock(tx, {(ask.caller.company_id, ask.body.id)})
    if not found:
        raise Refusal(Code.NOT_FOUND, NO_VERIFICATION)
    [verification] = found.values()
    if ask.caller.test and not verification.test:
        raise Refusal(Code.PERMISSION_DENIED, TESTS_ONLY)
    at = await store.clock(tx)
    verification.age(at)
    if verification.state is not VerificationState.PENDING:
        raise Refusal(Code.WRONG_STATE, f"the verification is {verification.state}")
    verification.end(VerificationState.CANCELLED, at)
    await store.keep(tx, [verification])
    await _drop_late(tx, [verification])
    return Done()


async def _drop_late(tx: Tx, verifications: Iterable[Verification]) -> None:
    """A code that is good no more is not sent any more."""
    texts = [id_ for v in verifications if v.state is not VerificationState.PENDING for id_ in v.texts]
    await close(tx, texts, State.CANCELLED, "its code is good no more")


async def read(tx: Tx, ask: Asked[ReadVerification]) -> VerificationInfo:
    verification = await store.one(tx, ask.caller.company_id, ask.body.id)
    if verification is None:
        raise Refusal(Code.NOT_FOUND, NO_VERIFICATION)
    verification.age(await store.clock(tx))
    return _info(verification)


async def watch(tx: Tx, ask: Asked[WatchVerifications]) -> VerificationTraffic:
    rows = await store.traffic(tx, alarmed=ask.body.alarmed, limit=ask.body.limit)
    return VerificationTraffic(items=[PrefixTraffic(**row) for row in rows])


async def set_limit(tx: Tx, ask: Asked[SetVerificationLimit]) -> Done:
    await store.set_limit(tx, ask.body.company_id, ask.body.scope, Window(ask.body.sends, ask.body.window_s))
    return Done()


async def refuse_unused_prefixes(tx: Tx, ask: Asked[RefuseUnusedPrefixes]) -> Done:
    await store.refuse_unused(tx, ask.body.company_id, ask.body.refuse)
    return Done()
