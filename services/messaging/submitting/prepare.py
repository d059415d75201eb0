"""From claimed rows to the parts that a carrier gets: the words, cut where it does not take long texts whole, within what may go out now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from libs.common import gsm
from libs.common.clock import now
from libs.common.contracts.messaging import HeadersUsed, HeaderUse
from libs.common.db import Tx
from libs.common.db.pool import Record
from libs.common.phone import sender_key
from services.messaging.carriers.carrier import Part
from services.messaging.connections.desk import Desk
from services.messaging.policies.rules import quiet_until
from services.messaging.routing.rules import NO_WAY_OUT
from services.messaging.submitting import meters, rules, store
from services.messaging.usage import charging
from services.messaging.usage.charging import Charge
from services.messaging.verification.rules import with_code

if TYPE_CHECKING:
    from services.messaging.app import Messaging

BODIES_MAX = 200  # campaigns whose text is remembered; a campaign's text never changes
REFERENCES = 65_535  # of long texts, 16 bit without 0


class OnAir(NamedTuple):
    alphabet: gsm.Alphabet
    parts: Sequence[str]  # as they go out; what is charged is their number, also where a carrier takes long texts whole


@lru_cache(maxsize=256)  # the texts of the campaigns that are under way
def on_air(body: str, header_octets: int) -> OnAir:
    """What `body` takes with a carrier whose parts' header takes so much of each."""
    alphabet = gsm.alphabet(body)
    return OnAir(alphabet, gsm.cut(body, alphabet, header_octets))


class Prepared(NamedTuple):
    """A text and those of its parts that the carrier does not have yet."""

    id: UUID
    company_id: int
    campaign_id: int | None
    sender: str
    attempts: int
    expires_at: datetime | None
    parts: Sequence[Part]
    charged: (
        int  # how many parts are charged for it now: more than there are, where the carrier takes a long text whole
    )
    price: int  # of each, in micros
    taken: int  # parts that carriers took before, or may have


async def prepared(app: Messaging, desk: Desk, tx: Tx, rows: Sequence[Record]) -> list[Prepared]:
    """Tells also, of headers that companies share, who uses them: before anything leaves."""
    await _learn_bodies(app, tx, rows)
    at = now()
    can = desk.carrier.capabilities
    bodies = [_words(app, row) for row in rows]
    on_airs = [on_air(body, can.header_octets) for body in bodies]
    if can.takes_whole:
        texts = [_whole(app, *each, at) for each in zip(rows, bodies, on_airs, strict=True)]
    else:
        texts = await _cut(app, tx, rows, on_airs, at)
    _tell_uses(app, tx, rows, at)
    return texts


async def _learn_bodies(app: Messaging, tx: Tx, rows: Sequence[Record]) -> None:
    unknown = {row["campaign_id"] for row in rows if row["body"] is None} - app.bodies.keys()
    if unknown:
        app.bodies |= await store.bodies(tx, list(unknown))
        while len(app.bodies) > BODIES_MAX:
            del app.bodies[next(iter(app.bodies))]


def _words(app: Messaging, row: Record) -> str:
    body: str = app.bodies[row["campaign_id"]] if row["body"] is None else row["body"]
    if row["code_rule"] is None:
        return body
    return with_code(app.verification_key, row["code_of"], row["code_rule"], row["code_place"] or "", body)


def _whole(app: Messaging, row: Record, body: str, on_air: OnAir, at: datetime) -> Prepared:
    valid_s = rules.validity_s(row["expires_at"], at)
    part = Part(row["id"], row["number"], row["sender"], body, valid_s, alphabet=on_air.alphabet)
    return _prepared(app, row, (part,), len(on_air.parts))


async def _cut(
    app: Messaging, tx: Tx, rows: Sequence[Record], on_airs: Sequence[OnAir], at: datetime
) -> list[Prepared]:
    references, taken = await _references(tx, rows, [on_air.parts for on_air in on_airs])
    texts = []
    for row, (alphabet, its) in zip(rows, on_airs, strict=True):
        reference, valid_s = references.get(row["id"], 0), rules.validity_s(row["expires_at"], at)
        parts = [
            Part(row["id"], row["number"], row["sender"], body, valid_s, place, len(its), reference, alphabet)
            for place, body in enumerate(its, 1)
            if (row["id"], place) not in taken
        ]
        texts.append(_prepared(app, row, parts, len(parts)))
    return texts


def _prepared(app: Messaging, row: Record, parts: Sequence[Part], count: int) -> Prepared:
    price = app.prices.of(row["number"])
    return Prepared(
        row["id"],
        row["company_id"],
        row["campaign_id"],
        row["sender"],
        row["attempts"],
        row["expires_at"],
        parts,
        count,
        price,
        row["taken"],
    )


async def _references(
    tx: Tx, rows: Sequence[Record], pieces: Sequence[Sequence[str]]
) -> tuple[dict[UUID, int], set[tuple[UUID, int]]]:
    """The reference of each long text, kept over its attempts; and (text, part) of what the carrier has from earlier ones."""
    long = [row for row, its in zip(rows, pieces, strict=True) if len(its) > 1]
    again = [row["id"] for row in long if row["attempts"] > 1]
    before = await store.taken_parts(tx, again) if again else []
    references = {row["text_id"]: row["concat"] for row in before}
    new = [row for row in long if row["id"] not in references]
    while new:  # one for each number a round: two long texts to one number get one after the other
        round_ = {row["number"]: row for row in reversed(new)}
        firsts = {number: row["id"].int % REFERENCES + 1 for number, row in round_.items()}
        counted = await store.next_references(tx, firsts)
        references |= {row["id"]: counted[number] for number, row in round_.items()}
        new = [row for row in new if row["id"] not in references]
    return references, {(row["text_id"], row["part"]) for row in before}


def _tell_uses(app: Messaging, tx: Tx, rows: Sequence[Record], at: datetime) -> None:
    if not app.headers:
        return
    uses: dict[int, list[HeaderUse]] = {}
    for row in rows:
        header = app.headers.get((row["company_id"], sender_key(row["sender"])))
        if header is not None and header.shared:
            use = HeaderUse(text_id=row["id"], header=row["sender"], number=row["number"], at=at)
            uses.setdefault(row["company_id"], []).append(use)
    for company_id, items in uses.items():
        tx.emit(HeadersUsed(company_id=company_id, items=items))


async def awake(app: Messaging, tx: Tx, claim_id: UUID, rows: Sequence[Record]) -> list[Record]:
    """Those that their company lets go out at this hour of the recipient; the others wait for the end of its quiet hours."""
    if not app.policies:
        return list(rows)
    at = now()
    until = {row["id"]: quiet_until(app.policy_of(row["company_id"]), row["number"], at) for row in rows}
    waits = [(id_, (end - at).total_seconds()) for id_, end in until.items() if end is not None]
    await store.put_back(tx, claim_id, waits)
    return [row for row in rows if until[row["id"]] is None]


async def within_bounds(
    app: Messaging, desk: Desk, tx: Tx, claim_id: UUID, texts: list[Prepared]
) -> tuple[list[Prepared], Charge | None]:
    """Those that may go out now, by what their companies can pay and by their senders' caps and their carrier's; the others go back to the queue, each
    to its own time. Charges what goes; tests cost nothing."""
    if desk.id == NO_WAY_OUT:
        return await _within_caps(app, desk, tx, claim_id, texts), None
    accounts = await charging.opened(app, tx, texts)
    payable, unpaid = charging.affordable(app, accounts, texts) if accounts else (texts, [])
    await store.put_back(tx, claim_id, [(text.id, 0.0) for text in unpaid])
    go = await _within_caps(app, desk, tx, claim_id, payable)
    return go, await charging.charge(app, tx, accounts, go, {text.company_id for text in unpaid})


async def _within_caps(app: Messaging, desk: Desk, tx: Tx, claim_id: UUID, texts: list[Prepared]) -> list[Prepared]:
    if app.sender_caps:
        senders = {meters.of_sender(key): rate for key, rate in app.sender_caps.items()}
        texts = await _within(tx, claim_id, texts, senders, lambda text: meters.of_sender(sender_key(text.sender)))
    if desk.parts_per_s is not None:
        meter = meters.of_carrier(desk.id)
        texts = await _within(tx, claim_id, texts, {meter: desk.parts_per_s}, lambda _: meter)
    return texts


async def _within(
    tx: Tx, claim_id: UUID, texts: list[Prepared], caps: Mapping[str, float], meter_of: Callable[[Prepared], str]
) -> list[Prepared]:
    """`caps`: by meter; a text whose meter is not among them goes."""
    used = sorted({meter for text in texts if (meter := meter_of(text)) in caps})
    levels = {meter: await meters.level(tx, meter, caps[meter]) for meter in used}
    spent: Counter[str] = Counter()
    charged: Counter[str] = Counter()
    go: list[Prepared] = []
    waits: list[tuple[UUID, float]] = []
    for text in texts:
        meter = meter_of(text)
        if meter not in levels:
            go.append(text)
            continue
        over = spent[meter] - levels[meter]
        spent[meter] += text.charged
        if over < 0:  # the first part of it may go: what is more is a debt
            go.append(text)
            charged[meter] += text.charged
        else:
            waits.append((text.id, over / caps[meter]))
    for meter in used:
        await meters.charge(tx, meter, charged[meter])
    await store.put_back(tx, claim_id, waits)
    return go
