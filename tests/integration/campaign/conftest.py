"""campaign and phonelist, running for the module, and those who ask and tell them: gateway, console, auth, messaging."""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

import pytest

from libs.common import clock
from libs.common.bus import Asked, Commands, each, only
from libs.common.contracts.auth import SEND, FolderChanged, FoldersChanged
from libs.common.contracts.base import ITEMS_MAX, Code, Refusal
from libs.common.contracts.campaign import (
    CampaignInfo,
    CreateCampaign,
    LaunchCampaign,
    LinkList,
    Progress,
    ReadProgress,
    Recipient,
    RecipientsHandedOver,
    ShowCampaign,
)
from libs.common.contracts.messaging import RecipientsSettled, SettledText, State, SteerCampaign, Steered
from libs.common.contracts.phonelist import AddEntries, CreateList, Entry
from libs.common.contracts.senders import Brand, BrandsChanged, Header, HeadersChanged
from libs.common.db import Tx
from libs.common.grants import Caller, Signer
from libs.common.ids import uuid7
from libs.common.service import Process, Service
from libs.common.settings import ServiceSettings
from services.campaign.__main__ import SERVICE
from services.phonelist.__main__ import SERVICE as PHONELIST
from tests.harness import PRIVATE_KEY, Client, client, eventually, grant, heard, running
from tests.infra import Infra

HEADER, BRAND, FOLDER_ID = "Heliograph", "Sunrise Cafe", 5

# No other test's: what they published may still wait in campaign's queues.
companies = itertools.count(70_001)


@pytest.fixture(scope="module")
async def phonelist(infra: Infra) -> AsyncIterator[Process]:
    async with running(infra, PHONELIST) as process:
        yield process


@dataclass
class Steering:
    """messaging, as far as campaign asks it what can still arrive: answers what the test says, or nothing that helps while it is `away`."""

    asked: list[SteerCampaign] = field(default_factory=list)
    can_still_arrive: int = 0
    away: bool = False

    async def answer(self, tx: Tx, ask: Asked[SteerCampaign]) -> Steered:
        self.asked.append(ask.body)
        if self.away:
            raise Refusal(Code.UNAVAILABLE)
        return Steered(can_still_arrive=self.can_still_arrive)


@pytest.fixture(scope="module")
async def steering(infra: Infra) -> AsyncIterator[Steering]:
    steering = Steering()
    commands: Commands = {SteerCampaign: only("campaign")(each(steering.answer))}
    async with running(infra, Service("messaging", ServiceSettings, commands=commands)):
        yield steering


@pytest.fixture(scope="module")
async def campaign(infra: Infra, phonelist: Process, steering: Steering) -> AsyncIterator[Process]:
    async with running(infra, SERVICE) as process:
        yield process


@pytest.fixture(scope="session")
async def gateway(infra: Infra) -> AsyncIterator[Client]:
    async with client(infra, "gateway") as asks:
        yield asks


@pytest.fixture(scope="session")
async def console(infra: Infra) -> AsyncIterator[Client]:
    async with client(infra, "console") as asks:
        yield asks


@pytest.fixture(scope="session")
async def auth(infra: Infra) -> AsyncIterator[Client]:
    async with client(infra, "auth") as tells:
        yield tells


@pytest.fixture(scope="session")
async def messaging(infra: Infra) -> AsyncIterator[Client]:
    async with client(infra, "messaging") as tells:
        yield tells


@pytest.fixture
async def windows(infra: Infra) -> AsyncIterator[list[RecipientsHandedOver]]:
    """What messaging is handed from now on."""
    async with heard(infra, RecipientsHandedOver) as collected:
        yield collected  # type: ignore[misc]  # events of this one type


@pytest.fixture
async def company_id(campaign: Process, auth: Client) -> int:
    """A company of the test's own, that auth has told campaign about."""
    return await provision(campaign, auth)


async def provision(process: Process, auth: Client) -> int:
    id_ = next(companies)
    header = Header(header=HEADER, active=True, version=1)
    await auth.publish(HeadersChanged(company_id=id_, items=[header]))
    await auth.publish(BrandsChanged(company_id=id_, items=[Brand(name=BRAND, active=True, version=1)]))
    await auth.publish(FoldersChanged(company_id=id_, items=[FolderChanged(folder_id=FOLDER_ID, version=1)]))

    async def told() -> bool:
        return (
            await value(
                process,
                "SELECT (SELECT count(*) FROM headers WHERE company_id = $1) + (SELECT count(*) FROM brands WHERE company_id = $1)"
                " + (SELECT count(*) FROM folders WHERE company_id = $1)",
                id_,
            )
            == 3
        )

    await eventually(told)
    return id_


async def value(process: Process, sql: str, *args: object) -> object:
    """One value from the service's database, as its owner sees it."""
    assert process.db is not None
    async with process.db.transaction() as tx:
        return await tx.fetchval(sql, *args)


def sender(company_id: int) -> str:
    """A grant that may send."""
    return grant(company_id, SEND)


def by_test_key(company_id: int) -> str:
    """A grant that may send, as a test key gets it."""
    return Signer(PRIVATE_KEY).sign(Caller(company_id, 1, frozenset({SEND}), test=True), time.time() + 86_400)


def number(index: int) -> str:
    return f"+4477{index:08d}"


async def new_list(gateway: Client, company_id: int, numbers: Sequence[str]) -> int:
    """A list of any length."""
    may = sender(company_id)
    list_id = (await gateway.ask(CreateList(title=str(uuid4())), may)).id
    for first in range(0, len(numbers), ITEMS_MAX):
        entries = [Entry(phone_number=each) for each in numbers[first : first + ITEMS_MAX]]
        await gateway.ask(AddEntries(list_id=list_id, entries=entries), may)
    return list_id


async def new_campaign(
    gateway: Client, company_id: int, *lists: int, launch_at: datetime | None = None, lease_hours: int = 0
) -> int:
    """A draft, linked with `lists`."""
    may = sender(company_id)
    create = CreateCampaign(
        title=str(uuid4()), body="Tea is served.", sender=HEADER, launch_at=launch_at, lease_hours=lease_hours
    )
    id_ = (await gateway.ask(create, may)).id
    for list_id in lists:
        await gateway.ask(LinkList(campaign_id=id_, list_id=list_id), may)
    return id_


async def launched(gateway: Client, company_id: int, *lists: int, launch_at: datetime | None = None) -> int:
    id_ = await new_campaign(gateway, company_id, *lists, launch_at=launch_at)
    await gateway.ask(LaunchCampaign(campaign_id=id_), sender(company_id))
    return id_


async def progress(gateway: Client, company_id: int, campaign_id: int) -> Progress:
    return await gateway.ask(ReadProgress(campaign_id=campaign_id), grant(company_id))


async def info(gateway: Client, company_id: int, campaign_id: int) -> CampaignInfo:
    return await gateway.ask(ShowCampaign(campaign_id=campaign_id), grant(company_id))


def recipients_of(windows: Sequence[RecipientsHandedOver], campaign_id: int) -> dict[int, Recipient]:
    """By position; a window that came twice (the outbox promises at least once) must be the same."""
    found: dict[int, Recipient] = {}
    for window in windows:
        if window.campaign_id == campaign_id:
            for recipient in window.items:
                assert recipient == found.setdefault(recipient.position, recipient)
    return found


async def all_handed_over(windows: Sequence[RecipientsHandedOver], campaign_id: int, count: int) -> list[Recipient]:
    """Waits until `count` recipients of the campaign have come out of the broker; in order of position."""

    async def came() -> bool:
        return len(recipients_of(windows, campaign_id)) >= count

    await eventually(came, within_s=15)
    found = recipients_of(windows, campaign_id)
    return [found[position] for position in sorted(found)]


async def tell_ends(
    messaging: Client,
    company_id: int,
    campaign_id: int,
    recipients: Sequence[Recipient],
    state: State = State.DELIVERED,
    version: int = 3,
    reason: str = "",
    parts: int = 1,
    took_ms: int | None = None,
) -> list[UUID]:
    """As messaging tells them: by events of up to ITEMS_MAX, whose ids it answers."""
    now, events = clock.now(), list[UUID]()
    for first in range(0, len(recipients), ITEMS_MAX):
        items = [
            SettledText(
                id=recipient.id,
                to=recipient.number,
                state=state,
                reason=reason,
                at=now,
                version=version,
                campaign_id=campaign_id,
                position=recipient.position,
                parts=parts,
                took_ms=took_ms,
            )
            for recipient in recipients[first : first + ITEMS_MAX]
        ]
        events.append(uuid7())
        await messaging.publish(RecipientsSettled(company_id=company_id, items=items), events[-1])
    return events


async def all_heard(process: Process, events: Sequence[UUID]) -> None:
    """Waits until the service has consumed these events, whatever it made of them."""

    async def heard_all() -> bool:
        return await value(process, "SELECT count(*) FROM inbox WHERE id = ANY($1::uuid[])", events) == len(events)

    await eventually(heard_all)
