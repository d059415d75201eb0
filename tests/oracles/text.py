"""Our alphabets and segments beside two independent implementations, on real texts and on generated ones: python -m tests.oracles.text FILE

FILE: one text a line, as in the SMS Spam Collection (label, tab, text). Prints what was compared and each kind of disagreement, with who is right by which
clause; exits 1 where one is not explained. Asked: gsmcodecs (octets both ways) and smsutil (alphabet, octets both ways, parts).
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import gsmcodecs  # type: ignore[import-untyped]
import regex  # type: ignore[import-untyped]
import smsutil  # type: ignore[import-untyped]

from libs.common import gsm
from libs.common.gsm import Alphabet

GENERATED = 50_000
SEED = 20260101
LINES_JOINED = 6  # lines of a corpus are short: so many together are several parts
BITS = (
    *("hello ", "Your order ", "€", "[]", "{~}", "\r\n", "\n", "é", "ñ", "ç", "Ω", "’", "–", "\u00a0", "Ж", "Здравствуйте ", "مرحبا "),
    *("नमस्ते ", "ภาษาไทย", "你好", "😀", "👨‍👩‍👧‍👦", "🇬🇧", "👍🏽", "e\u0301", "\x1b", "\f", "x" * 40, "Ж" * 30),
)  # fmt: skip

ESCAPE = "smsutil takes U+001B for a character of the alphabet; TS 23.038, 6.2.1: code 0x1B is the escape, and no character has it"
EMPTY = "smsutil takes an empty text for Unicode; TS 23.038, 6.2.1: nothing in it is outside the alphabet"
WHOLE = "smsutil cuts between the code points of one visible character (Unicode, UAX #29, 3.1.1; CR LF is GB3): ours keeps it whole"
UNASSIGNED = "smsutil reads an escape before a code without a character as a space and that code; TS 23.038, 6.2.1.1: the character of the main table alone"
BROKEN = "gsmcodecs refuses what a handset has to show: TS 23.038, 6.2.1, note 1, and 6.2.1.1: a space, or the character of the main table"
MORE = f"{WHOLE}, in one part more"
UNEXPLAINED = "NOT EXPLAINED"


def alphabets(text: str) -> Iterator[str]:
    """Which of the two alphabets."""
    ours = gsm.alphabet(text) is Alphabet.GSM
    if ours != bool(_gsmcodecs(text) is not None):
        yield UNEXPLAINED
    if ours != smsutil.is_valid_gsm(text):
        yield EMPTY if not text else ESCAPE if "\x1b" in text else UNEXPLAINED


def octets(text: str) -> Iterator[str]:
    """The septets of a text that is in the alphabet, there and back."""
    if gsm.alphabet(text) is not Alphabet.GSM:
        return
    ours = gsm.encode(text)
    if ours != _gsmcodecs(text) or gsm.decode(ours) != ours.decode("gsm23.038"):
        yield UNEXPLAINED
    if text and (ours != smsutil.encode(text) or gsm.decode(ours) != smsutil.decode(ours)):
        yield UNEXPLAINED


def parts(text: str) -> Iterator[str]:
    """Where it is cut, and so how many it takes."""
    ours = gsm.cut(text, gsm.alphabet(text))
    if gsm.segments(text) != len(ours):
        yield UNEXPLAINED
    escape_alone = "\x1b" in text and smsutil.is_valid_gsm(text)
    theirs = [part.content for part in smsutil.split(text).parts] if not escape_alone else ours
    if ours != theirs:
        whole = MORE if len(ours) > len(theirs) else WHOLE
        yield whole if _cuts_a_character(text, theirs) and len(ours) - len(theirs) in (0, 1) else UNEXPLAINED


def received(text: str) -> Iterator[str]:
    """What any septets say: of the text's own octets, made septets."""
    coming = bytes(octet & 0x7F for octet in text.encode("utf-8"))
    ours, theirs = gsm.decode(coming), smsutil.decode(coming)
    odd = [pair for pair in regex.findall(rb"\x1b(.?)", coming, regex.DOTALL) if pair not in ASSIGNED]
    if ours != theirs:
        yield UNASSIGNED if odd else UNEXPLAINED
    try:
        if ours != coming.decode("gsm23.038"):
            yield UNEXPLAINED
    except UnicodeDecodeError:
        yield BROKEN if odd else UNEXPLAINED


ASSIGNED = {bytes([code]) for code in (0x0A, 0x14, 0x28, 0x29, 0x2F, 0x3C, 0x3D, 0x3E, 0x40, 0x65)}
COMPARISONS: tuple[Callable[[str], Iterator[str]], ...] = (alphabets, octets, parts, received)


def _gsmcodecs(text: str) -> bytes | None:
    try:
        return text.encode("gsm23.038")
    except UnicodeEncodeError:
        return None


def _cuts_a_character(text: str, cut: list[str]) -> bool:
    inside, at = set(), 0
    for character in regex.findall(r"\X", text):
        inside |= set(range(at + 1, at + len(character)))
        at += len(character)
    return any(sum(map(len, cut[:number])) in inside for number in range(1, len(cut)))


def generated(count: int) -> Iterator[str]:
    chance = random.Random(SEED)
    inside = [bit for bit in BITS if gsm.alphabet(bit) is Alphabet.GSM]
    for number in range(count):
        some = chance.sample(inside if number % 2 else BITS, chance.randint(1, 5))
        yield "".join(chance.choices(some, k=chance.randint(0, 60)))


def texts_of(path: Path) -> list[str]:
    return [line.partition("\t")[2] for line in path.read_text("utf-8").split("\n") if "\t" in line]


def compare(name: str, texts: list[str]) -> int:
    """Prints the figures; how many disagreements nobody explains."""
    unicode = sum(gsm.alphabet(text) is Alphabet.UCS2 for text in texts)
    many = sum(gsm.segments(text) > 1 for text in texts)
    print(f"{name}: {len(texts)} texts, {unicode} of them Unicode, {many} of several parts")
    unexplained = 0
    for comparison in COMPARISONS:
        found = Counter(reason for text in texts for reason in comparison(text))
        print(f"  {comparison.__name__}: {sum(found.values())} disagreements")
        for reason, times in found.most_common():
            print(f"    {times}: {reason}")
        unexplained += found[UNEXPLAINED]
    return unexplained


def main(path: Path) -> int:
    assert gsmcodecs.GSMCHARMAPS, "the codec is registered by its import"
    lines = texts_of(path)
    joined = ["\n".join(lines[at : at + LINES_JOINED]) for at in range(0, len(lines), LINES_JOINED)]
    unexplained = compare(path.name, lines)
    unexplained += compare(f"{path.name}, {LINES_JOINED} lines a text", joined)
    unexplained += compare(f"generated, seed {SEED}", list(generated(GENERATED)))
    print(f"{unexplained} disagreements are not explained")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
