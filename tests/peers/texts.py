"""The texts that go through a peer, and the comparison of what went in with what came out.

Owns the generated set and the counting of lost, doubled and garbled. Each text goes to or from a number of its own, so each is compared for itself.
Plain functions; the same seed makes the same texts. None of them is a wish: what STOP does is shown elsewhere.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

NUMBERS_OUT_FROM = 447_400_000_000  # a mobile range in which the simulator delivers everything at once
NUMBERS_IN_FROM = 447_500_000_000
SHORT, LONG = (3, 9), (28, 70)  # words
LONG_OF_TEN = 1
MANGLED_SHOWN_MAX = 5

ENGLISH = (
    "your parcel arrives today between nine and eleven please keep the door code ready thank you order table seats gate"
)
NORDIC = "Grüße äöüß Ærø Åre smørrebrød señor ¿qué? ¡olé! città però più déjà £5 ¥20 ¤ §4 Øst Ñandú"
GREEK_CAPITALS = "ΔΦΓ ΛΩΠ ΨΣΘ ΞΔ ΩΣ"  # in the GSM alphabet
EXTENSION = "€12.50 {id} [ref] a|b x^2 ~7 C:\\temp {€} [[]] ^_^ ~|~"  # two septets each
SIGNS = "me@example.com @home $3 50% #7 \"so\" 'so' (1) 2*3=6 a/b; c: <d> e_f & g! h? +1"
CYRILLIC = "Ваша посылка прибудет сегодня между девятью и одиннадцатью спасибо"
CHINESE = "您的 包裹 今天 到达 请 保持 电话 畅通 谢谢"
ARABIC = "طردك يصل اليوم بين التاسعة والحادية عشرة شكرا"
HINDI = "आपका पार्सल आज पहुँचेगा धन्यवाद क्षमा"
QUOTES = "“quoted” it’s – — … ‘so’ naïve ê ç"  # near GSM, but outside
EMOJI = "😀 🎉 👍🏽 👩‍👩‍👧‍👦 🇬🇧 ❤️ 🏳️‍🌈 🧑🏿‍🚀 1️⃣ 𝒳"  # above U+FFFF, joined, with selectors and tones

KINDS = (
    ENGLISH,
    ENGLISH,
    f"{ENGLISH} {NORDIC} {GREEK_CAPITALS}",
    f"{ENGLISH} {EXTENSION}",
    f"{ENGLISH} {SIGNS}",
    f"{NORDIC} {EXTENSION} {SIGNS}",
    f"{CYRILLIC} {ENGLISH}",
    f"{CHINESE} {ARABIC} {HINDI}",
    f"{ENGLISH} {QUOTES}",
    f"{EMOJI} {ENGLISH}",
    f"{EMOJI} {CHINESE}",
)


def generated(count: int, seed: int) -> list[str]:
    """No two are the same."""
    dice = random.Random(seed)
    return [f"No {n}: {_words(dice)}" for n in range(1, count + 1)]


def _words(dice: random.Random) -> str:
    length = dice.randint(*(LONG if dice.randrange(10) < LONG_OF_TEN else SHORT))
    words = dice.choices(dice.choice(KINDS).split(), k=length)
    return "".join(word + dice.choice(("  ", "\n", ", ", *[" "] * 12)) for word in words[:-1]) + words[-1]


def from_file(path: Path, count: int) -> list[str]:
    """One text a line, after its last tab if it has any; from the beginning again until there are `count`."""
    lines = [line.rpartition("\t")[2].strip() for line in path.read_text().splitlines()]
    texts = [line for line in lines if line]
    return [texts[n % len(texts)] for n in range(count)]


def numbered(texts: Sequence[str], first: int) -> dict[str, str]:
    """A number of its own for each, in E.164."""
    return {f"+{number}": text for number, text in enumerate(texts, first)}


@dataclass(frozen=True, slots=True)
class Compared:
    texts: int
    lost: int
    doubled: int
    garbled: int
    strange: int  # came, though nobody sent it
    examples: tuple[str, ...]

    @property
    def faults(self) -> int:
        return self.lost + self.doubled + self.garbled + self.strange

    def __str__(self) -> str:
        return f"{self.lost} lost, {self.doubled} doubled, {self.garbled} garbled, {self.strange} that nobody sent"


def compare(sent: Mapping[str, str], came: Iterable[tuple[str, str]], doubled: int = 0) -> Compared:
    """By number. `doubled`: those that `came` does not show."""
    by_number: dict[str, list[str]] = defaultdict(list)
    for number, text in came:
        by_number[number].append(text)
    wrong = {number: texts for number, texts in by_number.items() if number in sent and set(texts) != {sent[number]}}
    return Compared(
        texts=len(sent),
        lost=sum(number not in by_number for number in sent),
        doubled=doubled + sum(len(texts) - 1 for number, texts in by_number.items() if number in sent),
        garbled=len(wrong),
        strange=sum(len(texts) for number, texts in by_number.items() if number not in sent),
        examples=tuple(_examples(sent, by_number, wrong)),
    )


def _examples(
    sent: Mapping[str, str], came: Mapping[str, Sequence[str]], wrong: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    for number, texts in list(wrong.items())[:MANGLED_SHOWN_MAX]:
        yield f"{number}: {sent[number]!r} came as {texts!r}"
    for number in [number for number in sent if number not in came][:MANGLED_SHOWN_MAX]:
        yield f"{number}: {sent[number]!r} never came"
    strange = Counter({number: len(texts) for number, texts in came.items() if number not in sent})
    for number, times in strange.most_common(MANGLED_SHOWN_MAX):
        yield f"{number}: {times} that nobody sent, such as {came[number][0]!r}"
