"""/v2: opt-outs in people's hands: the review list, adding and lifting, a company's policy."""

from __future__ import annotations

from tests.harness import eventually
from tests.integration.gateway.test_v2 import a_number, call, refused
from tests.integration.gateway.test_v2_inbox import receive
from tests.platform import Platform


async def test_a_text_that_looks_like_a_stop_is_reviewed_and_settled(world: Platform) -> None:
    number = a_number()
    (text,) = await receive(world, number, "please stop texting me")

    async def on_the_list() -> bool:
        answer = await call(world, "GET", "/opt-out-reviews")
        return text["id"] in [item["id"] for item in answer.json()["items"]]

    await eventually(on_the_list)
    [held] = (await call(world, "GET", f"/opt-outs/{number}")).json()["items"]
    assert (held["soft"], held["text_id"]) == (True, text["id"])

    path, settlement = f"/opt-out-reviews/{text['id']}/settlement", {"opt_out": True, "reason": "clear enough"}
    assert (await call(world, "POST", path, json=settlement)).status_code == 204
    refused(await call(world, "POST", path, json=settlement), "wrong_state")
    assert not await on_the_list()
    [held] = (await call(world, "GET", f"/opt-outs/{number}")).json()["items"]
    assert (held["soft"], held["reason"]) == (False, "clear enough")


async def test_a_number_is_opted_out_and_in_again_by_hand(world: Platform) -> None:
    number = a_number()
    new = {"numbers": [number], "reason": "asked on the phone"}
    assert (await call(world, "POST", "/opt-outs", json=new)).status_code == 204
    [held] = (await call(world, "GET", f"/opt-outs/{number}")).json()["items"]
    assert (held["scope"], held["reason"], held["text_id"]) == ("", "asked on the phone", None)

    path = f"/opt-outs/{number}/lift"
    assert (await call(world, "POST", path, json={"reason": "asked us back"})).status_code == 204
    refused(await call(world, "POST", path, json={"reason": "again"}), "not_found")
    refused(await call(world, "POST", path, json={"reason": ""}), "invalid_request")
    assert (await call(world, "GET", f"/opt-outs/{number}")).json()["items"] == []


async def test_a_companys_policy_is_set_whole_and_its_words_are_checked(world: Platform) -> None:
    before = (await call(world, "GET", "/opt-out-policy")).json()
    policy = {"scope": "header", "stop_words": ["LEAVE!"]}
    assert (await call(world, "PUT", "/opt-out-policy", json=policy)).status_code == 204
    assert (await call(world, "GET", "/opt-out-policy")).json() == before | {"scope": "header", "stop_words": ["leave"]}
    refused(await call(world, "PUT", "/opt-out-policy", json={"stop_words": ["START"]}), "invalid_request")
    assert (await call(world, "PUT", "/opt-out-policy", json={})).status_code == 204
    assert (await call(world, "GET", "/opt-out-policy")).json() == before | {"scope": "company", "stop_words": []}
