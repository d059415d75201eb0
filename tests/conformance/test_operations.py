"""Each documented operation, called well: in JSON, in XML and as a form, and answered in both formats to the documented letter."""

from __future__ import annotations

import random

import pytest

from tests.conformance.calling import asked, read_answer, result_of, status_of
from tests.conformance.good import GOOD
from tests.conformance.wire import BY_ROUTE, SMS, WEB_API
from tests.conformance.world import SUMMER, World


def cells(column: str) -> list[object]:
    routes = [route for route, doc in BY_ROUTE.items() if column != "form" or doc["body"]]
    return [pytest.param(route, id=route, marks=pytest.mark.cell(route, column)) for route in routes]


def test_there_is_a_good_call_of_each_of_the_46() -> None:
    assert set(GOOD) == set(BY_ROUTE)


async def does(world: World, route: str, encoding: str, answered: str, *, odd: bool, **xml: str) -> None:
    """One good call, made afresh, does what it should."""
    dice = random.Random(f"{route} {encoding} {answered}") if odd else None
    call = await GOOD[route](world)
    answer = await asked(world, route, call, encoding, answered, dice, **xml)
    if BY_ROUTE[route]["answer"]["model"] is None:
        assert (answer.status_code, answer.content) == (204, b"")
        return
    value = read_answer(route, answer, answered)
    assert status_of(value, answered) == "Success", answer.text
    await call.holds(result_of(value))


@pytest.mark.parametrize("route", cells("JSON"))
async def test_in_json(world: World, route: str) -> None:
    if not BY_ROUTE[route]["body"]:
        await does(world, route, "JSON", "JSON", odd=False)
        await does(world, route, "JSON", "JSON", odd=True)
        return
    for answered in ("JSON", "XML"):
        await does(world, route, "JSON", answered, odd=answered == "XML")


@pytest.mark.parametrize("route", cells("XML"))
async def test_in_xml(world: World, route: str) -> None:
    if not BY_ROUTE[route]["body"]:
        await does(world, route, "XML", "XML", odd=False)
        await does(world, route, "XML", "XML", odd=True)
        return
    await does(world, route, "XML", "XML", odd=False)
    for answered, namespace in (("JSON", WEB_API), ("XML", SMS), ("XML", "")):
        await does(world, route, "XML", answered, odd=True, namespace=namespace)


@pytest.mark.parametrize("route", cells("form"))
async def test_as_a_form(world: World, route: str) -> None:
    for answered in ("JSON", "XML"):
        await does(world, route, "form", answered, odd=answered == "XML")


@pytest.mark.parametrize(
    ("since", "all_"),
    [
        ("{year}-07-01T13:00:00%2B01:00", True),  # that very moment
        ("{year}-07-01T13:00:00", True),  # UK time
        ("{year}-07-01T12:00:00Z", True),
        ("{year}-07-01T13:00:01%2B01:00", False),
        ("{year}-07-01T13:00:01+01:00", False),  # a plus that was not escaped
        ("{year}-07-02", False),
        ("{year}-07-01", True),
    ],
)
async def test_from_a_date_is_from_that_date_in_uk_time(world: World, since: str, all_: bool) -> None:
    token, date = world.mine.token, since.format(year=SUMMER.year)
    for group, what in (
        ("Messages", "InboundMessages"),
        ("TextIn", "TextIns"),
        ("Status", "Stops"),
        ("Status", "Reinstates"),
    ):
        whole = await world.get(f"{group}/GetAll{what}/{token}")
        since_the_preceding_day = await world.get(f"{group}/Get{what}/{token}")
        assert len(whole) > len(since_the_preceding_day)
        found = await world.get(f"{group}/Get{what}FromDate/{token}?DateFrom={date}")
        assert found == (whole if all_ else since_the_preceding_day), what
