"""A plan: what a seed fixes. Which process dies at which point and hit, what the network does wrong, when broker and database go, and the texts.

Pure functions of the seed. Everything is triggered by hits and by progress (submits that the network has seen), never by time.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

# Of each service: the points that its work passes, each with the hits among which one is drawn. Seeds take them in turn, so that a few seeds
# that follow each other cover all of them. Messaging is given three a seed to each copy, the others one; a relay's comes first in its life.
POINTS: dict[str, list[tuple[str, int, int]]] = {
    "messaging": [
        ("relay.read", 5, 15),
        ("claim.committed", 3, 12),
        ("answer.committed", 20, 60),
        ("submit.written", 3, 12),
        ("arrivals.committed", 1, 2),
        ("consume.handled", 3, 10),
        ("relay.confirmed", 5, 15),
        ("submit.answered", 3, 12),
        ("answer.handled", 20, 60),
        ("settle.committed", 3, 12),
        ("stop.applied", 1, 3),
        ("consume.committed", 3, 10),
        ("relay.marked", 5, 15),
        ("receipts.read", 5, 20),
        ("answer.replied", 20, 60),
        ("receipts.committed", 5, 20),
        ("arrivals.read", 1, 2),
        ("consume.acked", 3, 10),
    ],
    "campaign": [
        ("hand_over.committed", 1, 1),
        ("consume.committed", 5, 15),
        ("freeze.committed", 1, 1),
        ("relay.confirmed", 1, 1),
        ("consume.handled", 5, 15),
        ("relay.read", 1, 1),
    ],
    "inbound": [
        ("consume.handled", 1, 2),
        ("relay.confirmed", 1, 2),
        ("relay.marked", 1, 2),
        ("consume.committed", 1, 2),
        ("relay.read", 1, 2),
        ("consume.acked", 1, 2),
    ],
    "gateway": [("ask.published", 30, 80), ("ask.answered", 30, 80)],
    "auth": [("answer.replied", 3, 8), ("answer.committed", 1, 3), ("answer.handled", 1, 3)],
    "phonelist": [("answer.replied", 1, 1)],
}
EACH = {"messaging": 3}
COPIES = 2

GSM = "@£$¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?ABCXYZÄÖÑÜ§¿abcxyzäöñüà^{}\\[~]|€"
WIDE = "ŁódźЖ中文字שלום😀👩‍👧"


@dataclass(frozen=True, slots=True)
class Plan:
    seed: int
    deaths: dict[
        tuple[str, int], list[str]
    ]  # (service, copy): what HELIOGRAPH_CRASH_AT says in its lives, one after the other
    network: list[dict[str, object]]  # orders for the simulator's /faults
    broker_at: int  # submits
    postgres_at: int


def plan(seed: int, submits: int) -> Plan:
    """`submits`: how many the load will bring at least."""
    rng = random.Random(f"plan {seed}")
    first, second = rng.randint(submits * 2 // 10, submits * 3 // 10), rng.randint(submits * 5 // 10, submits * 6 // 10)
    broker_at, postgres_at = (first, second) if seed % 2 else (second, first)
    return Plan(seed, _deaths(seed, rng), _network(rng, submits), broker_at, postgres_at)


def _deaths(seed: int, rng: random.Random) -> dict[tuple[str, int], list[str]]:
    deaths: dict[tuple[str, int], list[str]] = {}
    for service, points in POINTS.items():
        each = EACH.get(service, 1)
        copies = COPIES if len(points) >= each * COPIES else 1
        lives = []
        for n in range(copies):
            start = ((seed - 1) * copies + n) * each
            lives.append([points[(start + k) % len(points)] for k in range(each)])
        # The second copies lead the relays when the load begins.
        lives.sort(key=lambda drawn: not drawn[0][0].startswith("relay."))
        for copy, drawn in zip(range(COPIES, 0, -1), lives, strict=False):
            deaths[service, copy] = [f"{name}:{rng.randint(low, high)}" for name, low, high in drawn]
    return deaths


def _network(rng: random.Random, submits: int) -> list[dict[str, object]]:
    def after(share: float) -> int:
        return rng.randint(1, int(submits * share))

    return [
        {"kind": "no_answer", "count": 3, "after_hits": after(0.5)},
        {"kind": "late_answer", "count": 10, "after_hits": after(0.5), "delay_ms": 1500},
        {"kind": "disconnect", "count": 1, "after_hits": after(0.3)},
        {"kind": "disconnect", "count": 1, "after_hits": after(0.6)},
        {"kind": "receipt_before_answer", "count": 20, "after_hits": after(0.5), "delay_ms": 300},
        {"kind": "receipt_twice", "count": 30, "after_hits": after(0.5)},
        {"kind": "receipt_out_of_order", "count": 30, "after_hits": after(0.5)},
        {"kind": "throttle", "count": 20, "after_hits": after(0.5), "retry_after_s": 1.0},
        {"kind": "duplicate_text", "count": 5, "after_hits": rng.randint(1, 10)},
    ]


@dataclass(frozen=True, slots=True)
class Company:
    name: str
    header: str
    username: str


COMPANIES = (Company("Fault A", "82830", "fault-a"), Company("Fault B", "82831", "fault-b"))
CLIENTS = 8
INBOUND_EACH = 24  # inbound texts a bulk, of which
STOPS_EACH = 8


@dataclass(frozen=True, slots=True)
class Round:
    """One stretch of load: a campaign of the first company to the whole list, single texts of each client, and two bulks of texts in."""

    singles: list[list[tuple[str, str]]]  # by client: number and body
    campaign_body: str
    bulks: list[list[tuple[str, str, str]]] = field(default_factory=list)  # from, to, text


def numbers(recipients: int) -> list[str]:
    return [f"+447700{900000 + n}" for n in range(recipients)]


def round_of(seed: int, n: int, texts: int, recipients: int) -> Round:
    """Round `n`, from 0. A number texts STOP at most once in a run, to the campaigns' company."""
    rng = random.Random(f"load {seed} {n}")
    listed = numbers(recipients)
    singles = [
        [(rng.choice(listed), _body(rng, f"{seed}.{n}.{client}.{k}")) for k in range(texts // CLIENTS)]
        for client in range(CLIENTS)
    ]
    stoppers = random.Random(f"stops {seed}").sample(listed, len(listed))
    bulks = []
    for bulk in range(2):
        first = (2 * n + bulk) * STOPS_EACH
        texts_in = [(number, COMPANIES[0].header, "STOP") for number in stoppers[first : first + STOPS_EACH]]
        for k in range(INBOUND_EACH - len(texts_in)):
            texts_in.append((rng.choice(listed), rng.choice(COMPANIES).header, _body(rng, f"in {seed}.{n}.{bulk}.{k}")))
        rng.shuffle(texts_in)
        bulks.append(texts_in)
    return Round(singles, _body(rng, f"campaign {seed}.{n}"), bulks)


def _body(rng: random.Random, tag: str) -> str:
    alphabet = GSM if rng.random() < 0.7 else GSM + WIDE
    return f"{tag} " + "".join(rng.choice(alphabet) for _ in range(rng.randint(5, 150))).strip()
