"""Problems: what a client is told where the answer is lost, and the ids that an Idempotency-Key stands for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response

from libs.common.bus import Unanswered
from libs.common.contracts.base import Code, Refusal
from libs.common.ids import uuid7, uuid7_time
from services.gateway.api.call import repeatable_id, require_key
from services.gateway.api.problems import refused


def request(key: UUID) -> Request:
    request = Request({"type": "http", "headers": []})
    request.state.idempotency_key = key
    return request


def told(response: Response) -> dict[str, Any]:
    problem: dict[str, Any] = orjson.loads(response.body)
    return problem


async def test_a_lost_answer_tells_what_may_have_been_done_and_how_to_ask_again() -> None:
    key, id_ = uuid7(), uuid7()

    response = await refused(request(key), Unanswered(id_))

    assert (response.status_code, response.headers["retry-after"]) == (504, "2")
    assert (told(response)["code"], told(response)["id"]) == ("unanswered", str(id_))
    assert told(response)["idempotency_key"] == str(key)


async def test_what_the_world_failed_at_may_be_asked_again_under_its_key() -> None:
    key = uuid7()
    for code in (Code.UNAVAILABLE, Code.DEADLINE_PASSED):
        response = await refused(request(key), Refusal(code))

        assert (response.status_code, response.headers["retry-after"]) == (503, "2")
        assert told(response)["idempotency_key"] == str(key)


@given(st.integers(1, 2**31), st.text(max_size=20))
def test_a_keys_id_is_a_uuid7_as_old_as_the_key_and_its_users_alone(user_id: int, kind: str) -> None:
    key = uuid7()

    id_ = repeatable_id(key, user_id, kind)

    assert id_ == repeatable_id(key, user_id, kind)
    assert (id_.version, id_.variant, uuid7_time(id_)) == (7, key.variant, uuid7_time(key))
    assert len({id_, key, repeatable_id(key, user_id + 1, kind), repeatable_id(key, user_id, kind + "x")}) == 4


@pytest.mark.parametrize("age", [timedelta(0), timedelta(hours=23), timedelta(minutes=-4)])
def test_a_key_is_good_for_a_day(age: timedelta) -> None:
    key = uuid7()

    assert key == require_key(str(key), datetime.now(UTC) + age)


@pytest.mark.parametrize("age", [timedelta(hours=25), timedelta(minutes=-6)])
def test_an_older_key_or_one_that_is_yet_to_come_is_refused(age: timedelta) -> None:
    with pytest.raises(Refusal) as refusal:
        require_key(str(uuid7()), datetime.now(UTC) + age)

    assert refusal.value.code is Code.INVALID_REQUEST
