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

    assert (bare.status_code, form.status_code) == (202, 400)


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
    assert (nowhere.status_code, wrong.status_code, wrong.headers["allow"]) == (404, 405, "POST")


async def test_the_openapi_document_tells_of_problems_and_of_the_session(world: Platform) -> None:
    document = (await world.http.get("/openapi.json")).json()

    assert document["components"]["securitySchemes"]["session"]["scheme"] == "bearer"
    send = document["paths"]["/v2/messages"]["post"]
    assert send["security"] == [{"session": []}]
    assert {"202", "default"} == set(send["responses"])
    assert list(send["responses"]["default"]["content"]) == ["application/problem+json"]
    names = [each["operationId"] for methods in document["paths"].values() for each in methods.values()]
    assert len(names) == len(set(names))
