"""`make peers`: texts through Jasmin and Kannel, which others wrote, each way, compared one by one. Exits 1 where one is lost, doubled or garbled.

Owns the command line and the printed report. What is shown by it, and what had to be done to the peers for it, is in docs/reference/peers.md.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import structlog
import uvloop

from deploy.native.layout import Layout
from deploy.native.terminal import Trouble, say
from tests.bench.fleet import TREE
from tests.peers import kannel, needed, texts, through_jasmin
from tests.peers.counting import Ran

PEERS = ("jasmin", "kannel")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.peers", description=__doc__)
    parser.add_argument("--only", choices=PEERS, help="one of them")
    parser.add_argument("--count", type=int, default=10_000, help="texts each way")
    parser.add_argument("--seed", type=int, default=1, help="of the generated texts")
    parser.add_argument("--texts", type=Path, metavar="FILE", help="one text a line, after its last tab if it has any")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    begun = time.monotonic()
    words = texts.from_file(given.texts, given.count) if given.texts else texts.generated(given.count, given.seed)
    try:
        wrong = sum(_run(peer, words) for peer in PEERS if given.only in (None, peer))
    except Trouble as trouble:
        say(f"Heliograph: {trouble}")
        return 1
    print(
        f"\n{'FAULTS' if wrong else 'none lost, none doubled, none garbled'}; {time.monotonic() - begun:.0f} s in all"
    )
    return int(wrong > 0)


def _run(peer: str, words: list[str]) -> int:
    """How many of its directions are faulty."""
    if peer == "jasmin":
        needed.programs("redis-server")
        running = through_jasmin.run(needed.jasmin_venv(Layout(TREE)), words)
    else:
        needed.programs("bearerbox")
        running = kannel.run(words)
    ran = uvloop.run(_ending_well(running))
    print("\n".join(map(str, ran)), flush=True)
    return sum(not each.is_well for each in ran)


async def _ending_well(running: Coroutine[Any, Any, list[Ran]]) -> list[Ran]:
    """SIGTERM stops what the run has started."""
    task = asyncio.ensure_future(running)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


if __name__ == "__main__":
    sys.exit(main())
