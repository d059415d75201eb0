"""Binds: one process at a time has each, copies share them, and one whose lease is lost writes nothing more."""

from __future__ import annotations

from contextlib import suppress

from libs.common.contracts.messaging import State
from libs.common.contracts.routing import AddCarrier, CarrierState, RemoveCarrier
from libs.common.db import AWAY
from services.messaging.connections import store
from services.messaging.connections.rules import LEASE_S
from services.messaging.connector import SERVICE as CONNECTOR
from tests.harness import eventually, running
from tests.integration.messaging.conftest import number
from tests.integration.messaging.operated import BEACON, Operated, smpp


async def test_two_connectors_share_a_carriers_binds_and_the_rest_is_taken_over_when_one_stops(
    operated: Operated,
) -> None:
    dsn = operated.messaging.process.settings.database_url  # type: ignore[attr-defined]
    async with running(operated.console.infra, CONNECTOR, dsn, simulator_url="tcp://127.0.0.1:1") as second:
        settings = smpp(operated.simulator.smpp_port, "shared", binds=2)
        await operated.console.ask(AddCarrier(name="shared", protocol="smpp", settings=settings))

        async def owners() -> set[str]:
            binds = (await operated.info("shared")).binds
            return {bind.owner for bind in binds if bind.connected}

        async def shared() -> bool:
            return len([bind for bind in (await operated.info("shared")).binds if bind.connected]) == 2

        await eventually(shared)
        assert await owners() <= {operated.connector.app.worker, second.app.worker}
        await operated.route("shared")
        await operated.seen()
        ids = [await operated.send(number(700 + n)) for n in range(10)]
        for id_ in ids:
            await operated.messaging.becomes(id_, State.DELIVERED)
    await eventually(shared, within_s=2 * LEASE_S)
    assert await owners() == {operated.connector.app.worker}
    assert [len(await operated.messaging.on_handset(number(700 + n))) for n in range(10)] == [1] * 10

    await operated.set("shared", state=CarrierState.PAUSED)
    await operated.execute("UPDATE carriers SET state_at = state_at - interval '1 minute' WHERE name = 'shared'")
    await operated.console.ask(RemoveCarrier(name="shared"))


async def nobodys_carrier(operated: Operated) -> int:
    """With a bind that no process looks for."""
    [carrier] = await operated.rows(
        "INSERT INTO carriers (name, kind, settings, state) VALUES ('nobodys', 'pigeon', '', 'paused') RETURNING id"
    )
    await operated.execute("INSERT INTO binds (carrier, bind) VALUES ($1, 1)", carrier["id"])
    id_: int = carrier["id"]
    return id_


async def test_a_bind_has_one_owner_until_its_lease_is_over_and_each_owner_an_epoch_of_its_own(
    operated: Operated,
) -> None:
    db = operated.app.db
    carrier_id = await nobodys_carrier(operated)
    async with db.transaction() as tx:
        assert await store.acquire_free(tx, carrier_id, "first") == (1, 1)
    async with db.transaction() as tx:
        assert await store.acquire_free(tx, carrier_id, "second") is None
        assert await store.renew(tx, carrier_id, 1, "first", 1, True, "")
        assert not await store.renew(tx, carrier_id, 1, "second", 1, True, "")
    await operated.execute("UPDATE binds SET lease_until = clock_timestamp() WHERE carrier = $1", carrier_id)
    async with db.transaction() as tx:
        assert not await store.renew(tx, carrier_id, 1, "first", 1, True, ""), "too late, though nobody has it"
        assert await store.acquire_free(tx, carrier_id, "second") == (1, 2)
        await store.release(tx, carrier_id, 1, "first", 1)  # comes late, and changes nothing
        assert await store.renew(tx, carrier_id, 1, "second", 2, True, "")
    await operated.execute("DELETE FROM carriers WHERE id = $1", carrier_id)


async def test_one_that_is_stopped_while_it_renews_its_lease_keeps_no_other_from_the_bind(operated: Operated) -> None:
    """Paused within its transaction, it held the row, and with it the carrier, until PostgreSQL ended it: 30 s."""
    db = operated.app.db
    carrier_id = await nobodys_carrier(operated)
    async with db.transaction() as tx:
        assert await store.acquire_free(tx, carrier_id, "first") == (1, 1)

    async def free() -> bool:
        async with db.transaction() as other:
            return await store.acquire_free(other, carrier_id, "second") == (1, 2)

    with suppress(AWAY):  # its transaction was ended for it
        async with db.transaction() as tx:
            assert await store.renew(tx, carrier_id, 1, "first", 1, True, "")
            await eventually(free, within_s=3 * LEASE_S)
    await operated.execute("DELETE FROM carriers WHERE id = $1", carrier_id)


async def test_who_lost_its_lease_closes_its_client_and_what_it_had_is_written_by_nobody(operated: Operated) -> None:
    await operated.route(BEACON)
    await operated.seen()
    desk = operated.desk(BEACON)
    assert desk.held is not None
    # As though this process had been paused for long: another took the bind.
    await operated.execute(
        "UPDATE binds SET owner = 'another', epoch = epoch + 1, lease_until = clock_timestamp() + interval '3 seconds'"
        " WHERE carrier = $1",
        desk.id,
    )
    desk.held.write_until = 0.0  # as the time that passed would have it
    id_ = await operated.send(number(720))

    async def closed() -> bool:
        return desk not in operated.connector.app.desks and not desk.carrier.connected

    await eventually(closed, within_s=20)
    assert await operated.messaging.on_handset(number(720)) == []
    # The other one's lease runs out: this process may take the bind again, with an epoch of its own.
    await operated.messaging.becomes(id_, State.DELIVERED, within_s=20)
    assert operated.desk(BEACON) is not desk
    assert len(await operated.messaging.on_handset(number(720))) == 1


async def test_new_settings_make_the_client_anew_and_lose_nothing(operated: Operated) -> None:
    await operated.route(BEACON)
    await operated.seen()
    before = operated.desk(BEACON)
    settings = smpp(operated.simulator.smpp_port, BEACON, long="udh16", window=20)
    await operated.console.ask(AddCarrier(name=BEACON, protocol="smpp", settings=settings))
    ids = [await operated.send(number(730 + n)) for n in range(10)]
    for id_ in ids:
        await operated.messaging.becomes(id_, State.DELIVERED, within_s=20)
    assert operated.desk(BEACON) is not before
    assert [len(await operated.messaging.on_handset(number(730 + n))) for n in range(10)] == [1] * 10
