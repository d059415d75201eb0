"""The eight operations whose pages are known: what is really sent and answered equals the page's sample but for values, to the letter."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest

from tests.conformance.calling import ACCEPTS, asked
from tests.conformance.good import GOOD
from tests.conformance.wire import BY_ROUTE, target, to_form
from tests.conformance.world import World

SAMPLED = {route: doc["samples"] for route, doc in BY_ROUTE.items() if "samples" in doc}


def sampled(*names: str) -> list[object]:
    return [
        pytest.param(route, id=route, marks=pytest.mark.cell(route, "page-exact"))
        for route, samples in SAMPLED.items()
        if samples.keys() >= set(names)
    ]


def test_seven_answers_and_six_requests_are_known() -> None:
    assert len(sampled("response_json", "response_xml")) == 7
    assert len(sampled("request_json")) == 6


def json_shape(value: Any) -> Any:
    """Names in their order and types; of a list, what one item is like. A status is no value: it is kept."""
    if isinstance(value, dict):
        return [
            (name, inner if name in ("Status", "StatusEnum") else json_shape(inner)) for name, inner in value.items()
        ]
    if isinstance(value, list):
        assert value, "an empty list shows nothing"
        shapes = [json_shape(item) for item in value]
        assert shapes == shapes[:1] * len(shapes)
        return shapes[:1]
    return type(value).__name__


def xml_shape(text: str) -> str:
    """The letters of it, without the page's indentation and without values but statuses."""
    return re.sub(r">(?!Success<)[^<>]*</", ">(value)</", re.sub(r"\n *", "", text))


@pytest.mark.parametrize("route", sampled("response_json", "response_xml"))
async def test_an_answer_is_the_pages_sample_but_for_values(world: World, route: str) -> None:
    in_json = await asked(world, route, await GOOD[route](world), "JSON", "JSON")
    in_xml = await asked(world, route, await GOOD[route](world), "JSON", "XML")

    assert json_shape(SAMPLED[route]["response_json"]) == json_shape(in_json.json())
    assert xml_shape(SAMPLED[route]["response_xml"]) == xml_shape(in_xml.text)


@pytest.mark.parametrize("route", sampled("request_json"))
async def test_the_pages_request_with_values_of_ours_is_understood(world: World, route: str) -> None:
    """The page's own text is sent, each value in it replaced: whatever it shows is read."""
    for kind, replaced in (("request_json", _in_json), ("request_xml", _in_xml)):
        sample = SAMPLED[route].get(kind)
        if sample is None:
            continue
        call = await GOOD[route](world)
        headers = {"content-type": ACCEPTS["JSON" if kind == "request_json" else "XML"]}
        answer = await world.platform.http.post(
            target(route, {}), content=replaced(sample, call.body).encode(), headers=headers
        )
        assert answer.json()["Status"] == "Success", answer.text
        await call.holds(answer.json()["Result"] if "Result" in answer.json() else answer.json())


def _in_json(sample: Any, body: Any) -> str:
    """The sample's text with the values of `body`. An import of the page has two entries, one of ours three."""
    if isinstance(sample, dict) and "ListEntries" in sample:
        first, *_ = sample["ListEntries"]
        sample = sample | {"ListEntries": [first] * len(body["ListEntries"])}
    assert json_shape(sample) == json_shape(_full(body)), "our good call does not give what the page shows"
    return json.dumps(body, indent=2)


def _full(body: Any) -> Any:
    """With a date where our entry has none."""
    if isinstance(body, dict) and "ListEntries" in body:
        entries = [each | {"DateOfBirth": each["DateOfBirth"] or "1980-02-29"} for each in body["ListEntries"]]
        return body | {"ListEntries": entries}
    return body


def _in_xml(sample: str, body: Any) -> str:
    if isinstance(body, str):
        return re.sub(r">[^<]+</string>", f">{body}</string>", sample)

    def value(found: re.Match[str]) -> str:
        text = str(body[found[1]]).replace("&", "&amp;").replace("<", "&lt;")
        return f"<{found[1]}>{text}</{found[1]}>"

    return re.sub(r"<(\w+)>[^<]*</\1>", value, sample)


async def test_a_list_of_lists_needs_no_folder(world: World) -> None:
    """Both routes, and neither parameter nor value of the query: the root."""
    token = world.mine.token
    ways = [
        f"{token}/0",
        f"{token}?Folder=0",
        f"{token}",
        f"{token}?Folder=",
        f"{token}?fOLDER=0",
        f"{token}/?folder=0",
    ]

    answers = [await world.platform.http.get(f"/api/Phonelists/GetLists/{way}") for way in ways]

    assert {answer.text for answer in answers} == {answers[0].text}
    assert answers[0].json()["Status"] == "Success"


async def test_a_delete_may_say_it_in_its_body_or_in_its_query(world: World) -> None:
    route = "DELETE api/Campaigns/UnlinkCampaignAndPhonelist"
    for answered in ("JSON", "XML"):
        call = await GOOD[route](world)
        query = to_form(call.body, random.Random(answered)).decode()
        answer = await world.platform.http.delete(f"{target(route, {})}?{query}", headers={"accept": ACCEPTS[answered]})
        assert "Success" in answer.text
        await call.holds("")


async def test_what_is_not_asked_for_in_xml_is_answered_in_json(world: World) -> None:
    path = f"/api/Company/GetHeaders/{world.mine.token}"
    for accept, media_type in {
        "*/*": "application/json",
        "application/*": "application/json",
        "text/*": "text/json",
        "text/xml": "text/xml",
        "image/png": "application/json",
        "application/xml;q=0.5, application/json;q=0.4": "application/xml",
        "text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8": "application/xml",
    }.items():
        answer = await world.platform.http.get(path, headers={"accept": accept})
        assert answer.headers["content-type"] == f"{media_type}; charset=utf-8", accept
    for odd in (
        b"",
        b",",
        b";q=",
        b"*/*;q=nan",
        b"application/json;q=-1",
        b"x/y," * 5_000,
        b"\xe9",
        b"application/xml;q=0",
    ):
        answer = await world.platform.http.get(path, headers={b"accept": odd})
        assert (answer.status_code, answer.json()["Status"]) == (200, "Success"), odd
