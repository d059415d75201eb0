"""How every noun asks: one bus a command line, opened as the user `console`, for whose name the broker vouches; no grant.

Owns the sentences and exit codes of what can go wrong: 1 for a refusal, 2 where something that is needed does not answer. The bus is imported only
when something is asked, so that `--help` is there at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NoReturn, TypeVar

import typer
from pydantic import ValidationError

from libs.common.contracts.base import Ask, Code, Contract, Refusal
from services.console.settings import ConsoleSettings

if TYPE_CHECKING:
    from libs.common.bus import Asker

T = TypeVar("T")
A = TypeVar("A", bound=Contract)

REFUSED = 1
AWAY = 2


class Trouble(Exception):
    """Ends the command with a sentence for the operator and an exit code."""

    def __init__(self, sentence: str, code: int = REFUSED) -> None:
        super().__init__(sentence)
        self.code = code


def ask(question: Ask[A]) -> A:
    """The owner's answer to one question."""

    async def one(asker: Asker) -> A:
        return await asker.ask(question)

    return asking(one)


def asking(work: Callable[[Asker], Awaitable[T]]) -> T:
    """What `work` makes of the answers it asks for, over one bus."""
    return asyncio.run(_on_a_bus(work))


async def _on_a_bus(work: Callable[[Asker], Awaitable[T]]) -> T:
    from libs.common.bus import Asker, Bus, Unanswered
    from libs.common.bus.connection import BROKER_ERRORS

    logging.disable(logging.CRITICAL)  # the libraries' own words: what goes wrong is said once, below
    bus = Bus(ConsoleSettings().broker_url, "console")
    try:
        await bus.open()
        asker = Asker(bus)
        await asker.open()
    except BROKER_ERRORS as error:
        raise Trouble(f"RabbitMQ does not answer, or does not let us in: {error}", AWAY) from error
    try:
        return await work(asker)
    except Unanswered as error:
        raise Trouble("no answer: is the service running? What was asked may be done or not.", AWAY) from error
    finally:
        await bus.close()


def explain(error: Exception) -> NoReturn:
    """Ends the command line with one sentence where it is clear what went wrong; raises `error` again where it is our own fault."""
    match error:
        case Trouble():
            sentence, code = str(error), error.code
        case Refusal():
            away = error.code in (Code.UNAVAILABLE, Code.DEADLINE_PASSED)
            sentence, code = f"refused: {error.detail or error.code} ({error.code})", AWAY if away else REFUSED
        case ValidationError():
            first = error.errors(include_input=False, include_url=False)[0]
            sentence, code = f"{_named(error, first['loc'])}: {first['msg']}", REFUSED
        case _:
            raise error
    typer.echo(sentence, err=True)
    raise SystemExit(code)


def _named(error: ValidationError, where: tuple[int | str, ...]) -> str:
    """The variable of a setting, or the field of an ask."""
    name = ".".join(str(part) for part in where)
    return f"HELIOGRAPH_{name.upper()}" if error.title.endswith("Settings") else name
