"""/v2/campaigns/{id}/events: what a watcher is told, when, and when no more."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from libs.common.contracts.campaign import ReadProgress
from services.gateway.__main__ import SERVICE as GATEWAY
from services.gateway.api import campaign_events
from tests.harness import eventually, running
from tests.integration.gateway.test_v2 import bearer, refused
from tests.integration.gateway.test_v2_campaigns import call, launched, linked, people
from tests.platform import Platform

_titles = itertools.count(1)


@dataclass
class Heard:
    """What one watcher was told. `ended`: its stream was closed, and how."""

    headers: httpx.Headers = field(default_factory=httpx.Headers)
    events: list[tuple[float, str, str, Any]] = field(default_factory=list)  # when, event, id, data
    comments: list[str] = field(default_factory=list)
    ended: str = ""

    @property
    def titles(self) -> list[str]:
        return [data["title"] for _, name, _, data in self.events if name == "progress"]


async def _listen(heard: Heard, http: httpx.AsyncClient, campaign_id: int, headers: dict[str, str]) -> None:
    try:
        async with http.stream("GET", f"/v2/campaigns/{campaign_id}/events", headers=headers) as answer:
            assert answer.status_code == 200, await answer.aread()
            heard.headers = answer.headers
            told: dict[str, str] = {}
            async for line in answer.aiter_lines():
                if line.startswith(":"):
                    heard.comments.append(line)
                elif line:
                    name, _, value = line.partition(": ")
                    told[name] = value
                elif told:
                    heard.events.append((time.monotonic(), told["event"], told["id"], json.loads(told["data"])))
                    told = {}
        heard.ended = "whole"
    except httpx.HTTPError as error:
        heard.ended = repr(error)


@asynccontextmanager
async def watching(base_url: Any, campaign_id: int, *headers: dict[str, str]) -> AsyncIterator[list[Heard]]:
    """A watcher for each of these headers."""
    heard = [Heard() for _ in headers]
    limits = httpx.Limits(max_connections=500)
    async with httpx.AsyncClient(base_url=base_url, timeout=30, limits=limits) as http:
        tasks = [
            asyncio.create_task(_listen(each, http, campaign_id, head))
            for each, head in zip(heard, headers, strict=True)
        ]
        try:
            yield heard
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def renamed(world: Platform, campaign_id: int) -> str:
    """Changes what its progress says, as nothing but time would do to it."""
    title = f"title {next(_titles)}"
    db = world.processes["campaign"].db
    assert db is not None
    async with db.transaction() as tx:
        await tx.execute("UPDATE campaigns SET title = $2 WHERE id = $1", campaign_id, title)
    return title


async def all_true(checks: list[Callable[[], bool]], within_s: float = 10) -> None:
    async def true() -> bool:
        return all(check() for check in checks)

    await eventually(true, within_s)


async def test_a_watcher_is_told_at_once_of_each_change_and_of_the_end(world: Platform) -> None:
    campaign_id, session = await linked(world, *people({}, {}, {})), await bearer(world)
    async with watching(world.http.base_url, campaign_id, session) as (heard,):
        await all_true([lambda: bool(heard.events)])
        assert heard.events[0][3]["state"] == "draft"
        await launched(world, campaign_id)
        await all_true([lambda: bool(heard.ended)], within_s=30)

    assert heard.ended == "whole"
    assert heard.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert heard.headers["cache-control"] == "no-store"
    names = [name for _, name, _, _ in heard.events]
    assert names == ["progress"] * (len(names) - 1) + ["end"]
    last = heard.events[-2][3]
    assert (last["state"], last["targeted"], last["ended"]) == ("finished", 3, {"delivered": 3})
    ids = [id_ for _, _, id_, _ in heard.events]
    assert len(set(ids)) == len(ids)
    told = (await call(world, "GET", f"/campaigns/{campaign_id}/progress")).json()
    assert told == last


async def test_many_changes_are_told_once_a_second_and_the_last_one_surely(world: Platform) -> None:
    campaign_id, session = await linked(world, *people({})), await bearer(world)
    async with watching(world.http.base_url, campaign_id, session) as (heard,):
        await all_true([lambda: bool(heard.events)])
        until_s = time.monotonic() + 3
        while time.monotonic() < until_s:
            title = await renamed(world, campaign_id)
        await all_true([lambda: title in heard.titles])

    times = [at for at, *_ in heard.events]
    assert all(b - a > 0.9 for a, b in itertools.pairwise(times)), times
    assert len(times) <= 6


async def test_a_hundred_watchers_cost_one_question_a_second(world: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign_id, session = await linked(world, *people({})), await bearer(world)
    asker = world.processes["gateway"].kernel.asker
    ask, asked = asker.ask, list[float]()

    async def counted(question: Any, *more: Any) -> Any:
        if question == ReadProgress(campaign_id=campaign_id):
            asked.append(time.monotonic())
        return await ask(question, *more)

    async with watching(world.http.base_url, campaign_id, *[session] * 100) as heard:
        await all_true([lambda each=each: bool(each.events) for each in heard])  # type: ignore[misc]  # bound per watcher
        monkeypatch.setattr(asker, "ask", counted)
        begun_s = time.monotonic()
        title = await renamed(world, campaign_id)
        await all_true([lambda each=each: title in each.titles for each in heard])  # type: ignore[misc]  # bound per watcher
        title = await renamed(world, campaign_id)
        await all_true([lambda each=each: title in each.titles for each in heard])  # type: ignore[misc]  # bound per watcher
        took_s = time.monotonic() - begun_s

    assert 1 <= len(asked) <= took_s + 1, (asked, took_s)


async def test_the_end_of_a_session_ends_its_stream_and_no_other(world: Platform) -> None:
    campaign_id, leaver, stayer = await linked(world, *people({})), await bearer(world), await bearer(world)
    async with watching(world.http.base_url, campaign_id, leaver, stayer) as (left, stayed):
        await all_true([lambda: bool(left.events and stayed.events)])
        assert (await world.http.delete("/v2/sessions/current", headers=leaver)).status_code == 204
        await all_true([lambda: bool(left.ended)], within_s=5)
        title = await renamed(world, campaign_id)
        await all_true([lambda: title in stayed.titles])

    assert [name for _, name, _, _ in left.events] == ["progress"]
    assert title not in left.titles


async def test_who_comes_again_is_told_only_what_is_new(world: Platform) -> None:
    campaign_id, session = await linked(world, *people({})), await bearer(world)
    async with watching(world.http.base_url, campaign_id, session) as (heard,):
        await all_true([lambda: bool(heard.events)])
    seen = heard.events[-1][2]
    again = session | {"Last-Event-ID": seen}
    async with watching(world.http.base_url, campaign_id, again) as (heard,):
        await all_true([lambda: "content-type" in heard.headers])
        title = await renamed(world, campaign_id)
        await all_true([lambda: bool(heard.events)])

    assert heard.titles == [title]


async def test_who_has_been_told_of_the_end_need_not_come_again(world: Platform) -> None:
    campaign_id, session = await linked(world, *people({})), await bearer(world)
    await launched(world, campaign_id)
    async with watching(world.http.base_url, campaign_id, session) as (heard,):
        await all_true([lambda: bool(heard.ended)], within_s=20)
    path = f"/v2/campaigns/{campaign_id}/events"
    again = await world.http.get(path, headers=session | {"Last-Event-ID": heard.events[-1][2]})
    afresh = await world.http.get(path, headers=session)

    assert (again.status_code, again.content) == (204, b"")
    assert [line for line in afresh.text.splitlines() if line.startswith("event")] == ["event: progress", "event: end"]


async def test_silence_is_kept_alive(world: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign_events, "KEEP_ALIVE_S", 1.5)
    campaign_id, session = await linked(world, *people({})), await bearer(world)
    async with watching(world.http.base_url, campaign_id, session) as (heard,):
        await all_true([lambda: len(heard.comments) >= 2])

    assert set(heard.comments) == {": keep-alive"}
    assert len(heard.events) == 1


async def test_a_gateway_that_stops_lets_its_watchers_go(world: Platform) -> None:
    campaign_id, session = await linked(world, *people({})), await bearer(world)
    async with running(world.infra, GATEWAY, http_port=0) as second:
        base_url = f"http://127.0.0.1:{second.kernel.bound['http']}"
        async with watching(base_url, campaign_id, session) as (heard,):
            await all_true([lambda: bool(heard.events)])
            begun_s = time.monotonic()
            await second.stop()
            took_s = time.monotonic() - begun_s
            await all_true([lambda: bool(heard.ended)], within_s=2)
        second.stop = lambda: asyncio.sleep(0)  # type: ignore[method-assign]  # it is stopped

    assert heard.ended == "whole"
    assert took_s < 4


async def test_a_watcher_that_goes_leaves_nothing_behind(world: Platform) -> None:
    campaign_id, session = await linked(world, *people({})), await bearer(world)
    gateway = world.processes["gateway"].app
    async with watching(world.http.base_url, campaign_id, session, session) as heard:
        await all_true([lambda: all(each.events for each in heard)])
        assert gateway.in_hand >= 2

    async def forgotten() -> bool:
        return not gateway.watches._watches and gateway.in_hand == 0

    await eventually(forgotten)


async def test_what_nobody_may_watch_is_refused_before_the_stream(world: Platform) -> None:
    campaign_id = await linked(world, *people({}))
    path = f"/v2/campaigns/{campaign_id}/events"

    refused(await world.http.get(path), "session_expired")
    refused(await world.http.get(path, headers=await bearer(world, "other")), "not_found")
    refused(await world.http.get(f"{path}?since=1", headers=await bearer(world)), "invalid_request")


async def test_a_company_watches_no_more_than_its_share(world: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.gateway.watching.WATCHERS_OF_A_COMPANY_MAX", 1)
    campaign_id, session = await linked(world, *people({})), await bearer(world)
    async with watching(world.http.base_url, campaign_id, session) as (heard,):
        await all_true([lambda: bool(heard.events)])
        answer = await world.http.get(f"/v2/campaigns/{campaign_id}/events", headers=session)

    refused(answer, "limit_reached")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "30")
