"""The figures of text alone: how many a second one core encodes, counts and cuts. No service has a part in it."""

from __future__ import annotations

import time
from collections.abc import Callable

from libs.common import gsm, near_gsm
from tests.bench.figures import Run, World

# Each with a number in it, so that no two are the same text.
KINDS = {
    "short, ASCII": "Your parcel {} comes today, 9 to 11. Reply STOP to stop",
    "160 septets, accents": "Votre colis n° {} sera livré aujourd'hui à l'adresse indiquée.".replace("°", "o").ljust(154, "é"),
    "3 parts, GSM": "Terms [see {}] & conditions apply: 10 € off. " * 8,
    "4 parts, Cyrillic": "Ваш заказ {} уже в пути и приедет завтра утром. " * 5,
    "4 parts, Chinese": "您的订单{}已发货预计明天送达请保持电话畅通" * 9,
    "3 parts, emoji": "Order {} 👨‍👩‍👧‍👦👍🏽 is on its way 🎉 " * 4,
}  # fmt: skip
NEAR = "It’s on its way – order {}, don’t wait…"


def _a_second(work: Callable[[str], object], bodies: list[str]) -> float:
    begun = time.perf_counter()
    for body in bodies:
        work(body)
    return len(bodies) / (time.perf_counter() - begun)


def _encoded(body: str) -> list[bytes]:
    """What a carrier's client writes: the parts, each in its octets."""
    alphabet = gsm.alphabet(body)
    parts = gsm.cut(body, alphabet)
    return [gsm.encode(part) if alphabet is gsm.Alphabet.GSM else part.encode("utf-16-be") for part in parts]


async def encode_and_segment(_: World, count: int) -> Run:
    """`count` texts of each kind, counted, then cut and encoded."""
    values: dict[str, float] = {}
    for kind, words in KINDS.items():
        bodies = [words.replace("{}", str(10_000 + number)) for number in range(count)]
        values[f"{kind}: segments a second"] = _a_second(gsm.segments, bodies)
        values[f"{kind}: cut and encoded a second"] = _a_second(_encoded, bodies)
    bodies = [NEAR.replace("{}", str(number)) for number in range(count)]
    values["near-GSM characters replaced, texts a second"] = _a_second(near_gsm.replaced, bodies)
    return Run(count * (2 * len(KINDS) + 1), values)
