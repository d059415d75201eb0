"""The demo's people: 10,000 rows of a spreadsheet as somebody's office keeps it, the same ones every time.

Owns what is wrong with which row, so that the platform's report can be compared with it. The numbers are any UK mobiles: the embedded carrier reaches only
the simulator's handsets.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable
from dataclasses import dataclass

SEED = 82830
ROWS = 10_000
BAD_ROWS = 40  # fewer than the 100 that a report names
DUPLICATES = 160
BLANK_LINES = 25

FIRST_NAMES = "Zoë Ann Bob Łukasz Mei Olu Priya Seán Tom Yusuf Chloë José Siân Freya Ivy Jack".split()  # noqa: SIM905
SURNAMES = ("O'Neill", "Smith, Jr", "Nowak", "Okafor", "Patel", "Ng", "Müller", 'Jones "JJ"', "D’Arcy", "Wu")
TOWNS = ("Leeds", "Stoke-on-Trent", "Llanfairpwll", "King’s Lynn", "Newcastle, Staffs")

FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")  # as an East Asian keyboard types digits

# A national number of ten digits, 7400123456, as people write it.
WRITTEN: tuple[Callable[[str], str], ...] = (
    lambda n: f"0{n}",
    lambda n: f"0{n[:4]} {n[4:]}",
    lambda n: f"+44{n}",
    lambda n: f"+44 (0){n[:4]}-{n[4:]}",
    lambda n: f"0044 {n[:4]} {n[4:7]} {n[7:]}",
    lambda n: f"44{n}",
    lambda n: f"0{n[:4]}.{n[4:7]}.{n[7:]}",
    lambda n: f" 0{n} ",
    lambda n: f"0{n}".translate(FULL_WIDTH),
)
BAD = (
    "07700 9001",
    "07700 9OO123",  # letters for zeros
    "",
    "020 7946 0123 ext. 12",
    "n/a",
    "07700 900123 456789",
    "07400123456 / 07400123457",
    "ask her sister",
)


@dataclass(frozen=True, slots=True)
class Spreadsheet:
    """`numbers`: who can be texted, in E.164, in the order of the file. `bad`: line -> what stands there."""

    csv: bytes
    numbers: list[str]
    bad: dict[int, str]


def spreadsheet() -> Spreadsheet:
    chance = random.Random(SEED)  # noqa: S311 -- the same rows every time is what is wanted
    good = ROWS - BAD_ROWS - DUPLICATES
    nationals = [str(n) for n in chance.sample(range(7_400_000_000, 7_600_000_000), good)]
    cells: list[tuple[str, bool]] = [(chance.choice(WRITTEN)(n), True) for n in nationals]
    # Anywhere after the first: which of two equal numbers came first makes no difference to who is texted.
    for national in chance.sample(nationals, DUPLICATES):
        cells.insert(chance.randrange(len(cells)), (chance.choice(WRITTEN)(national), True))
    for index in range(BAD_ROWS):
        cells.insert(chance.randrange(len(cells)), (BAD[index % len(BAD)], False))

    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(("First Name", "Surname", "Mobile Number", "Town", "Shoe size"))
    bad: dict[int, str] = {}
    line = 1
    blanks = set(chance.sample(range(len(cells)), BLANK_LINES))
    for index, (cell, is_good) in enumerate(cells):
        if index in blanks:
            text.write("\r\n")
            line += 1
        line += 1
        if not is_good:
            bad[line] = cell.strip()
        names = chance.choice(FIRST_NAMES), chance.choice(SURNAMES)
        writer.writerow((*names, cell, chance.choice(TOWNS), chance.randint(3, 12)))
    return Spreadsheet(text.getvalue().encode("utf-8-sig"), [f"+44{n}" for n in nationals], bad)
