"""Which carrier takes a text: by what routes say, by what is up, by how carriers do; and what operators are told of it."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.messaging import State
from libs.common.contracts.routing import (
    AddCarrier,
    AddRoute,
    CarrierState,
    ListCarriers,
    NewRoute,
    RemoveCarrier,
    SetCarrier,
)
from libs.common.ids import uuid7
from services.messaging.routing.rules import Routable
from services.messaging.sending.rules import Lane
from tests.harness import eventually
from tests.integration.messaging.conftest import number
from tests.integration.messaging.operated import BEACON, CABLE, Operated, smpp


@pytest.mark.parametrize(
    ("route", "fits", "other"),
    [
        ({"prefix": "+44770090020"}, {"to": "+447700900201"}, {"to": "+447700900211"}),
        ({"country": "GB"}, {"to": "+447700900202"}, {"to": "+33612345678"}),
        ({"sender": "HELIOGRAPH"}, {"sender": "Heliograph"}, {"sender": "82830"}),
        ({"lane": "ordinary"}, {}, None),
        ({"lane": "bulk"}, None, {}),
    ],
)
async def test_a_route_takes_what_it_names(
    operated: Operated, route: dict[str, Any], fits: dict[str, Any] | None, other: dict[str, Any] | None
) -> None:
    await operated.route(BEACON, **route)
    await operated.route(CABLE, position=20)
    await operated.seen()

    for text, carrier in ((fits, BEACON), (other, CABLE)):
        if text is not None:
            id_ = await operated.send(**({"to": "+447700900203"} | text))
            await operated.messaging.becomes(id_, State.DELIVERED)
            assert await operated.way(id_) == carrier
            assert any(step.startswith("route: ") and carrier in step for step in await operated.steps(id_))


async def test_a_companys_route_is_not_anothers(operated: Operated) -> None:
    await operated.route(BEACON)
    await operated.seen()
    theirs = await operated.send(number(204), company=17)
    await operated.messaging.becomes(theirs, State.DELIVERED)
    assert await operated.way(theirs) == "embedded"


async def test_weights_share_the_texts_of_one_position(operated: Operated) -> None:
    await operated.route(BEACON, weight=300)
    await operated.route(CABLE, weight=100)
    await operated.seen()
    ways = Counter[str]()
    for n in range(40):
        ways[await operated.way(await operated.send(number(205 + n)))] += 1
    assert ways[BEACON] + ways[CABLE] == 40
    assert 15 <= ways[BEACON] < 40  # of 30 expected: outside of this, once in some hundred million runs


async def test_texts_go_another_way_while_a_carrier_is_paused_and_back_once_it_is_resumed(operated: Operated) -> None:
    await operated.route(BEACON)
    await operated.route(CABLE, position=20)
    await operated.set(BEACON, state=CarrierState.PAUSED)

    meanwhile = await operated.send(number(250))
    await operated.messaging.becomes(meanwhile, State.DELIVERED)
    assert await operated.way(meanwhile) == CABLE

    await operated.set(BEACON, state=CarrierState.ACTIVE)
    after = await operated.send(number(251))
    await operated.messaging.becomes(after, State.DELIVERED)
    assert await operated.way(after) == BEACON


async def test_what_waits_for_a_paused_carrier_goes_another_way_once_there_is_one_and_that_is_told(
    operated: Operated,
) -> None:
    await operated.route(BEACON)
    await operated.set("embedded", state=CarrierState.PAUSED)  # the last resort of every installation
    await operated.set(BEACON, state=CarrierState.PAUSED)
    id_ = await operated.send(number(252))
    assert [step for step in await operated.steps(id_) if "waits" in step] == [
        "route: routes at 10: beacon 100; waits, for none is up: beacon is paused"
    ]
    assert await operated.way(id_) == BEACON

    await operated.route(CABLE, position=20)
    await operated.messaging.becomes(id_, State.DELIVERED)
    steps = await operated.steps(id_)
    assert "sent another way than beacon, which is paused" in steps
    assert await operated.way(id_) == CABLE


async def test_a_carrier_without_a_session_is_left_out_until_it_has_one_again(
    operated: Operated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.messaging.connections.rules.DOWN_AFTER_S", 0.5)
    await operated.route(BEACON)
    await operated.route(CABLE, position=20)
    no_room = {"system_id": BEACON, "binds_max": 0}
    (await operated.simulator.control.post("/accounts", json=no_room)).raise_for_status()
    order = {"account": f"smpp:{BEACON}", "do": "disconnect"}
    (await operated.simulator.control.post("/sessions", json=order)).raise_for_status()

    async def left_out() -> bool:
        decision = operated.app.routing.decide(Routable(uuid7(), operated.company, Lane.ORDINARY, number(1), "82830"))
        return decision is not None and "before it, beacon is not connected" in decision.why

    await eventually(left_out)
    id_ = await operated.send(number(253))
    await operated.messaging.becomes(id_, State.DELIVERED)
    assert await operated.way(id_) == CABLE
    info = await operated.info(BEACON)
    assert (info.held, info.binds[0].connected) == ("is not connected", False)
    assert info.binds[0].trouble, "the carrier's own words"

    (await operated.simulator.control.delete("/accounts")).raise_for_status()

    async def up_again() -> bool:
        return not (await operated.info(BEACON)).held

    await eventually(up_again, within_s=20)
    await operated.seen()
    back = await operated.send(number(254))
    await operated.messaging.becomes(back, State.DELIVERED)
    assert await operated.way(back) == BEACON


async def test_a_carrier_that_drains_sends_what_it_has_and_gets_nothing_new(operated: Operated) -> None:
    await operated.route(BEACON)
    await operated.route(CABLE, position=20)
    await operated.seen()
    await operated.simulator.fault("throttle", count=1, number=number(255), retry_after_s=2.0)
    waiting = await operated.send(number(255))

    async def put_back() -> bool:
        return "not taken by beacon: throttled" in " ".join(await operated.steps(waiting))

    await eventually(put_back)
    await operated.set(BEACON, state=CarrierState.DRAINING)
    new = await operated.send(number(256))
    for id_ in (waiting, new):
        await operated.messaging.becomes(id_, State.DELIVERED, within_s=20)
    assert (await operated.way(waiting), await operated.way(new)) == (BEACON, CABLE)


async def test_a_text_for_which_there_is_no_route_is_rejected_and_says_so(operated: Operated) -> None:
    [default] = await operated.rows("SELECT id, position, weight FROM routes WHERE position = 1000")
    await operated.execute("UPDATE routes SET company_id = 1 WHERE id = $1", default["id"])
    try:
        await operated.seen()
        id_ = await operated.send(number(257))
        await operated.messaging.becomes(id_, State.REJECTED)
        assert (await operated.steps(id_))[-1] == "rejected no route: no carrier is for such texts"
    finally:
        await operated.execute("UPDATE routes SET company_id = NULL WHERE id = $1", default["id"])


async def test_a_carrier_whose_errors_rise_gets_less_until_they_fall_and_each_decision_says_how_much(
    operated: Operated,
) -> None:
    await operated.route(BEACON)
    await operated.route(CABLE)

    async def shares(errors: int) -> float:
        """After one round of the shift that is due, with so many errors of a hundred in the last ten minutes."""
        await operated.execute("DELETE FROM carrier_minutes")
        await operated.execute(
            "INSERT INTO carrier_minutes SELECT id, date_trunc('minute', clock_timestamp()), $1, $2, 0, 0"
            " FROM carriers WHERE name = 'beacon'",
            100 - errors,
            errors,
        )
        before = (await operated.info(BEACON)).share
        await operated.execute("UPDATE carriers SET shifted_at = shifted_at - interval '1 hour' WHERE name = 'beacon'")

        async def moved() -> bool:
            [row] = await operated.rows(
                "SELECT shifted_at > clock_timestamp() - interval '1 minute' AS done FROM carriers WHERE name = 'beacon'"
            )
            return bool(row["done"])

        await eventually(moved, within_s=15)
        after = (await operated.info(BEACON)).share
        assert after != before
        return after

    assert await shares(errors=30) == 0.5
    await operated.seen()
    id_ = await operated.send(number(258))
    assert "route: routes at 10: beacon 50, cable 100" in await operated.steps(id_)
    assert await shares(errors=30) == 0.25
    assert await shares(errors=1) == 0.5
    assert await shares(errors=1) == 0.75
    assert await shares(errors=1) == 1.0


async def test_what_a_carrier_does_is_counted_by_its_parts(operated: Operated) -> None:
    await operated.route(BEACON)
    await operated.seen()
    await operated.simulator.fault("throttle", count=1, number=number(259), retry_after_s=0.1)
    id_ = await operated.send(number(259))
    await operated.messaging.becomes(id_, State.DELIVERED, within_s=20)

    async def counted() -> bool:
        lately = (await operated.info(BEACON)).lately
        return lately.errors >= 1 and lately.answered >= 1 and lately.delivered >= 1

    await eventually(counted, within_s=15)


async def test_secrets_are_shown_to_nobody_and_kept_sealed(operated: Operated) -> None:
    listed = (await operated.console.ask(ListCarriers())).model_dump_json()
    assert "simulate" not in listed
    assert (await operated.info(BEACON)).settings["password"] == "**********"
    for row in await operated.rows("SELECT settings FROM carriers"):
        assert b"simulate" not in row["settings"]


async def test_wrong_settings_are_refused_by_their_names(operated: Operated) -> None:
    wrong = smpp(70_000, "x" * 16, colour="red")
    with pytest.raises(Refusal) as refusal:
        await operated.console.ask(AddCarrier(name="third", protocol="smpp", settings=wrong))
    assert refusal.value.code is Code.INVALID_REQUEST
    for name in ("port", "system_id", "colour"):
        assert f"{name}: " in str(refusal.value), name
    assert "simulate" not in str(refusal.value)
    assert await operated.console.refused(AddCarrier(name="third", protocol="pigeon", settings={})) == (
        Code.INVALID_REQUEST
    )
    own = AddCarrier(name="embedded", protocol="smpp", settings=smpp(1, "x"))
    assert await operated.console.refused(own) == Code.WRONG_STATE
    nobody = NewRoute(carrier="nobody")
    assert await operated.console.refused(AddRoute(route=nobody)) == Code.NOT_FOUND
    assert await operated.console.refused(SetCarrier(name="nobody", parts_per_s=1)) == Code.NOT_FOUND


async def test_a_carrier_is_removed_only_once_nothing_can_wait_for_it(operated: Operated) -> None:
    console = operated.console
    await console.ask(AddCarrier(name="third", protocol="smpp", settings=smpp(1, "third")))
    await operated.route("third")
    await operated.set("embedded", state=CarrierState.PAUSED)  # the last resort of every installation
    id_ = await operated.send(number(260))
    assert await operated.way(id_) == "third"
    assert await console.refused(RemoveCarrier(name="third")) == Code.WRONG_STATE, "it is active"
    await operated.set("third", state=CarrierState.PAUSED)
    old = "UPDATE carriers SET state_at = state_at - interval '1 minute' WHERE name = 'third'"
    assert await console.refused(RemoveCarrier(name="third")) == Code.WRONG_STATE, "not everybody knows yet"
    await operated.execute(old)
    assert await console.refused(RemoveCarrier(name="third")) == Code.WRONG_STATE, "a text waits for it"

    await operated.route(CABLE, position=20)
    await operated.messaging.becomes(id_, State.DELIVERED)
    await console.ask(RemoveCarrier(name="third"))
    assert await console.refused(RemoveCarrier(name="third")) == Code.NOT_FOUND
    assert (
        await operated.rows("SELECT FROM routes r WHERE NOT EXISTS (SELECT FROM carriers c WHERE c.id = r.carrier)")
        == []
    )
    assert "third" not in json.dumps([carrier.name for carrier in (await console.ask(ListCarriers())).items])
