"""An outside subscriber hears one company's public events, and can do nothing else with its credential."""

from __future__ import annotations

from datetime import UTC, datetime

import aio_pika
import aiormq
import orjson
import pytest

from libs.common.contracts.inbound import ContactsStopped, ContactState, InboundText, TextsReceived
from libs.common.ids import uuid7
from libs.common.service import Process
from tests.harness import client
from tests.infra import Infra
from tests.integration.console.conftest import Heliograph

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def received(company_id: int, body: str) -> TextsReceived:
    text = InboundText(id=uuid7(), number="+447700900001", to="82830", body=body, at=AT)
    return TextsReceived(company_id=company_id, items=[text])


async def test_a_subscriber_reads_its_companys_public_events_and_no_others(
    auth: Process, infra: Infra, heliograph: Heliograph
) -> None:
    company = int(await heliograph.done("company", "create", "Subscribed"))
    url, named = (await heliograph.done("subscriber", "create", "crm", "--company", "Subscribed")).splitlines()
    queue = named.removeprefix("queue ")
    async with client(infra, "inbound") as inbound:
        await inbound.publish(received(company + 1, "another's"))
        await inbound.publish(received(company, "ours"))
        stopped = ContactState(number="+447700900001", header="82830", sequence=1, at=AT)
        await inbound.publish(ContactsStopped(company_id=company, items=[stopped]))

    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        own = await channel.get_queue(queue, ensure=False)
        first, second = await own.get(timeout=5), await own.get(timeout=5)
        assert first is not None
        assert second is not None
        await first.ack()
        await second.ack()

    assert orjson.loads(first.body)["items"][0]["body"] == "ours"
    assert [first.type, second.type] == ["inbound.texts.received.v1", "inbound.contacts.stopped.v1"]
    await heliograph.done("subscriber", "delete", "crm")


async def test_a_subscriber_may_only_read_its_own_queue(auth: Process, infra: Infra, heliograph: Heliograph) -> None:
    await heliograph.done("company", "create", "Curious")
    await heliograph.done("subscriber", "create", "other", "--company", "Curious")
    url, _ = (await heliograph.done("subscriber", "create", "curious", "--company", "Curious")).splitlines()

    async def refused(attempt: str) -> bool:
        connection = await aio_pika.connect(url)
        async with connection:
            channel = await connection.channel()
            try:
                match attempt:
                    case "read another's queue":
                        queue = await channel.get_queue("subscriber.other", ensure=False)
                        await queue.get(fail=False)
                    case "declare a queue":
                        await channel.declare_queue("subscriber.curious.more")
                    case "bind its queue to everything":
                        queue = await channel.get_queue("subscriber.curious", ensure=False)
                        await queue.bind("heliograph.events", "#")
                    case "publish":
                        exchange = await channel.get_exchange("heliograph.events", ensure=False)
                        await exchange.publish(aio_pika.Message(b"{}"), "inbound.texts.received.1")
                    case "publish past the exchanges":
                        await channel.default_exchange.publish(aio_pika.Message(b"{}"), "inbound.event.ordinary")
                return False
            except aiormq.exceptions.ChannelAccessRefused:
                return True

    attempts = (
        "read another's queue",
        "declare a queue",
        "bind its queue to everything",
        "publish",
        "publish past the exchanges",
    )
    assert {attempt: await refused(attempt) for attempt in attempts} == dict.fromkeys(attempts, True)
    for name in ("other", "curious"):
        await heliograph.done("subscriber", "delete", name)


async def test_a_subscriber_is_made_once_and_gone_when_deleted(
    auth: Process, infra: Infra, heliograph: Heliograph
) -> None:
    await heliograph.done("company", "create", "Once")
    url, _ = (await heliograph.done("subscriber", "create", "once", "--company", "Once")).splitlines()

    again = await heliograph("subscriber", "create", "once", "--company", "Once")
    await heliograph.done("subscriber", "delete", "once")
    gone = await heliograph("subscriber", "delete", "once")

    assert (again.code, again.out) == (1, "")
    assert "already" in again.err
    assert "there is no subscriber once" in gone.err
    with pytest.raises(aio_pika.exceptions.AMQPConnectionError):
        await aio_pika.connect(url)


async def test_a_subscriber_needs_a_plain_name_a_company_and_the_management_interface(
    auth: Process, heliograph: Heliograph
) -> None:
    await heliograph.done("company", "create", "Plain")

    odd = await heliograph("subscriber", "create", "../x", "--company", "Plain")
    nobodys = await heliograph("subscriber", "create", "x", "--company", "Nobody")
    away = await heliograph("subscriber", "create", "x", "--company", "Plain", MANAGEMENT_URL="http://a:b@127.0.0.1:1")

    assert [odd.code, nobodys.code, away.code] == [1, 1, 2]
    assert away.err.startswith("RabbitMQ's management interface does not answer")
