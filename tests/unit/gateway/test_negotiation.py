"""Accept and Content-Type, well-formed and otherwise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.formats.negotiation import ANSWER_MEDIA_TYPES, Format, content_type, negotiate


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("*", "application/json"),
        ("application/*", "application/json"),
        ("text/*", "text/json"),
        ("application/json", "application/json"),
        ("text/json", "text/json"),
        ("application/xml", "application/xml"),
        ("text/xml", "text/xml"),
        ("TEXT/XML; charset=utf-8", "text/xml"),
        ("application/xml, application/json", "application/json"),
        ("application/json;q=0.5, application/xml", "application/xml"),
        ("application/xml;q=0.5, application/json;q=0.4", "application/xml"),
        ("application/xml, */*", "application/xml"),
        ("application/json;q=0, */*", "text/json"),
        ("application/json;q=0, text/json;q=0, */*", "application/xml"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/xml"),
        ("text/html, image/*", "application/json"),
        ("application/xml;q=0", "application/json"),
        ("application/xml;q=high", "application/xml"),
        ("application/xml;q=nan, application/json;q=0.9", "application/xml"),
        (",,;;q=1,/,application/", "application/json"),
        ("text/html," * 64 + "application/xml", "application/json"),
    ],
)
def test_the_answers_media_type_is_what_was_asked_for_and_json_otherwise(accept: str, expected: str) -> None:
    assert expected == negotiate(accept)


@given(st.text())
def test_no_accept_header_is_too_strange_for_an_answer(accept: str) -> None:
    assert negotiate(accept) in ANSWER_MEDIA_TYPES


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", (Format.JSON, "")),
        ("application/json", (Format.JSON, "")),
        ("text/json; charset=utf-8", (Format.JSON, "utf-8")),
        ('Text/XML; Charset="UTF-16"', (Format.XML, "utf-16")),
        ("application/x-www-form-urlencoded", (Format.FORM, "")),
        ("text/plain", (None, "")),
        (";charset=x", (Format.JSON, "x")),
    ],
)
def test_a_content_type_names_a_format_and_a_charset(header: str, expected: tuple[Format | None, str]) -> None:
    assert expected == content_type(header)
