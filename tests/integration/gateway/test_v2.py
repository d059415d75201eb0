"""/v2 through HTTP: sessions, texts, lists, campaigns."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from libs.common.clock import now
from libs.common.ids import uuid7
from tests.harness import eventually
from tests.platform import PASSWORD, Platform

_names = itertools.count(1)


def uuid7_of(at: datetime) -> UUID:
    """A UUIDv7 as one would have been made at that time."""
    return UUID(int=int(at.timestamp() * 1000) << 80 | 0x7 << 76 | 0b10 << 62)


def a_number() -> str:
    return f"+447700902{next(_names):03d}"


def a_name(what: str = "thing") -> str:
    return f"{what} {next(_names)}"


async def bearer(world: Platform, username: str = "demo") -> dict[str, str]:
    answer = await world.http.post("/v2/sessions", json={"username": username, "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    return {"authorization": f"Bearer {answer.json()['token']}"}


_sessions: dict[str, dict[str, str]] = {}  # of the platform's own users, who keep theirs: a login is slow on purpose


async def session_of(world: Platform, username: str) -> dict[str, str]:
    if username not in ("demo", "operator", "other", "reader"):
        return await bearer(world, username)
    if username not in _sessions:
        _sessions[username] = await bearer(world, username)
    return _sessions[username]


async def call(world: Platform, method: str, path: str, user: str = "demo", **options: Any) -> httpx.Response:
    headers = await session_of(world, user) | options.pop("headers", {})
    return await world.http.request(method, f"/v2{path}", headers=headers, **options)


def refused(answer: httpx.Response, code: str) -> dict[str, Any]:
    """The problem, which is whole and says this code."""
    problem: dict[str, Any] = answer.json()
    assert problem["code"] == code, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == answer.status_code
    assert problem["type"] == f"urn:heliograph:problem:{code}"
    assert problem["title"]
    return problem


async def a_list(world: Platform, *numbers: str, user: str = "demo") -> int:
    made = await call(world, "POST", "/lists", user, json={"title": a_name("list")})
    list_id: int = made.json()["id"]
    csv = "phone_number\n" + "".join(f"{number}\n" for number in numbers)
    headers = {"content-type": "text/csv"}
    added = await call(world, "POST", f"/lists/{list_id}/imports", user, content=csv, headers=headers)
    assert added.json()["added"] == len(numbers)
    return list_id


async def a_campaign(world: Platform, **changes: Any) -> int:
    new = {"title": a_name("campaign"), "text": "Ten per cent off today", "from": "82830"} | changes
    made = await call(world, "POST", "/campaigns", json=new)
    assert made.status_code == 201, made.text
    campaign_id: int = made.json()["id"]
    return campaign_id


# Sessions


async def test_a_session_opens_tells_who_it_is_and_ends(world: Platform) -> None:
    session = await bearer(world)
    who = await world.http.get("/v2/sessions/current", headers=session)
    ended = await world.http.delete("/v2/sessions/current", headers=session)
    after = await world.http.get("/v2/sessions/current", headers=session)

    assert (who.json()["username"], who.json()["company"], who.json()["permissions"]) == ("demo", "Demo", ["send"])
    assert (ended.status_code, ended.content) == (204, b"")
    refused(after, "session_expired")
    assert (after.status_code, after.headers["www-authenticate"]) == (401, 'Bearer error="invalid_token"')


async def test_a_wrong_password_and_an_unknown_user_are_answered_alike(world: Platform) -> None:
    answers = [
        await world.http.post("/v2/sessions", json={"username": name, "password": "not this one"})
        for name in ("demo", a_name("nobody"))
    ]

    assert answers[0].json() == answers[1].json()
    assert {401} == {answer.status_code for answer in answers}
    refused(answers[0], "wrong_credentials")
    assert answers[0].headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Bearer"}, {"authorization": "Basic ZGVtbzpkZW1v"}, {"authorization": ""}]
)
async def test_without_a_bearer_token_one_is_asked_for(world: Platform, headers: dict[str, str]) -> None:
    answer = await world.http.get("/v2/inbound-messages", headers=headers)

    refused(answer, "session_expired")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_every_route_but_logging_in_needs_a_session(world: Platform) -> None:
    paths: dict[str, dict[str, Any]] = (await world.http.get("/openapi.json")).json()["paths"]
    for path, methods in paths.items():
        for method in methods:
            if path.startswith("/v2/") and (path, method) != ("/v2/sessions", "post"):
                url = path.replace("{number}", "07700900123").replace("{header}", "x")
                url = "1".join(part.partition("}")[2] or part for part in url.split("{"))
                bare = await world.http.request(method, url)
                assert bare.status_code in (400, 401), f"{method} {path}: {bare.text}"
                headers = {"authorization": "Bearer no-such-token", "content-type": "text/csv"}
                unknown = await world.http.request(method, url, headers=headers)
                assert unknown.status_code in (400, 401, 415), f"{method} {path}: {unknown.text}"


# Texts


async def test_a_text_is_queued_under_its_id_and_reaches_the_handset(world: Platform) -> None:
    number, text = a_number(), "Grüße & <love> €5 \U0001f389"

    answer = await call(world, "POST", "/messages", json={"to": number, "from": "heliograph", "text": text})

    assert answer.status_code == 202
    assert answer.json()["state"] == "queued"
    assert UUID(answer.json()["id"]).version == 7
    assert answer.headers["cache-control"] == "no-store"
    texts = await eventually(lambda: world.simulator.messages_of(number))
    assert [("Heliograph", text)] == [(each["from"], each["text"]) for each in texts]


async def test_the_same_idempotency_key_sends_one_text(world: Platform) -> None:
    number, key = a_number(), {"idempotency-key": str(uuid7())}
    body = {"to": number, "from": "82830", "text": "once"}

    ids = {(await call(world, "POST", "/messages", json=body, headers=key)).json()["id"] for _ in range(3)}
    other = await call(world, "POST", "/messages", json=body | {"text": "twice"})

    assert len(ids) == 1
    assert other.json()["id"] not in ids

    async def both() -> bool:
        return len(await world.simulator.messages_of(number)) >= 2

    await eventually(both)
    assert sorted(each["text"] for each in await world.simulator.messages_of(number)) == ["once", "twice"]


async def test_an_idempotency_key_of_another_company_or_for_something_else_is_another_key(world: Platform) -> None:
    number, key = a_number(), {"idempotency-key": str(uuid7())}

    title = a_name()
    made = await call(world, "POST", "/lists", json={"title": title}, headers=key)
    again = await call(world, "POST", "/lists", json={"title": title}, headers=key)
    mine = await call(world, "POST", "/messages", json={"to": number, "from": "82830", "text": "mine"}, headers=key)
    theirs = await call(
        world, "POST", "/messages", "other", json={"to": number, "from": "Other", "text": "theirs"}, headers=key
    )

    assert made.json() == again.json()
    assert len({made.json()["id"], mine.json()["id"], theirs.json()["id"]}) == 3

    async def both() -> bool:
        return len(await world.simulator.messages_of(number)) >= 2

    await eventually(both)


@pytest.mark.parametrize(
    "key",
    ["", "1", str(uuid4()), str(uuid7_of(now() - timedelta(days=2))), str(uuid7_of(now() + timedelta(hours=1)))],
)
async def test_an_idempotency_key_that_is_no_fresh_uuid7_is_refused(world: Platform, key: str) -> None:
    body = {"to": a_number(), "from": "82830", "text": "x"}

    refused(await call(world, "POST", "/messages", json=body, headers={"idempotency-key": key}), "invalid_request")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"to": "not a number"}, "invalid_number"),
        ({"to": ""}, "invalid_number"),
        ({"from": "Somebody"}, "invalid_sender"),
        ({"from": "Other"}, "invalid_sender"),  # another company's
        ({"text": " "}, "text_empty"),
        ({"text": "x" * 1531}, "text_too_long"),
        ({"text": "nul \x00"}, "invalid_request"),
        ({"text": None}, "invalid_request"),
        ({"txt": "x"}, "invalid_request"),
        ({"text": 5}, "invalid_request"),
        ({"text": ["x"]}, "invalid_request"),
    ],
)
async def test_a_text_that_cannot_be_sent_is_refused_by_code(
    world: Platform, changes: dict[str, Any], code: str
) -> None:
    body = {"to": a_number(), "from": "82830", "text": "x"} | changes

    answer = await call(world, "POST", "/messages", json=body)

    refused(answer, code)
    assert answer.status_code == 400


async def test_one_who_may_not_send_is_told_so(world: Platform) -> None:
    answer = await call(world, "POST", "/messages", "reader", json={"to": a_number(), "from": "82830", "text": "x"})

    refused(answer, "permission_denied")
    assert answer.status_code == 403


async def test_one_who_texts_stop_gets_no_text_until_start(world: Platform) -> None:
    number = a_number()
    body = {"to": number, "from": "82830", "text": "again"}

    async def answered(status: int) -> bool:
        return (await call(world, "POST", "/messages", json=body)).status_code == status

    await world.simulator.control.post(f"/handsets/{number}/messages", json={"to": "82830", "text": "STOP"})
    await eventually(lambda: answered(409))
    refused(await call(world, "POST", "/messages", json=body), "opted_out")
    await world.simulator.control.post(f"/handsets/{number}/messages", json={"to": "82830", "text": "start"})
    await eventually(lambda: answered(202))


async def test_what_a_handset_texts_is_read_by_pages_and_stands_in_the_conversation(world: Platform) -> None:
    number, began = a_number(), now() - timedelta(seconds=1)
    await call(world, "POST", "/messages", json={"to": number, "from": "82830", "text": "Are you coming?"})
    await eventually(lambda: world.simulator.messages_of(number))
    await world.simulator.control.post(f"/handsets/{number}/messages", json={"to": "82830", "text": "Yes, at 8 ✓"})

    async def conversation() -> list[dict[str, Any]]:
        items = (await call(world, "GET", f"/conversations/{number}")).json()["items"]
        return items if len(items) == 2 else []

    out, answer = await eventually(conversation)
    page = (await call(world, "GET", "/inbound-messages", params={"since": began.isoformat()})).json()
    (received,) = [item for item in page["items"] if item["from"] == number]
    rest = (await call(world, "GET", "/inbound-messages", params={"after": page["items"][-1]["id"]})).json()

    assert (out["direction"], out["from"], out["to"], out["text"]) == ("out", "82830", number, "Are you coming?")
    assert (answer["direction"], answer["from"], answer["text"]) == ("in", number, "Yes, at 8 ✓")
    assert (received["to"], received["text"], received["id"]) == ("82830", "Yes, at 8 ✓", answer["id"])
    assert (page["after"], rest) == (None, {"items": [], "after": None})
    assert (await call(world, "GET", f"/conversations/{number}", "other")).json()["items"] == []


@pytest.mark.parametrize(
    "query", [{"since": "yesterday"}, {"since": "2026-01-01T00:00:00"}, {"after": "x"}, {"since": ""}]
)
async def test_a_page_that_makes_no_sense_is_refused(world: Platform, query: dict[str, str]) -> None:
    assert refused(await call(world, "GET", "/inbound-messages", params=query), "invalid_request")["errors"]


# Lists and campaigns


async def test_a_campaign_goes_once_to_each_number_of_its_lists_and_tells_how_far_it_is(world: Platform) -> None:
    numbers = [a_number() for _ in range(3)]
    campaign_id, list_id = await a_campaign(world), await a_list(world, *numbers)
    await call(world, "POST", f"/campaigns/{campaign_id}/lists", json={"list_id": list_id})
    draft = (await call(world, "GET", f"/campaigns/{campaign_id}")).json()

    launched = await call(world, "POST", f"/campaigns/{campaign_id}/launch")

    async def finished() -> dict[str, Any]:
        told: dict[str, Any] = (await call(world, "GET", f"/campaigns/{campaign_id}")).json()
        return told if told["state"] == "finished" else {}

    told = await eventually(finished)
    assert (draft["state"], launched.status_code) == ("draft", 202)
    assert (told["targeted"], told["waiting"], told["handed_over"], told["ended"]) == (3, 0, 0, {"delivered": 3})
    for number in numbers:
        texts = await world.simulator.messages_of(number)
        assert [each["text"] for each in texts] == ["Ten per cent off today"]
    again = await call(world, "POST", f"/campaigns/{campaign_id}/launch")
    refused(again, "wrong_state")
    assert again.status_code == 409


async def test_what_a_campaign_lacks_is_told_by_code(world: Platform) -> None:
    campaign_id, list_id = await a_campaign(world), await a_list(world, a_number())
    link = {"list_id": list_id}
    refused(await call(world, "POST", f"/campaigns/{campaign_id}/launch"), "no_recipients")
    refused(await call(world, "POST", f"/campaigns/{campaign_id}/lists", json={"list_id": 2**40}), "not_found")
    assert (await call(world, "POST", f"/campaigns/{campaign_id}/lists", json=link)).status_code == 201
    refused(await call(world, "POST", f"/campaigns/{campaign_id}/lists", json=link), "already_linked")
    stopped = await call(world, "POST", f"/campaigns/{campaign_id}/stop")
    assert stopped.json() == {"targeted": 0, "handed_over": 0, "can_still_arrive": 0}


async def test_a_title_that_is_there_is_a_duplicate_in_whatever_case(world: Platform) -> None:
    title = a_name("summer")
    assert (await call(world, "POST", "/lists", json={"title": title})).status_code == 201

    answer = await call(world, "POST", "/lists", json={"title": title.upper()})

    refused(answer, "duplicate")
    assert answer.status_code == 409


async def test_another_companys_things_are_as_unknown_as_those_that_never_were(world: Platform) -> None:
    campaign_id, list_id = await a_campaign(world), await a_list(world)
    csv = {"content": "phone\n07700900123\n", "headers": {"content-type": "text/csv"}}
    asks: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", "/lists/{list}", {}),
        ("POST", "/lists/{list}/imports", csv),
        ("GET", "/campaigns/{campaign}", {}),
        ("POST", "/campaigns/{campaign}/launch", {}),
        ("POST", "/campaigns/{campaign}/stop", {}),
        ("POST", "/campaigns/{campaign}/pause", {}),
        ("POST", "/campaigns/{campaign}/resume", {}),
        ("POST", "/campaigns/{campaign}/extend", {"json": {"lease_hours": 5}}),
        ("POST", "/campaigns/{campaign}/test", {"json": {"numbers": ["07700 900123"]}}),
        ("POST", "/campaigns/{campaign}/dry-run", {}),
        ("GET", "/campaigns/{campaign}/dry-run", {}),
        ("GET", "/campaigns/{campaign}/preview", {}),
        ("GET", "/campaigns/{campaign}/progress", {}),
        ("GET", "/campaigns/{campaign}/report", {}),
        ("GET", "/campaigns/{campaign}/report.csv", {}),
        ("GET", "/campaigns/{campaign}/recipients", {}),
        ("GET", "/campaigns/{campaign}/events", {}),
        ("POST", "/campaigns/{campaign}/lists", {"json": {"list_id": list_id}}),
    ]
    for method, path, options in asks:
        theirs = path.replace("{list}", str(list_id)).replace("{campaign}", str(campaign_id))
        nobodys = path.replace("{list}", "999999").replace("{campaign}", "999999")
        foreign = await call(world, method, theirs, "other", **options)
        unknown = await call(world, method, nobodys, "other", **options)
        assert (foreign.status_code, foreign.json()) == (404, unknown.json()), path


@pytest.mark.parametrize("id_", ["0", "-1", "x", "1.5", str(2**63 - 1), str(2**63), "9" * 5000, "%00", "1e3"])
@pytest.mark.parametrize("path", ["/lists/{}", "/campaigns/{}"])
async def test_no_id_is_answered_with_a_failure(world: Platform, path: str, id_: str) -> None:
    assert (await call(world, "GET", path.format(id_))).status_code in (400, 404)


@pytest.mark.parametrize(
    "changes",
    [
        {"launch_at": "tomorrow"},
        {"launch_at": "2026-12-24T18:00:00"},  # when, without an offset?
        {"launch_at": "9999-12-31T23:59:59-12:00"},
        {"launch_at": "0001-01-01T00:00:00Z"},
        {"launch_at": "2026-01-01T00:00:00Z", "lease_hours": 1},
        {"lease_hours": -1},
        {"lease_hours": 2**62},
        {"folder_id": 2**62},
        {"brand": "Nobody's"},
        {"title": ""},
        {"title": "\x00"},
        {"text": "\x00"},
        {"from": "\x00"},
    ],
)
async def test_a_campaign_that_makes_no_sense_is_refused(world: Platform, changes: dict[str, Any]) -> None:
    new = {"title": a_name("campaign"), "text": "x", "from": "82830"} | changes

    assert (await call(world, "POST", "/campaigns", json=new)).status_code in (400, 404)
