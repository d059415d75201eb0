"""Each status that an operation can be brought to, brought about: the same number and name in JSON and in XML, and nothing as Result."""

from __future__ import annotations

from typing import Any

import pytest

from services.gateway.documented.operations import OPERATIONS
from tests.conformance.calling import asked, read_answer, result_of, status_of
from tests.conformance.good import Call
from tests.conformance.refused import ADD_MANY, ADD_ONE, NEVER, REFUSED
from tests.conformance.wire import BY_ROUTE
from tests.conformance.world import World

FOO = ("GET api/Foo?Bar={Bar}", "POST api/Foo?Bar={Bar}")  # it has no status: what it can refuse is HTTP's

TELLS_WHY = (ADD_ONE, ADD_MANY)  # which entry, and why: their Result is a string of unknown use


def test_every_status_is_brought_about_or_cannot_be() -> None:
    for enum in {operation.answer.statuses.name for operation in OPERATIONS if operation.answer.statuses}:
        of = [each for each in OPERATIONS if each.answer.statuses and each.answer.statuses.name == enum]
        said = {status.name for each in of if each.answer.statuses for status in each.answer.statuses.members}
        brought = {status for each in of for status in REFUSED[each.route]}
        never = {status for of_enum, status in NEVER if of_enum == enum}
        assert said - {"Success"} == brought | never, enum
        assert not brought & never, enum


@pytest.mark.parametrize(
    "route",
    [
        pytest.param(route, id=route, marks=pytest.mark.cell(route, "refusals"))
        for route in BY_ROUTE
        if route not in FOO
    ],
)
async def test_what_is_refused(world: World, route: str) -> None:
    assert REFUSED[route], "nothing is refused"
    for status, makes in REFUSED[route].items():
        for make in makes:
            call = await make(world)
            for answered in ("JSON", "XML"):
                value = read_answer(route, await asked(world, route, call, "JSON", answered), answered)
                assert status_of(value, answered) == status, f"{make.__name__} {call}: {value}"
                result = result_of(value)
                assert _is_a_sentence(result) if route in TELLS_WHY else not _given(result), value


def _is_a_sentence(result: Any) -> bool:
    return isinstance(result, str) and len(result) < 200


def _given(result: Any) -> bool:
    """Nothing is empty, 0 or no items; of LogonResult, all but its status."""
    if isinstance(result, dict):
        return any(value for name, value in result.items() if name != "Status")
    return bool(result) and result != "SessionExpired"  # api/Test answers nothing but the status


@pytest.mark.parametrize(
    "route", [pytest.param(each, id=each, marks=pytest.mark.cell(each, "refusals")) for each in FOO]
)
async def test_without_its_parameter_foo_is_a_bad_request(world: World, route: str) -> None:
    in_json = await asked(world, route, Call(), "JSON", "JSON")
    in_xml = await asked(world, route, Call(), "JSON", "XML")

    assert (in_json.status_code, in_xml.status_code) == (400, 400)
    assert in_json.json()["Message"] == "The request is invalid."
    assert in_xml.text.startswith("<Error><Message>The request is invalid.</Message>")
