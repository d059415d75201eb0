"""Answers to the letter: envelopes, nil, escapes, dates, lists in parts, errors."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from xml.etree import ElementTree

import pytest

from services.gateway.documented.operation import Operation
from services.gateway.documented.operations import OPERATIONS
from services.gateway.documented.shapes import ListOf
from services.gateway.documented.statuses import Status
from services.gateway.formats.answers import ListAnswer, render, render_error
from services.gateway.formats.negotiation import Format
from services.gateway.formats.values import date_text

BY_NAME = {operation.name: operation for operation in OPERATIONS}
LISTS = [operation for operation in OPERATIONS if isinstance(operation.answer.result, ListOf)]
ROOT = (
    'xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns="http://schemas.datacontract.org/2004/07/SMSConnector"'
)
TEXT = {"FromNumber": "82830", "ToNumber": "+447700900123", "Date": None, "Message": "a\rb\x01<&>\u20ac", "Sent": False}


def test_a_text_is_written_with_nil_and_references_and_in_the_serializers_order() -> None:
    body = render(Format.XML, BY_NAME["GetConversation"], Status.Success, [TEXT]).decode()

    assert body == (
        f"<APIReturnOfRequestStatusArrayOfMessageInformationuO2q6ph3 {ROOT}><Result><MessageInformation>"
        '<Date i:nil="true" /><FromNumber>82830</FromNumber><Message>a&#xD;b&#x1;&lt;&amp;&gt;\u20ac</Message>'
        "<Sent>false</Sent><ToNumber>+447700900123</ToNumber></MessageInformation></Result>"
        "<StatusEnum>Success</StatusEnum></APIReturnOfRequestStatusArrayOfMessageInformationuO2q6ph3>"
    )


def test_a_text_is_written_in_json_with_the_documented_names_in_order() -> None:
    body = render(Format.JSON, BY_NAME["GetConversation"], Status.Success, [TEXT]).decode()

    assert body == (
        '{"StatusEnum":0,"Status":"Success","Result":[{"FromNumber":"82830","ToNumber":"+447700900123","Date":null,'
        '"Message":"a\\rb\\u0001<&>\u20ac","Sent":false}]}'
    )


def test_a_list_of_strings_stands_in_the_namespace_of_arrays() -> None:
    body = render(Format.XML, BY_NAME["GetStops"], Status.Success, ["+447700900123"]).decode()

    arrays = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"
    assert f'<Result xmlns:d2p1="{arrays}"><d2p1:string>+447700900123</d2p1:string></Result>' in body


@pytest.mark.parametrize(
    ("name", "json_body", "xml_result"),
    [
        ("GetStops", '{"StatusEnum":1,"Status":"SessionExpired","Result":[]}', "<Result />"),
        ("SendInstantMessage", '{"StatusEnum":1,"Status":"SessionExpired","Result":""}', "<Result></Result>"),
        ("CreateCampaign", '{"StatusEnum":1,"Status":"SessionExpired","Result":0}', "<Result>0</Result>"),
        ("GetList", '{"StatusEnum":1,"Status":"SessionExpired","Result":null}', '<Result i:nil="true" />'),
    ],
)
def test_a_refusal_has_a_result_of_the_documented_type_with_nothing_in_it(
    name: str, json_body: str, xml_result: str
) -> None:
    xml_body = render(Format.XML, BY_NAME[name], Status.SessionExpired).decode()

    assert json_body == render(Format.JSON, BY_NAME[name], Status.SessionExpired).decode()
    assert f"{xml_result}<StatusEnum>SessionExpired</StatusEnum>" in xml_body


def test_a_refused_login_is_a_logon_result_that_says_so() -> None:
    login = BY_NAME["Login"]

    others = dict.fromkeys(("Firstname", "Surname", "PhoneNumber", "Company", "Token"))
    assert json.loads(render(Format.JSON, login, Status.InvalidCredentials)) == {
        "Status": "InvalidCredentials",
        **others,
    }
    assert b"<Status>InvalidCredentials</Status>" in render(Format.XML, login, Status.InvalidCredentials)


def test_a_reusable_token_has_its_status_in_xml_as_well() -> None:
    body = render(Format.XML, BY_NAME["RequestReusableToken"], Status.Success, "abc").decode()

    assert "<Result>abc</Result><Status>Success</Status><StatusEnum>Success</StatusEnum>" in body


def test_a_bare_string_has_no_envelope() -> None:
    bare = b'<string xmlns="http://schemas.microsoft.com/2003/10/Serialization/">ok &lt;</string>'

    assert bare == render(Format.XML, BY_NAME["Test"], Status.Success, "ok <")
    assert render(Format.JSON, BY_NAME["Test"], Status.SessionExpired) == b'"SessionExpired"'


@pytest.mark.parametrize("format", [Format.JSON, Format.XML])
@pytest.mark.parametrize("pages", [[1], [2, 3], [0, 2, 0, 1]], ids=str)
@pytest.mark.parametrize("name", ["GetConversation", "GetNumbers"])
def test_a_list_in_parts_is_the_list_in_one_piece(format: Format, pages: list[int], name: str) -> None:
    operation = BY_NAME[name]
    item: object = TEXT if name == "GetConversation" else "+447700900123"
    answer = ListAnswer(format, operation)

    parts = answer.head + b"".join(answer.items([item] * count) for count in pages) + answer.tail

    assert render(format, operation, Status.Success, [item] * sum(pages)) == parts


@pytest.mark.parametrize("operation", [pytest.param(each, id=each.route) for each in LISTS])
def test_a_list_of_no_pages_is_a_well_formed_empty_list(operation: Operation) -> None:
    in_json, in_xml = ListAnswer(Format.JSON, operation), ListAnswer(Format.XML, operation)

    result, status = ElementTree.fromstring(in_xml.head + in_xml.items([]) + in_xml.tail)

    assert (len(result), status.text) == (0, "Success")
    assert json.loads(in_json.head + in_json.items([]) + in_json.tail) == {
        "StatusEnum": 0,
        "Status": "Success",
        "Result": [],
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (datetime(2025, 10, 24, 14, 19, 51, 154043, tzinfo=UTC), "2025-10-24T15:19:51.154043+01:00"),
        (datetime(2025, 12, 24, 14, 19, 51, 120000, tzinfo=UTC), "2025-12-24T14:19:51.12+00:00"),
        (datetime(2025, 10, 24, 14, 0, 0, tzinfo=UTC), "2025-10-24T15:00:00+01:00"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00+00:00"),
        (date(1980, 5, 1), "1980-05-01T00:00:00"),
    ],
)
def test_a_date_is_written_in_uk_time_without_trailing_zeros(value: date, expected: str) -> None:
    assert expected == date_text(value)


def test_an_error_is_a_message_and_perhaps_a_detail() -> None:
    assert render_error(Format.JSON, "No.", "a<b") == b'{"Message":"No.","MessageDetail":"a<b"}'
    assert render_error(Format.XML, "No.") == b"<Error><Message>No.</Message></Error>"
    assert b"<MessageDetail>a&lt;b</MessageDetail></Error>" in render_error(Format.XML, "No.", "a<b")
