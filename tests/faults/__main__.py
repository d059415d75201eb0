"""`python -m tests.faults`: services, broker and database killed under load; nothing lost, nothing twice. Exits 1 where that does not hold.

Owns the command line and the printed report. What is found is kept under .heliograph/faults/seed-<n>/.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from tests.faults.checker import check
from tests.faults.fleet import TREE
from tests.faults.history import from_json
from tests.faults.run import Ran, run

SENTENCES_MAX = 40


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--texts", type=int, default=400, help="single texts a round")
    parser.add_argument(
        "--recipients", type=int, default=900, help="of the campaign of a round; numbers from 07700 900920 on behave"
    )
    parser.add_argument(
        "--into", type=Path, default=TREE / ".heliograph" / "faults", help="where runs are written down"
    )
    parser.add_argument("--check", type=Path, metavar="HISTORY", help="judge a history.json of an earlier run again")
    given = parser.parse_args()
    if given.check:
        return _violations(check(from_json(json.loads(given.check.read_text()))).violations)
    wrong = 0
    for seed in given.seeds:
        ran = asyncio.run(_ending_well(run(seed, given.texts, given.recipients, given.into / f"seed-{seed}")))
        _print(ran)
        wrong += _violations(ran.report.violations)
    print(f"{len(given.seeds) - wrong} of {len(given.seeds)} seeds without a violation")
    return int(wrong > 0)


async def _ending_well(running: Coroutine[Any, Any, Ran]) -> Ran:
    """SIGTERM stops what the run has started."""
    task = asyncio.ensure_future(running)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


def _print(ran: Ran) -> None:
    report = ran.report
    times = f"{ran.load_s:.0f} s to the end of the load, drained in {ran.drain_s:.0f} s, {ran.whole_s:.0f} s in all"
    unknown = f"{report.unknown} heard nothing (of these {report.recovered} done)"
    stopped = (
        f"known to messaging after {report.stop_s_max:.2f} s at most, last submit {report.last_submit_s_max:.2f} s"
    )
    print(f"\nseed {ran.seed}: {ran.rounds} rounds, {times}")
    print(f"  clients      offered {report.offered}: {report.accepted} accepted, {report.refused} refused, {unknown}")
    print(f"  campaigns    targeted {report.targeted}")
    print(f"  network      took {report.submitted}")
    print(f"  ledger       {', '.join(f'{state} {count}' for state, count in report.states.items())}")
    print(f"  texts in     {report.received}, STOPs {report.stops}, {stopped}")
    print("  faults, and the seconds to the next submit and to the next text accepted of a client")
    for name, recovery_s in report.recovery_s.items():
        print(f"    {name:<40} {recovery_s:7.2f} {report.accepted_s.get(name, float('nan')):7.2f}")
    print("  crash points passed")
    for (service, point), hits in sorted(ran.hits.items()):
        print(f"    {service:<10} {point:<22} {hits:>7}")


def _violations(sentences: list[str]) -> int:
    """Prints them; 1 where there is one."""
    for sentence in sentences[:SENTENCES_MAX]:
        print(f"  VIOLATION {sentence}")
    if len(sentences) > SENTENCES_MAX:
        print(f"  and {len(sentences) - SENTENCES_MAX} more")
    print(f"  {len(sentences)} violations")
    return int(bool(sentences))


if __name__ == "__main__":
    sys.exit(main())
