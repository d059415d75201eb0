"""The help pages: one for each operation, well-formed, complete, and without anything from outside."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from services.gateway.documented.help import index, page, page_of
from services.gateway.documented.operation import Operation
from services.gateway.documented.operations import OPERATIONS


def test_the_index_links_every_operation_to_a_page_that_is_there() -> None:
    links = [each.get("href", "") for each in _html(index()).iter("a")]

    assert [f"/Help/Api/{operation.help_id}" for operation in OPERATIONS] == links
    assert all(page_of(link.removeprefix("/Help/Api/").upper()) for link in links)
    assert page_of("GET-api-Nothing") is None


@pytest.mark.parametrize("operation", [pytest.param(each, id=each.route) for each in OPERATIONS])
def test_a_page_shows_the_operations_description_samples_and_statuses(operation: Operation) -> None:
    text = "".join(_html(page(operation)).itertext())

    assert operation.description in text
    for param in operation.path_params + operation.query_params:
        assert param.name in text
    if operation.answer.statuses:
        assert all(status.name in text for status in operation.answer.statuses.members)
    assert "<script" not in page(operation)


def _html(document: str) -> ElementTree.Element:
    """Our pages happen to be XML too, but for one tag that is never closed."""
    return ElementTree.fromstring(document.removeprefix("<!DOCTYPE html>").replace('"utf-8">', '"utf-8" />'))
