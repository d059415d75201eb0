"""The documented surface as OpenAPI: valid, and complete."""

from __future__ import annotations

from openapi_spec_validator import validate

from services.gateway.documented import openapi
from services.gateway.documented.operations import OPERATIONS

DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "documented", "version": "1"},
    "paths": openapi.paths(),
    "components": {"schemas": openapi.schemas()},
}


def test_it_is_openapi() -> None:
    validate(DOCUMENT)


def test_it_describes_every_operation() -> None:
    described = {each["operationId"] for path in DOCUMENT["paths"].values() for each in path.values()}

    assert {operation.help_id for operation in OPERATIONS} == described
