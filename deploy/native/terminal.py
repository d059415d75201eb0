"""What the runner says while it works, and how it gives up.

Owns the look of the output: one line a step with its seconds. Never decides anything.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LABEL_WIDTH = 58
POLL_S = 0.05


class Trouble(Exception):
    """Something the person at the keyboard can put right; its text says what and how. No traceback is shown."""


@contextmanager
def step(label: str) -> Iterator[None]:
    """Prints `label`, and the seconds the block took once it is through."""
    print(f"  {label:<{LABEL_WIDTH}}", end="", flush=True)
    started = time.monotonic()
    try:
        yield
    except BaseException:
        print(" failed", flush=True)
        raise
    print(f" {time.monotonic() - started:5.1f} s", flush=True)


@contextmanager
def long_step(label: str) -> Iterator[None]:
    """Like `step`, for work that prints lines of its own."""
    print(f"  {label} ...", flush=True)
    started = time.monotonic()
    yield
    print(f"  {'... done':<{LABEL_WIDTH}} {time.monotonic() - started:5.1f} s", flush=True)


def say(text: str) -> None:
    print(f"  {text}", flush=True)


def wait_until(what: str, limit_s: float, lacks: Callable[[], str], died: Callable[[], str | None]) -> None:
    """Polls until nothing is lacking. Raises Trouble when `died` gives a reason, or with what is lacking at the limit."""
    give_up = time.monotonic() + limit_s
    while lacking := lacks():
        if reason := died():
            raise Trouble(reason)
        if time.monotonic() > give_up:
            raise Trouble(f"{what} is not ready after {limit_s:.0f} s: {lacking}")
        time.sleep(POLL_S)
