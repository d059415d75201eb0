"""Named crash points: where a fault run kills the process, at the n-th hit, as `kill -9` would (reference: docs/reference/crash-points.md).

`HELIOGRAPH_CRASH_AT=<point>:<n>[:before]` in development mode only. `HELIOGRAPH_CRASH_HITS=<file>` keeps the count of every point, so that a run
can prove that its faults fired while work was in flight. Without these variables a point costs one look at a global.
"""

from __future__ import annotations

import os

POINTS = frozenset(
    {
        "ask.published",
        "ask.answered",
        "answer.handled",  # the handler ran, nothing is committed
        "answer.committed",
        "answer.replied",
        "consume.handled",
        "consume.committed",
        "consume.acked",
        "retry.rung_published",
        "relay.read",
        "relay.confirmed",
        "relay.marked",
        "claim.committed",
        "submit.written",
        "submit.answered",
        "settle.committed",
        "receipts.read",
        "receipts.committed",
        "arrivals.read",
        "arrivals.committed",
        "stop.applied",
        "freeze.committed",
        "forecast.committed",
        "hand_over.committed",
    }
)

_point, _at, _hits_file = "", 0, ""
_hits: dict[str, int] = {}


def arm(mode: str) -> None:
    """Reads the variables. Refuses them outside development mode: nobody's production is killed by a stray variable."""
    global _point, _at, _hits_file
    where = os.environ.get("HELIOGRAPH_CRASH_AT", "")
    _hits_file = os.environ.get("HELIOGRAPH_CRASH_HITS", "")
    if (where or _hits_file) and mode != "development":
        raise SystemExit("HELIOGRAPH_CRASH_AT and HELIOGRAPH_CRASH_HITS work in development mode only")
    if where:
        name, _, hit = where.partition(":")
        if name not in POINTS:
            raise SystemExit(f"HELIOGRAPH_CRASH_AT: there is no crash point {name!r}")
        _point, _at = name, int(hit or 1)


def point(name: str) -> None:
    """A place where the process may die. `name` must be one of POINTS."""
    if not (_point or _hits_file):
        return
    assert name in POINTS, name
    _hits[name] = _hits.get(name, 0) + 1
    dying = name == _point and _hits[name] == _at
    if _hits_file:
        with open(_hits_file, "a") as file:
            file.write(f"{os.getpid()} {name} {_hits[name]}{' died' if dying else ''}\n")
    if dying:
        os._exit(137)
