"""/v2/policy, /v2/consents and headers' approval: over HTTP, by whoever may."""

from __future__ import annotations

import csv
import io
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx

from libs.common.clock import now
from libs.common.ids import uuid7
from tests.harness import eventually
from tests.integration.gateway.asking import ask
from tests.integration.gateway.test_v2 import a_name, a_number, call
from tests.platform import Platform

DEFAULTS = {
    "near_gsm": False,
    "in_doubt": "leave",
    "opt_out_check": "warn",
    "quiet_from": None,
    "quiet_until": None,
    "time_zone": "Europe/London",
    "repetition_max": 20,
    "verification_countries": ["GB"],
}


async def test_a_policy_is_shown_and_replaced(world: Platform) -> None:
    assert (await call(world, "GET", "/policy", "other")).json() == DEFAULTS
    new = {"quiet_from": "21:00", "quiet_until": "08:00", "opt_out_check": "refuse"}
    assert (await call(world, "PUT", "/policy", "other", json=new)).status_code == 204
    told = (await call(world, "GET", "/policy", "other")).json()
    assert told == DEFAULTS | {"quiet_from": "21:00:00", "quiet_until": "08:00:00", "opt_out_check": "refuse"}
    assert (
        await call(world, "PUT", "/policy", "other", json=told)
    ).status_code == 204  # what was told can be sent back
    assert (await call(world, "PUT", "/policy", "other", json={})).status_code == 204
    assert (await call(world, "GET", "/policy", "other")).json() == DEFAULTS


async def test_a_policy_that_makes_no_sense_is_refused_and_not_everybody_sets_it(world: Platform) -> None:
    for bad in (
        {"quiet_from": "21:00"},
        {"quiet_from": "25:00", "quiet_until": "08:00"},
        {"quiet_from": 75600, "quiet_until": "08:00"},
        {"time_zone": "Europe/Atlantis"},
        {"repetition_max": 0},
        {"repetition_max": 21},
        {"verification_countries": ["gb"]},
        {"opt_out_check": "maybe"},
        {"unknown": 1},
    ):
        answer = await call(world, "PUT", "/policy", "demo", json=bad)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), bad
    assert (await call(world, "PUT", "/policy", "reader", json={})).status_code == 403
    assert (await call(world, "GET", "/policy", "reader")).status_code == 200


async def test_a_launch_goes_by_the_policy_on_both_surfaces(world: Platform) -> None:
    list_id = (await call(world, "POST", "/lists", json={"title": a_name("launches")})).json()["id"]
    await call(world, "POST", f"/lists/{list_id}/entries", json={"entries": [{"phone_number": a_number()}]})
    new = {"title": a_name(), "text": "Tea", "from": "82830", "launch_at": (now() + timedelta(days=30)).isoformat()}
    id_ = (await call(world, "POST", "/campaigns", json=new)).json()["id"]
    assert (await call(world, "POST", f"/campaigns/{id_}/lists", json={"list_id": list_id})).status_code == 201

    async def launched() -> httpx.Response:
        """And a draft again."""
        answer = await call(world, "POST", f"/campaigns/{id_}/launch")
        assert (await call(world, "POST", f"/campaigns/{id_}/stop")).status_code == 200
        return answer

    warned = await launched()
    assert warned.status_code == 202, warned.text
    (warning,) = warned.json()["warnings"]
    assert (warned.status_code, warned.json()["id"], "how to stop" in warning) == (202, id_, True)
    await call(world, "PUT", "/policy", json={"opt_out_check": "refuse"})

    async def is_refused() -> dict[str, Any]:
        answer = await launched()
        return answer.json() if answer.status_code == 400 else {}

    problem = await eventually(is_refused)
    assert (problem["code"], problem["detail"]) == ("invalid_request", warning)
    documented = await ask(world, "Campaigns/LaunchCampaign", SessionToken=await world.token(), CampaignID=id_)
    assert documented["Status"] == "InvalidRequest"
    await call(world, "PUT", "/policy", json={})
    await eventually(lambda: _is(launched, 202))


async def _is(asked: Callable[[], Awaitable[httpx.Response]], status: int) -> bool:
    return (await asked()).status_code == status


async def test_consents_are_recorded_listed_and_exported_and_stop_where_that_is_asked(world: Platform) -> None:
    number, other = a_number(), a_number()
    given = {
        "id": str(uuid7()),
        "number": number,
        "kind": "given",
        "how": "web_form",
        "at": "2026-03-01T12:00:00Z",
        "wording": "=HYPERLINK(1), text me",
        "reference": "form 4711",
    }
    gone = given | {"id": str(uuid7()), "number": other, "kind": "withdrawn", "how": "import", "wording": ""}
    body = {"consents": [given, gone], "stops": True}
    answer = await call(world, "POST", "/consents", "demo", json=body)
    assert (answer.status_code, answer.json()) == (201, {"recorded": 2, "repeated": 0, "stopped": 1})
    again = await call(world, "POST", "/consents", "demo", json=body)
    assert again.json() == {"recorded": 0, "repeated": 2, "stopped": 0}

    [listed] = (await call(world, "GET", "/consents", "reader", params={"number": number})).json()["items"]
    assert {name: listed[name] for name in given} == given
    stopped = (await call(world, "GET", "/opt-outs", "demo", params={"limit": "1000"})).json()["items"]
    assert other in [item["number"] for item in stopped]
    assert number not in [item["number"] for item in stopped]

    export = await call(world, "GET", "/consents/export", "demo", params={"number": number})
    assert export.headers["content-type"] == "text/csv; charset=utf-8"
    [row] = csv.DictReader(io.StringIO(export.text, newline=""))
    assert (row["number"], row["wording"], row["kind"]) == (number, "'=HYPERLINK(1), text me", "given")
    whole = list(csv.DictReader(io.StringIO((await call(world, "GET", "/consents/export", "demo")).text, newline="")))
    assert {number, other} <= {row["number"] for row in whole}

    theirs = await call(world, "GET", "/consents/export", "other")
    assert number not in theirs.text
    assert (await call(world, "POST", "/consents", "reader", json=body)).status_code == 403
    wrong = body | {"consents": [given | {"number": "nobody"}]}
    assert (await call(world, "POST", "/consents", "demo", json=wrong)).json()["code"] == "invalid_number"


async def test_a_header_that_looks_protected_waits_for_an_operators_word(world: Platform) -> None:
    name = a_name("Company")
    company_id = (await call(world, "POST", "/admin/companies", "operator", json={"name": name})).json()["id"]
    path = f"/admin/companies/{company_id}/headers"
    added = await call(world, "POST", path, "operator", json={"header": "NHS news"})
    assert (added.status_code, added.json()["approval"], added.json()["active"]) == (201, "pending", False)
    decision = {"approved": True, "evidence": "Letter of the trust, file 3"}
    assert (await call(world, "POST", f"{path}/NHS news/decisions", "demo", json=decision)).status_code == 403
    switched = await call(world, "PATCH", f"{path}/NHS news", "operator", json={"active": True})
    assert (switched.status_code, switched.json()["code"]) == (409, "wrong_state")
    assert (await call(world, "POST", f"{path}/NHS news/decisions", "operator", json=decision)).status_code == 204
    [told] = (await call(world, "GET", f"{path}/NHS news/decisions", "operator")).json()["items"]
    assert (told["approved"], told["evidence"]) == (True, decision["evidence"])
    company = (await call(world, "GET", "/admin/companies", "operator", params={"name": name})).json()["items"][0]
    assert [(each["header"], each["active"], each["approval"]) for each in company["headers"]] == [
        ("NHS news", True, "approved")
    ]

    assert (await call(world, "PUT", f"{path}/NHS news/brand", "operator", json={"brand": "No"})).status_code == 404
    assert (await call(world, "PUT", f"{path}/NHS news/brand", "operator", json={"brand": ""})).status_code == 204
    generic = await call(world, "POST", path, "operator", json={"header": "V3RIFY"})
    assert (generic.status_code, generic.json()["code"]) == (400, "invalid_sender")


async def test_an_operator_protects_a_name_and_takes_that_back(world: Platform) -> None:
    assert (await call(world, "POST", "/admin/protected-names", "operator", json={"name": "Zebra"})).status_code == 204
    assert (await call(world, "POST", "/admin/protected-names", "operator", json={"name": "2EBRA"})).status_code == 204
    assert (await call(world, "POST", "/admin/protected-names", "operator", json={"name": "Z3bra"})).status_code == 409
    names = (await call(world, "GET", "/admin/protected-names", "operator")).json()["items"]
    assert {"Zebra", "2EBRA"} <= set(names)
    for name in ("Zebra", "2EBRA"):
        assert (await call(world, "DELETE", f"/admin/protected-names/{name}", "operator")).status_code == 204
    assert (await call(world, "DELETE", f"/admin/protected-names/{'x' * 100}", "operator")).status_code == 404
    assert (await call(world, "GET", "/admin/protected-names", "demo")).status_code == 403
