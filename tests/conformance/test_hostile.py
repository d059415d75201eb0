"""The hostile matrix: each operation, tried with all that is bad; each try refused in the format that was asked for, in bounded time, nothing changed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.conformance.calling import ACCEPTS, read_text, status_of
from tests.conformance.digest import changed, digest
from tests.conformance.good import GOOD
from tests.conformance.hostile import Case, Subject, fault_of, subject_of
from tests.conformance.hostile_bytes import bytes_, cut_off
from tests.conformance.hostile_values import values
from tests.conformance.odd import odd
from tests.conformance.raw import Sender, sender
from tests.conformance.wire import BY_ROUTE
from tests.conformance.world import World
from tests.harness import eventually

SHOWN = 40  # faults of an operation


@pytest.fixture(scope="module")
async def raw(world: World) -> AsyncIterator[Sender]:
    async with sender(world.platform.processes["gateway"].kernel.bound["http"]) as one:
        yield one


async def quiet(world: World) -> None:
    """Until nothing that was begun before is under way."""

    async def at_rest() -> bool:
        counts = [await world.rows("messaging", "SELECT 1 FROM open_texts LIMIT 1")]
        for service in ("auth", "messaging", "inbound", "phonelist", "campaign"):
            counts.append(await world.rows(service, "SELECT 1 FROM outbox LIMIT 1"))
        return not any(counts)

    await eventually(at_rest)


@pytest.mark.parametrize("route", [pytest.param(each, id=each) for each in BY_ROUTE])
async def test_what_is_hostile_is_refused_and_changes_nothing(
    world: World, raw: Sender, route: str, hostile_cases: dict[str, int]
) -> None:
    subject = await subject_of(world, route)
    cases = [*values(subject), *bytes_(subject)]
    twice = [name for name, count in Counter(case.name for case in cases).items() if count > 1]
    assert not twice
    await quiet(world)
    before = await digest(world)

    faults = await asyncio.gather(*(tried(raw, subject, case, answered) for case in cases for answered in ACCEPTS))
    cut = list(cut_off(subject))
    for request in cut:
        await raw.cut(request)

    hostile_cases[route] = len(faults) + len(cut)
    wrong = [fault for fault in faults if fault]
    assert not wrong, "\n".join([f"{len(wrong)} of {len(faults)}", *wrong[:SHOWN]])
    assert not changed(before, await digest(world))


@pytest.mark.parametrize("route", [pytest.param(each, id=each) for each in BY_ROUTE])
async def test_what_is_odd_but_legal_is_done(world: World, raw: Sender, route: str) -> None:
    names = [name for name, _ in odd(Subject(world, route, await GOOD[route](world)))]
    for n, name in enumerate(names):
        subject = Subject(world, route, await GOOD[route](world))  # afresh: each is done
        request = dict(odd(subject))[name]
        answered = tuple(ACCEPTS)[n % len(ACCEPTS)]
        answer = await raw.send(replace(request, headers=request.headers | {"accept": ACCEPTS[answered]}))
        if subject.doc["answer"]["model"] is None:
            assert answer.status == 204, name
            continue
        assert answer.status == 200, f"{name}: {answer.body!r}"
        assert status_of(read_text(route, answer.body.decode(), answered), answered) == "Success", (
            f"{name}: {answer.body!r}"
        )


async def test_an_import_of_nothing_adds_nothing(world: World, raw: Sender) -> None:
    route = "POST api/Phonelists/AddMultipleEntries"
    subject = Subject(world, route, await GOOD[route](world))
    await quiet(world)
    before = await digest(world)
    nothing: list[list[str] | None] = [[], None]
    for entries in nothing:
        answer = await raw.send(subject.asks(ListEntries=entries))
        assert answer.body == b'{"StatusEnum":0,"Status":"Success","Result":""}'
    assert not changed(before, await digest(world))


async def tried(raw: Sender, subject: Subject, case: Case, answered: str) -> str:
    """What is wrong with how the case was answered, or ""."""
    accept = {"accept": ACCEPTS[answered]}
    try:
        answer = await raw.send(replace(case.request, headers=case.request.headers | accept))
        fault = fault_of(subject, case, answer, answered)
        if case.twin and not fault:
            twin = await raw.send(replace(case.twin, headers=accept))
            fault = (
                ""
                if (twin.status, twin.body) == (answer.status, answer.body)
                else f"{answer.body!r}, not {twin.body!r}"
            )
    except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
        fault = repr(error)
    return f"{case.name} ({answered}): {fault}" if fault else ""
