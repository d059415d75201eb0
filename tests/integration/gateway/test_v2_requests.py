"""/v2: what can be wrong with any request, and how it is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from libs.common.contracts.base import Code
from services.gateway.api.problems import STATUSES
from services.gateway.app import REQUESTS_MAX
from tests.integration.gateway.test_v2 import a_number, call, refused, session_of
from tests.platform import Platform


def test_every_code_has_a_status() -> None:
    assert set(Code) == set(STATUSES)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"\xff\xfe",
        b"[" * 60_000,
        b'{"to": ' + b"9" * 5000 + b"}",
        b'{"text": "\\ud800"}',
        b'{"\\ud800": 1}',
        b'{"to": "1", "to": "2"}',
        b'{"text": NaN}',
        b'{"values": ' + b'{"a":' * 2000 + b"1" + b"}" * 2001,
        b'{"values": ' + b"[" * 900 + b"]" * 900 + b"}",
    ],
)
async def test_a_body_that_is_no_message_is_refused_and_never_repeated(world: Platform, body: bytes) -> None:
    answer = await call(world, "POST", "/messages", content=body, headers={"content-type": "application/json"})

    assert answer.status_code == 400
    assert refused(answer, "invalid_request")
    assert "999" not in answer.text


async def test_half_a_surrogate_pair_is_refused(world: Platform) -> None:
    body = json.dumps({"to": a_number(), "from": "82830", "text": "\ud83d"})

    answer = await call(world, "POST", "/messages", content=body, headers={"content-type": "application/json"})

    problem = refused(answer, "invalid_request")
    assert problem["errors"][0]["at"] == "body.text"


async def test_a_password_that_is_refused_is_not_told_back(world: Platform) -> None:
    answer = await world.http.post("/v2/sessions", json={"username": "demo", "password": ["secret-of-mine"]})

    refused(answer, "invalid_request")
    assert "secret-of-mine" not in answer.text


async def test_a_body_without_a_media_type_is_read_as_json_and_one_of_another_is_refused(world: Platform) -> None:
    body = json.dumps({"to": a_number(), "from": "82830", "text": "x"})
    headers = await session_of(world, "demo")
    bare = await world.http.post("/v2/messages", content=body, headers=headers)
    form = await world.http.post(
        "/v2/messages", content="to=1&from=2", headers=headers | {"content-type": "application/x-www-form-urlencoded"}
    )

    assert (bare.status_code, form.status_code) == (202, 415)
    refused(form, "unsupported_media_type")


async def test_what_is_too_large_is_refused_while_it_comes_in(world: Platform) -> None:
    async def endless() -> Any:
        for _ in range(200):
            yield b" " * 1024

    answer = await call(world, "POST", "/messages", content=endless(), headers={"content-type": "application/json"})

    refused(answer, "too_large")
    assert answer.status_code == 413


async def test_where_there_is_no_room_a_request_is_told_at_once_when_to_come_again(world: Platform) -> None:
    headers, gateway = await session_of(world, "demo"), world.processes["gateway"].app
    gateway.in_hand += REQUESTS_MAX
    try:
        answer = await world.http.post("/v2/campaigns/1/launch", headers=headers)
    finally:
        gateway.in_hand -= REQUESTS_MAX

    refused(answer, "unavailable")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert gateway.in_hand == 0


async def test_a_date_beyond_all_calendars_is_refused(world: Platform) -> None:
    params = {"since": "9999-12-31T23:59:59-12:00"}

    refused(await call(world, "GET", "/inbound-messages", params=params), "invalid_date")


async def test_an_unknown_path_and_a_wrong_method_are_problems_too(world: Platform) -> None:
    nowhere = await world.http.get("/v2/nowhere")
    wrong = await world.http.put("/v2/messages", json={})

    refused(nowhere, "not_found")
    refused(wrong, "method_not_allowed")
    assert (nowhere.status_code, wrong.status_code, wrong.headers["allow"]) == (404, 405, "GET, POST")


@pytest.mark.parametrize(("method", "path"), [("GET", "batches"), ("DELETE", "batches"), ("OPTIONS", "batches")])
async def test_a_path_of_its_own_is_no_id(world: Platform, method: str, path: str) -> None:
    answer = await call(world, method, f"/messages/{path}")

    refused(answer, "method_not_allowed")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/messages", {"sinse": "2026-01-01T00:00:00Z"}),
        ("/messages", {"limit": ["1", "2"]}),
        ("/messages", {"limit": "0"}),
        ("/messages", {"limit": "1001"}),
        ("/messages", {"limit": "1.0"}),
        ("/messages", {"limit": " 1"}),
        ("/messages", {"limit": "9" * 5000}),
        ("/messages", {"after": "x"}),
        ("/messages", {"after": ""}),
        ("/messages", {"state": "lost"}),
        ("/messages", {"since": "5"}),
        ("/messages", {"since": "1760000000"}),
        ("/messages", {"reference": "\x00"}),
        ("/messages", {"reference": "x" * 101}),
        ("/lists", {"after": "-1"}),
        ("/lists", {"after": "9" * 19}),
        ("/lists", {"folder_id": "9223372036854775808"}),
        ("/lists/1/numbers", {"after": "1"}),
        ("/lists/1/entries", {"after": "9999999999999999999.1"}),
        ("/inbound-messages", {"unread": "yes"}),
        ("/inbound-messages", {"text_in_id": "-1"}),
        ("/failed-numbers", {"since": "2026-01-01T00:00:00Z", "after": "07700 900123"}),
        ("/opt-outs", {"after": "one"}),
        ("/campaigns", {"state": "begun"}),
        ("/templates", {"limit": "10"}),
    ],
)
async def test_a_query_that_makes_no_sense_is_refused_by_its_name(
    world: Platform, path: str, query: dict[str, Any]
) -> None:
    answer = await call(world, "GET", path, params=query)

    errors = refused(answer, "invalid_request")["errors"]
    assert [error["at"] for error in errors] == [f"query.{name}" for name in query][-1:]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/lists", {"title": "x", "folder_id": "5"}),
        ("POST", "/lists", {"title": "x", "folder_id": True}),
        ("POST", "/lists", {"title": "x", "folder_id": 2**63}),
        ("POST", "/messages", {"to": "1", "from": "x", "text": "x", "send_at": 5}),
        ("POST", "/messages", {"to": "1", "from": "x", "text": "x", "send_at": "5"}),
        ("POST", "/messages", {"to": "1", "from": "x", "template_id": 1, "values": {"a": 1}}),
        ("POST", "/messages", {"to": "1", "from": "x", "template_id": 1, "values": {"a\x00": "b"}}),
        ("POST", "/messages", {"to": "1", "from": "x", "template_id": 1, "values": {"a": "\x00"}}),
        ("POST", "/messages/batches", {"messages": []}),
        ("POST", "/messages/batches", {"messages": [{"to": "1", "from": "x", "text": "\x00"}]}),
        ("POST", "/messages/batches", {"messages": [{"to": "1", "from": "x", "text": "x"}] * 501}),
        ("PATCH", "/inbound-messages/019baf40-0000-7000-8000-000000000001", {"read": "yes"}),
        ("POST", "/inbound-messages/marks", {"ids": [], "read": True}),
        ("POST", "/inbound-messages/marks", {"ids": ["x"], "read": True}),
        ("POST", "/lists/1/entries", {"entries": [{"phone_number": "1", "date_of_birth": "31/12/1985"}]}),
        ("POST", "/lists/1/entries", {"entries": [{"phone_number": "1", "surname": "\x00"}]}),
        ("POST", "/lists/1/entries", {"entries": [{"phone_number": "1", "height": "2 m"}]}),
        ("POST", "/sessions", {"username": "demo", "password": "x", "reusable_token": "x"}),
        ("POST", "/sessions", {"reusable_token": None}),
        ("POST", "/api-keys", {"name": "x", "permissions": ["everything"]}),
        ("POST", "/api-keys", {"name": "x", "test": 1}),
    ],
)
async def test_a_body_that_makes_no_sense_is_refused_by_its_field(
    world: Platform, method: str, path: str, body: dict[str, Any]
) -> None:
    answer = await call(world, method, path, json=body)

    assert refused(answer, "invalid_request")["errors"][0]["at"].startswith("body.")


async def test_nothing_is_told_back_of_a_field_that_has_no_name_in_unicode(world: Platform) -> None:
    answer = await call(
        world, "POST", "/lists", content=b'{"title": "x", "\\ud800": 1}', headers={"content-type": "application/json"}
    )

    assert refused(answer, "invalid_request")["errors"][0]["at"] == "body"
