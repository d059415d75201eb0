"""Routing of the documented surface: every template, case, escapes, queries, and what is no route."""

from __future__ import annotations

import re
from datetime import datetime
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.documented.operation import Operation
from services.gateway.documented.operations import OPERATIONS
from services.gateway.formats.paths import Matched, NotFound, WrongMethod, match
from services.gateway.formats.values import BadRequest

VALUES = {"SessionToken": "aB-c_9", "PhoneNumber": "+447700900123", "DateFrom": "2025-10-24", "DateTo": "2025-10-25"}
VALUES |= {"TextInID": "7", "List": "8", "Folder": "9", "Bar": "x"}


def _matched(method: str, path: str, query: str = "") -> Matched:
    found = match(method, path.encode(), query.encode())
    assert isinstance(found, Matched), found
    return found


@pytest.mark.parametrize("operation", [pytest.param(each, id=each.route) for each in OPERATIONS])
@pytest.mark.parametrize("written", [str, str.lower, str.upper], ids=["as documented", "lower", "upper"])
def test_every_documented_path_finds_its_operation_in_whatever_case(operation: Operation, written: type[str]) -> None:
    path, _, query = operation.path.partition("?")
    filled = ["/".join(VALUES[part[1:-1]] if part[0] == "{" else written(part) for part in path.split("/"))]
    filled += ["&".join(f"{written(name)}={VALUES[name]}" for name in re.findall(r"{(\w+)}", query))]

    found = _matched(operation.method, "/" + filled[0], filled[1])

    assert operation is found.operation
    assert found.params.get("SessionToken", "aB-c_9") == "aB-c_9"


def test_a_parameter_keeps_its_case_and_its_escaped_slash() -> None:
    found = _matched("GET", "/api/messages/getconversation/AbC%2FdEf/%2B447700900123")

    assert found.params == {"SessionToken": "AbC/dEf", "PhoneNumber": "+447700900123"}


@given(token=st.text(min_size=1).filter(lambda text: "\0" not in text))
def test_any_token_passes_through_a_path_untouched(token: str) -> None:
    assert token == _matched("GET", f"/api/Users/GetFolders/{quote(token, safe='')}").params["SessionToken"]


def test_a_trailing_slash_is_no_part_of_the_path() -> None:
    assert _matched("GET", "/api/Company/GetHeaders/t/").operation.name == "GetHeaders"


def test_both_ways_to_name_a_folder_are_one_action_and_none_is_the_root() -> None:
    by_path = _matched("GET", "/api/Phonelists/GetLists/t/5")
    by_query = _matched("GET", "/api/Phonelists/GetLists/t", "folder=5")
    root = _matched("GET", "/api/Phonelists/GetLists/t")

    assert {"SessionToken": "t", "Folder": 5} == by_path.params == by_query.params
    assert root.params == {"SessionToken": "t"}
    assert by_path.operation.name == by_query.operation.name == root.operation.name == "GetLists"


def test_log_out_is_a_get_or_a_delete_and_nothing_else() -> None:
    assert _matched("GET", "/api/Security/Logout/t").operation.method == "GET"
    assert _matched("DELETE", "/api/Security/Logout/t").operation.method == "DELETE"
    assert WrongMethod(("DELETE", "GET")) == match("POST", b"/api/Security/Logout/t", b"")


@pytest.mark.parametrize(
    "path",
    [
        *("", "/", "/api", "/api/Security", "/api/Security/Login/x", "/api/Security/Logout", "/api/Security/Logout//"),
        *(
            "/api//Security/Login",
            "/api/Foo/Bar",
            "/Security/Login",
            "/api/Test",
            "/" * 5000,
            "/api/Users/GetFolders/t/5",
            "/api/Security/RequestReusableTo%E2%84%AAen/t",  # the sign of kelvin, whose small letter is k
        ),
    ],
)
def test_what_is_no_documented_path_is_not_found(path: str) -> None:
    assert NotFound() == match("GET", path.encode(), b"")


def test_a_plus_that_was_not_escaped_in_a_query_is_still_an_offset() -> None:
    path = "/api/Messages/GetInboundMessagesFromDate/t"

    found = _matched("GET", path, "DateFrom=2025-10-24T15:19:51+01:00")

    assert datetime.fromisoformat("2025-10-24T15:19:51+01:00") == found.params["DateFrom"]


@pytest.mark.parametrize(
    ("path", "query", "detail"),
    [
        ("/api/Phonelists/GetList/t/abc", "", "List: an integer is expected."),
        ("/api/Phonelists/GetList/t/2147483648", "", "List: an integer of 32 bits is expected."),
        ("/api/Status/GetStopsFromDate/t", "", "DateFrom: is missing from the query."),
        ("/api/Status/GetStopsFromDate/t", "DateFrom=", "DateFrom: is missing from the query."),
        ("/api/Status/GetStopsFromDate/t", "DateFrom=2025-13-01", "DateFrom: a date such as"),
        ("/api/Phonelists/GetLists/t", "Folder=1&folder=2", "Folder: given twice."),
        ("/api/Users/GetFolders/%00", "", "SessionToken: holds a null character."),
        ("/api/Users/GetFolders/%ff", "", "The path is not UTF-8."),
        ("/api/Foo", "Bar=%ff", "The query is not UTF-8"),
        ("/api/Foo", "&".join(["Bar=1"] * 101), "The query is not UTF-8, or has more than 100 names."),
    ],
)
def test_a_parameter_that_cannot_be_read_is_refused_and_named(path: str, query: str, detail: str) -> None:
    with pytest.raises(BadRequest) as refused:
        match("GET", path.encode(), query.encode())

    assert refused.value.status == 400
    assert refused.value.detail.startswith(detail)
