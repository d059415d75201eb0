"""`python -m tests.faults.mutants [WORD]`: is the fault run able to find what it looks for? Each mutant is the platform with one mistake put in.

Owns the mistakes; WORD chooses those in whose name it stands. Each runs one seed in a copy of the tree and must be found; a mutant that survives is a
hole in the run or in the checker.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.faults.fleet import TREE

LEFT_OUT = shutil.ignore_patterns(".venv", ".git", ".heliograph", "__pycache__", ".*cache", ".hypothesis")
LOAD = ["--texts", "200", "--recipients", "400"]


@dataclass(frozen=True, slots=True)
class Mutant:
    """`old` becomes `new` in `file`; seed `seed` must find it by a sentence with `found_as` in it."""

    name: str
    seed: int
    file: str
    old: str
    new: str
    found_as: str


MUTANTS = (
    Mutant(
        "what has no answer is sent again",
        1,
        "services/messaging/submitting/rules.py",
        "return Outcome(State.IN_DOUBT, unknown.why)",
        "return Outcome(State.QUEUED, unknown.why, next_attempt_at=at)",
        "was taken by the network 2 times",
    ),
    Mutant(
        "a dead worker's claim goes back to the queue",
        1,
        "services/messaging/submitting/store.py",
        "SET state = 'in_doubt', carrier = $2,",
        "SET state = 'queued', claim_id = NULL, carrier = $2,",
        "was taken by the network 2 times",
    ),
    Mutant(
        "nobody looks at opt-outs",
        1,
        "services/messaging/submitting/store.py",
        "AND s.active AND",
        "AND false AND",
        "had committed its number's STOP",
    ),
    Mutant(
        "the relay forgets events before it has published them",
        1,
        "libs/common/db/outbox.py",
        '        crash.point("relay.read")\n',
        '        await connection.execute(DELETE, [row["seq"] for row in rows])\n        crash.point("relay.read")\n',
        "nobody was told",
    ),
    Mutant(
        "what could not be stored is acknowledged",
        3,
        "services/messaging/carriers/embedded/handover.py",
        "items=len(items))\n            return\n",
        "items=len(items))\n",
        "has not ended: submitted",
    ),
    Mutant(
        "the inbox lets repeats through",
        2,
        "libs/common/db/inbox.py",
        'return await tx.execute(FIRST_TIME, event_id) == "INSERT 0 1"',
        "return bool(await tx.execute(FIRST_TIME, event_id))",
        "has not ended: queued",
    ),
)


def main() -> int:
    chosen = [mutant for mutant in MUTANTS if all(word in mutant.name for word in sys.argv[1:])]
    found = 0
    for mutant in chosen:
        if sentences := _sentences(mutant):
            found += 1
            print(f"found    {mutant.name}: {len(sentences)} sentences, as: {sentences[0]}", flush=True)
        else:
            print(f"SURVIVED {mutant.name}", flush=True)
    print(f"fault run: mutation score {found}/{len(chosen)}")
    return int(found < len(chosen))


def _sentences(mutant: Mutant) -> list[str]:
    """Those that find it."""
    with tempfile.TemporaryDirectory(prefix="heliograph-mutant-") as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(TREE, tree, ignore=LEFT_OUT)
        (tree / ".venv").symlink_to(TREE / ".venv")
        path = tree / mutant.file
        path.write_text(path.read_text().replace(mutant.old, mutant.new))
        command = [sys.executable, "-m", "tests.faults", "--seeds", str(mutant.seed), "--into", folder, *LOAD]
        subprocess.run(command, cwd=tree, capture_output=True, check=False)
        violations = json.loads((Path(folder) / f"seed-{mutant.seed}" / "report.json").read_text())["violations"]
    return [sentence for sentence in violations if mutant.found_as in sentence]


if __name__ == "__main__":
    sys.exit(main())
