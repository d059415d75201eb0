"""The runner's command line: `python3 -m deploy.native up`. What each command does is in `up.py`; `make help` lists them.

Owns the table of commands. Imports nothing that is not in the standard library.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from deploy.compose import up as containers
from deploy.native import engine, packages, up
from deploy.native.layout import Layout
from deploy.native.terminal import Trouble, say


def start(layout: Layout, _: list[str]) -> int:
    chosen = engine.choose(layout)
    if engine.recorded(layout) not in ("", chosen):
        say(f"what runs by {engine.recorded(layout)} is stopped first; its data stays there, {chosen} has its own")
        stop(layout, [])
    engine.record(layout, chosen)
    if chosen == "compose":
        containers.up(layout)
    else:
        up.up(layout)
    return 0


def stop(layout: Layout, _: list[str]) -> int:
    if engine.recorded(layout) == "compose":
        return 0 if engine.compose(layout, "down") else 1
    up.down(layout)
    return 0


def status(layout: Layout, _: list[str]) -> int:
    if engine.recorded(layout) == "compose":
        return 0 if engine.compose(layout, "ps", "--all") else 1
    return 0 if up.status(layout) else 1


def logs(layout: Layout, names: list[str]) -> int:
    if engine.recorded(layout) == "compose":
        return 0 if engine.compose(layout, "logs", "--follow", "--tail=20", *names) else 1
    up.logs(layout, names)
    return 0


def clean(layout: Layout, _: list[str]) -> int:
    if engine.recorded(layout) == "compose" and not engine.compose(layout, "down", "--volumes"):
        return 1
    up.clean(layout)
    return 0


def prepare(layout: Layout, _: list[str]) -> int:
    """Everything that tests need, without starting anything."""
    packages.ensure_system()
    packages.ensure_venv(layout, development=True)
    return 0


COMMANDS: dict[str, Callable[[Layout, list[str]], int]] = {
    "up": start,
    "down": stop,
    "status": status,
    "logs": logs,
    "clean": clean,
    "prepare": prepare,
}


def main() -> int:
    command = COMMANDS.get(sys.argv[1]) if len(sys.argv) > 1 else None
    if command is None:
        print(f"python3 -m deploy.native {'|'.join(COMMANDS)}", file=sys.stderr)
        return 2
    try:
        return command(Layout(Path(__file__).resolve().parents[2]), sys.argv[2:])
    except Trouble as trouble:
        say("")
        say(f"Heliograph: {trouble}")
        return 1
    except KeyboardInterrupt:
        say("interrupted; make status shows what runs")
        return 130


if __name__ == "__main__":
    sys.exit(main())
