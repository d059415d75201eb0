"""python -m tests.e2e.wishes FILE: how the rules of opting out do on real texts, as figures; exits 1 where a bar is missed.

FILE: one text a line, `ham` or `spam`, a tab, the text. Ham is what people write to each other: none of it may opt anyone out, and less than 1 in 100
may cost a person's time. Every plain form of STOP is obeyed.
"""

from __future__ import annotations

import itertools
import sys
from collections import Counter
from pathlib import Path

from services.inbound.optouts.rules import EXACT, How, Reading, Wish, read

REVIEW_SHARE_MAX = 0.01
PLAIN = ["{}", "{}.", "{}!", " {} ", "'{}'", '"{}"', "“{}”", "‘{}’", "({})", "*{}*", "{}…", "{} 🙏", "\ufeff{}", "{}\n", "«{}»"]  # fmt: skip
WORDS = [word for word, wish in EXACT.items() if wish in (Wish.STOP, Wish.STOP_ALL)]
POLITE = ["stop please", "stop thanks", "stop texting me", "stop sending me messages", "stop all texts", "stop now", "text stop", "s.t.o.p."]  # fmt: skip
CASED = (str.upper, str.lower, str.title)


def plain_forms() -> list[str]:
    """Every sure word in every case and punctuation, and the commonest ways to say it with more words."""
    return [form.format(cased(word)) for form, cased, word in itertools.product(PLAIN, CASED, [*WORDS, *POLITE])]


def main(path: str) -> int:
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    texts = [(kind, body) for kind, _, body in (line.partition("\t") for line in lines) if body]
    read_in = [(kind, body, read(body)) for kind, body in texts]
    misses = []
    for kind in sorted({kind for kind, _ in texts}):
        readings = [reading for of, _, reading in read_in if of == kind]
        misses += _figures(kind, readings)
    for kind, body, reading in read_in:
        if kind == "ham" and reading:
            print(f"  {reading.wish} ({reading.how}): {body[:100]}")
    forms = plain_forms()
    obeyed = [form for form in forms if (reading := read(form)) and reading.wish in (Wish.STOP, Wish.STOP_ALL)]
    print(f"plain forms of STOP obeyed: {len(obeyed)} of {len(forms)}")
    if len(obeyed) < len(forms):
        misses.append("a plain form of STOP was not obeyed")
    for miss in misses:
        print(f"MISSED: {miss}")
    return 1 if misses else 0


def _figures(kind: str, readings: list[Reading | None]) -> list[str]:
    by_how = Counter(reading.how for reading in readings if reading and reading.wish in (Wish.STOP, Wish.STOP_ALL))
    others = Counter(str(reading.wish) for reading in readings if reading and reading.wish in (Wish.START, Wish.HELP))
    review = sum(1 for reading in readings if reading and reading.how is How.SOFT)
    share = review / max(len(readings), 1)
    print(
        f"{kind}: {len(readings)} texts, opted out {by_how.total()} (exact {by_how[How.EXACT]}, leading {by_how[How.LEADING]}), "
        f"in review {review} ({share:.2%}), START {others['start']}, HELP {others['help']}"
    )
    misses = []
    if kind == "ham" and by_how.total():
        misses.append(f"{by_how.total()} ham texts opted somebody out")
    if kind == "ham" and share >= REVIEW_SHARE_MAX:
        misses.append(f"{share:.2%} of ham is in review")
    return misses


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
