"""What the demo runs beside itself: the command line as an operator types it, and the outside subscriber (deploy/demo/subscriber.py).

The subscriber is a process of its own that knows only the URL that `heliograph subscriber create` printed. Owns its end, and the end of its credential.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from services.console.asking import Trouble
from services.console.demo.world import promise, wait_for

PROGRAM = Path(__file__).resolve().parents[3] / "deploy" / "demo" / "subscriber.py"
END_LIMIT_S = 10


def heliograph(*arguments: str) -> str:
    """What the command line prints; a promise is broken where it fails."""
    command = [sys.executable, "-m", "services.console", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 -- our own command line
    promise(done.returncode == 0, f"heliograph {' '.join(arguments)} succeeds; it says\n{done.stdout}{done.stderr}")
    return done.stdout


class Subscriber:
    """What it has told so far, a dict an event."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.events: list[dict[str, Any]] = []
        self._process = process
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.events.append(json.loads(line))

    def listening(self) -> bool:
        if self._process.poll() is not None:
            raise Trouble("PROMISE BROKEN: the outside subscriber gets in with its credential")
        return bool(self.events)

    def numbers(self, type_: str) -> set[str]:
        """The numbers in the events of a type, such as `inbound.contacts.stopped`."""
        return {
            item["number"] for event in list(self.events) if event["type"].startswith(type_) for item in event["items"]
        }


@contextmanager
def subscriber(name: str, company: str) -> Iterator[Subscriber]:
    url = heliograph("subscriber", "create", name, "--company", company).splitlines()[0]
    try:
        environment = os.environ | {"HELIOGRAPH_SUBSCRIBER_URL": url}
        with subprocess.Popen(  # noqa: S603 -- our own program
            [sys.executable, str(PROGRAM)], stdout=subprocess.PIPE, text=True, env=environment
        ) as process:
            try:
                started = Subscriber(process)
                wait_for("the outside subscriber listens", started.listening)
                yield started
            finally:
                process.terminate()
                process.wait(END_LIMIT_S)
    finally:
        heliograph("subscriber", "delete", name)
