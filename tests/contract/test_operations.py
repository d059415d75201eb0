"""The gateway's table against what the documentation says of each operation."""

from __future__ import annotations

from typing import Any

import pytest

from services.gateway.documented.operation import Operation
from services.gateway.documented.operations import OPERATIONS
from services.gateway.documented.shapes import BareString, Field, ListOf, Model, Scalar, Type, digest, title, xml_name
from tests.contract.documented import DOCUMENTED

PAIRS = [pytest.param(ours, theirs, id=theirs["route"]) for ours, theirs in zip(OPERATIONS, DOCUMENTED, strict=True)]
SMS = "http://schemas.datacontract.org/2004/07/SMSConnector"


def test_all_46_operations_are_there_in_the_documentations_order() -> None:
    assert len(OPERATIONS) == 46
    assert [each["route"] for each in DOCUMENTED] == [operation.route for operation in OPERATIONS]


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_an_operation_is_described_as_documented(ours: Operation, theirs: dict[str, Any]) -> None:
    params = [[each.name, each.type.value, each.required] for each in ours.path_params + ours.query_params]

    assert (theirs["group"], theirs["description"]) == (ours.group, ours.description)
    assert theirs["params"] == params
    assert theirs["page"] in ("", ours.help_id)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_a_body_has_the_documented_fields_in_the_documented_order(ours: Operation, theirs: dict[str, Any]) -> None:
    match ours.body:
        case None:
            assert theirs["body"] is None
        case BareString():
            assert theirs["body"] == {"model": "string", "fields": []}
        case Model():
            assert {"model": ours.body.name, "fields": [_written(each) for each in ours.body.fields]} == theirs["body"]


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_an_answer_has_the_documented_model_root_and_fields(ours: Operation, theirs: dict[str, Any]) -> None:
    answer, shape = theirs["answer"], ours.answer.shape

    if shape is None:
        assert answer["model"] is None
        return
    assert answer["xml_root"] == xml_name(shape)
    if isinstance(shape, Model):
        statuses = ours.answer.statuses
        assert statuses is not None
        assert answer["model"] == title(shape)
        assert answer["fields"] == [_written(each, statuses.name) for each in shape.fields]
    else:
        assert (answer["model"], shape) == ("string", Scalar.STRING)


@pytest.mark.parametrize(
    ("namespaces", "expected"),
    [
        ([SMS], "BK6DH5fG"),
        ([SMS, SMS], "uO2q6ph3"),
        ([SMS, "http://www.w3.org/2001/XMLSchema"], "Ark7AG5L"),
        ([SMS, "http://schemas.microsoft.com/2003/10/Serialization/Arrays"], "PM3b74Y2"),
    ],
)
def test_the_digest_in_a_roots_name_is_dotnets(namespaces: list[str], expected: str) -> None:
    assert expected == digest(*namespaces)


def test_operations_of_one_name_are_one_action() -> None:
    names = [operation.name for operation in OPERATIONS]

    assert {"Logout", "GetLists", "Foo"} == {name for name in names if names.count(name) > 1}


def _written(field: Field, status_enum: str = "") -> list[Any]:
    """A field as documented.json holds it: name, type, and the fields of what stands in it."""
    shape = field.type
    if isinstance(shape, ListOf):
        return [field.name, f"Collection of {_type(shape.item)}", *_inside(shape.item)]
    return [field.name, _type(shape, status_enum), *_inside(shape)]


def _type(shape: Type, status_enum: str = "") -> str:
    if isinstance(shape, Model):
        return shape.name
    assert isinstance(shape, Scalar)
    return {Scalar.STATUS: status_enum, Scalar.STATUS_NAME: "string"}.get(shape, str(shape.value))


def _inside(shape: Type) -> list[Any]:
    return [[_written(each) for each in shape.fields]] if isinstance(shape, Model) else []
