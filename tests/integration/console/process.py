"""Runs the command line in a process forked from one that has its imports done: half a second of processor a command is saved, nothing else differs."""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.console.__main__ import NOUNS, main

LIMIT_S = 60

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    [
        "__main__",
        "tests.integration.console.process",
        "httpx",
        "libs.common.bus",
        "libs.common.db.migrator",
        *(f"services.console.{module}" for module, _ in NOUNS.values()),
    ]
)


@dataclass(frozen=True)
class Said:
    out: str
    err: str
    code: int


def heliograph(arguments: Sequence[str], told: Mapping[str, str]) -> Said:
    """What it said when told `told` and nothing else by its environment."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        process = _context.Process(target=_become, args=(list(arguments), dict(told), out, err))
        process.start()
        process.join(LIMIT_S)
        if process.exitcode is None:
            process.kill()
            raise AssertionError(f"heliograph {' '.join(arguments)} hangs: {err.read_text()}")
        return Said(out.read_text(), err.read_text(), process.exitcode)


def _become(arguments: list[str], told: dict[str, str], out: Path, err: Path) -> None:
    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
    os.environ.clear()
    os.environ.update(told)
    sys.argv = ["heliograph", *arguments]
    main()
