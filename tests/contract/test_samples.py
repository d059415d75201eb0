"""The samples on the documentation's pages against those the gateway makes with the code that writes its answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.gateway.documented.operation import Operation
from services.gateway.documented.operations import OPERATIONS
from services.gateway.documented.samples import answer_sample, request_sample
from services.gateway.documented.shapes import Model
from services.gateway.formats.bodies import parse
from services.gateway.formats.negotiation import Format
from tests.contract.documented import DOCUMENTED, without_dates

SAMPLED = [
    pytest.param(ours, theirs["samples"], id=theirs["route"])
    for ours, theirs in zip(OPERATIONS, DOCUMENTED, strict=True)
    if "samples" in theirs
]


def _in_order(text: str) -> Any:
    """JSON with the order of its names kept: clients of the documented service have seen that order."""
    return json.loads(text, object_pairs_hook=list)


def test_the_eight_pages_that_are_known_are_compared() -> None:
    assert len(SAMPLED) == 8


@pytest.mark.parametrize(("operation", "samples"), SAMPLED)
def test_the_json_samples_are_the_documented_ones(operation: Operation, samples: dict[str, Any]) -> None:
    made = {
        "request_json": request_sample(Format.JSON, operation),
        "response_json": answer_sample(Format.JSON, operation),
    }
    for name in made.keys() & samples.keys():
        assert _in_order(without_dates(json.dumps(samples[name]))) == _in_order(without_dates(made[name])), name


@pytest.mark.parametrize(("operation", "samples"), SAMPLED)
def test_the_xml_samples_are_the_documented_ones_to_the_letter(operation: Operation, samples: dict[str, Any]) -> None:
    made = {"request_xml": request_sample(Format.XML, operation), "response_xml": answer_sample(Format.XML, operation)}
    for name in made.keys() & samples.keys():
        assert without_dates(samples[name]) == without_dates(made[name]), name


@pytest.mark.parametrize("operation", [pytest.param(each, id=each.route) for each in OPERATIONS if each.body])
def test_a_request_sample_says_the_same_in_json_and_xml(operation: Operation) -> None:
    assert operation.body is not None

    by_json = parse("application/json", request_sample(Format.JSON, operation).encode(), operation.body)
    by_xml = parse("application/xml", request_sample(Format.XML, operation).encode(), operation.body)

    assert by_json == by_xml
    if isinstance(operation.body, Model):
        assert {field.name for field in operation.body.fields} == set(by_xml)
