"""What a user may do with a campaign, and every way to be refused."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any
from uuid import uuid4

import pytest

from libs.common import clock
from libs.common.contracts.auth import SEND
from libs.common.contracts.base import Ask, Code, Refusal
from libs.common.contracts.campaign import (
    CampaignState,
    CampaignSteered,
    CreateCampaign,
    ExtendCampaign,
    LaunchCampaign,
    LinkList,
    PauseCampaign,
    ReadCampaignBooks,
    ReadProgress,
    RecipientsHandedOver,
    ResumeCampaign,
    SendingWindow,
    ShowCampaign,
    StopCampaign,
    UnlinkList,
)
from libs.common.contracts.policies import OptOutCheck, PolicyChanged
from libs.common.contracts.senders import Brand, BrandsChanged, Header, HeadersChanged
from libs.common.ids import uuid7
from libs.common.service import Process
from tests.harness import Client, eventually, grant, heard
from tests.integration.campaign.conftest import (
    BRAND,
    FOLDER_ID,
    HEADER,
    all_handed_over,
    all_heard,
    by_test_key,
    info,
    launched,
    new_campaign,
    new_list,
    number,
    progress,
    provision,
    sender,
    value,
)


def asked(**changed: object) -> CreateCampaign:
    return CreateCampaign.model_validate({"title": str(uuid4()), "body": "Tea.", "sender": HEADER} | changed)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"title": "   "}, Code.INVALID_REQUEST),
        ({"title": "x" * 201}, Code.INVALID_REQUEST),
        ({"title": "nul \x00"}, Code.INVALID_REQUEST),
        ({"body": " \n"}, Code.TEXT_EMPTY),
        ({"body": "x" * 1_531}, Code.TEXT_TOO_LONG),
        ({"sender": "Somebody"}, Code.INVALID_SENDER),
        ({"sender": ""}, Code.INVALID_SENDER),
        ({"brand": "Nobody's"}, Code.INVALID_REQUEST),
        ({"folder_id": 99}, Code.NOT_FOUND),
        ({"folder_id": 2**62}, Code.NOT_FOUND),
        ({"folder_id": -1}, Code.NOT_FOUND),
        ({"lease_hours": -1}, Code.INVALID_REQUEST),
        ({"lease_hours": 2**40}, Code.INVALID_REQUEST),
        ({"launch_at": clock.now() + timedelta(days=400)}, Code.INVALID_DATE),
        ({"launch_at": clock.now() - timedelta(hours=3), "lease_hours": 2}, Code.INVALID_DATE),
        ({"launch_at": "0001-01-01T00:00:00Z", "lease_hours": 8}, Code.INVALID_DATE),
        ({"launch_at": "0001-01-01T00:00:00Z"}, Code.INVALID_DATE),
    ],
)
async def test_a_campaign_that_cannot_be_sent_as_it_stands_is_refused(
    gateway: Client, company_id: int, changed: dict[str, object], code: Code
) -> None:
    assert await gateway.refused(asked(**changed), sender(company_id)) is code


async def test_sender_and_brand_are_found_without_regard_to_case_and_kept_as_the_company_wrote_them(
    campaign: Process, gateway: Client, company_id: int
) -> None:
    command = asked(sender="HELIOGRAPH", brand="sunrise CAFE", folder_id=FOLDER_ID, body="x" * 1_530)

    id_ = (await gateway.ask(command, sender(company_id))).id

    stored = "SELECT sender || '/' || brand || '/' || folder_id FROM campaigns WHERE id = $1"
    assert await value(campaign, stored, id_) == f"{HEADER}/{BRAND}/{FOLDER_ID}"


async def test_every_week_has_a_campaign_of_the_same_title(campaign: Process, gateway: Client, company_id: int) -> None:
    made = [(await gateway.ask(asked(title="Weekly"), sender(company_id))).id for _ in range(3)]

    assert len(set(made)) == 3
    assert {(await info(gateway, company_id, id_)).title for id_ in made} == {"Weekly"}


async def test_a_repeat_with_the_same_id_changes_nothing_and_gets_the_same_answer(
    campaign: Process, gateway: Client, company_id: int
) -> None:
    may, command_id = sender(company_id), uuid7()
    create = asked()
    first = await gateway.ask(create, may, command_id)
    assert first == await gateway.ask(create, may, command_id)

    list_id = await new_list(gateway, company_id, [number(1)])
    steps: list[Ask[Any]] = [
        LinkList(campaign_id=first.id, list_id=list_id),
        LaunchCampaign(campaign_id=first.id),
        StopCampaign(campaign_id=first.id),
    ]
    for step in steps:
        id_ = uuid7()
        assert await gateway.ask(step, may, id_) == await gateway.ask(step, may, id_)
    assert await value(campaign, "SELECT count(*) FROM campaigns WHERE company_id = $1", company_id) == 1


async def test_lists_are_linked_once_and_only_to_a_draft(gateway: Client, company_id: int) -> None:
    may = sender(company_id)
    list_id = await new_list(gateway, company_id, [number(1)])
    other_list = await new_list(gateway, company_id, [number(2)])
    id_ = await new_campaign(gateway, company_id, list_id)

    assert await gateway.refused(LinkList(campaign_id=id_, list_id=list_id), may) is Code.ALREADY_LINKED
    assert await gateway.refused(UnlinkList(campaign_id=id_, list_id=other_list), may) is Code.NOT_FOUND
    await gateway.ask(UnlinkList(campaign_id=id_, list_id=list_id), may)
    assert await gateway.refused(UnlinkList(campaign_id=id_, list_id=list_id), may) is Code.NOT_FOUND
    await gateway.ask(LinkList(campaign_id=id_, list_id=list_id), may)
    await gateway.ask(LaunchCampaign(campaign_id=id_), may)
    assert await gateway.refused(LinkList(campaign_id=id_, list_id=other_list), may) is Code.WRONG_STATE
    assert await gateway.refused(UnlinkList(campaign_id=id_, list_id=list_id), may) is Code.WRONG_STATE


async def test_a_campaign_without_a_list_is_not_launched(gateway: Client, company_id: int) -> None:
    id_ = await new_campaign(gateway, company_id)

    assert await gateway.refused(LaunchCampaign(campaign_id=id_), sender(company_id)) is Code.NO_RECIPIENTS


async def test_a_campaign_that_began_is_launched_once_and_stopped_once_and_messaging_is_told(
    gateway: Client, company_id: int, windows: list[RecipientsHandedOver]
) -> None:
    may = sender(company_id)
    id_ = await launched(gateway, company_id, await new_list(gateway, company_id, [number(1)]))
    again = await gateway.ask(LaunchCampaign(campaign_id=id_), may)
    assert (again.id, len(again.warnings)) == (id_, 1)
    await all_handed_over(windows, id_, 1)

    async with heard(gateway.infra, CampaignSteered) as told:
        stopped = await gateway.ask(StopCampaign(campaign_id=id_), may)
        steered = CampaignSteered(company_id=company_id, campaign_id=id_, course="stop", revision=1)
        await eventually(lambda: _true(steered in told))
        assert await gateway.ask(StopCampaign(campaign_id=id_), may) == stopped

    assert (stopped.targeted, stopped.handed_over) == (1, 1)
    assert await gateway.refused(LaunchCampaign(campaign_id=id_), may) is Code.WRONG_STATE
    assert told == [steered]


async def test_only_lists_that_leave_numbers_out_are_no_recipients(gateway: Client, company_id: int) -> None:
    may = sender(company_id)
    list_id = await new_list(gateway, company_id, [number(1)])
    id_ = await new_campaign(gateway, company_id)
    await gateway.ask(LinkList(campaign_id=id_, list_id=list_id, exclude=True), may)

    assert await gateway.refused(LinkList(campaign_id=id_, list_id=list_id), may) is Code.ALREADY_LINKED
    assert await gateway.refused(LaunchCampaign(campaign_id=id_), may) is Code.NO_RECIPIENTS
    shown = await info(gateway, company_id, id_)
    assert (shown.list_ids, shown.excluded_list_ids) == ([], [list_id])


NINE, FIVE = time(9), time(17)
OFFICE = SendingWindow(days=["mon", "fri"], opens=NINE, closes=FIVE)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"per_minute": 60, "spread_until": clock.now() + timedelta(days=1)}, Code.INVALID_REQUEST),
        ({"per_minute": 0}, Code.INVALID_REQUEST),
        ({"spread_until": clock.now() - timedelta(minutes=1)}, Code.INVALID_DATE),
        ({"spread_until": clock.now() + timedelta(days=400)}, Code.INVALID_DATE),
        ({"spread_until": clock.now() + timedelta(hours=3), "lease_hours": 2}, Code.INVALID_DATE),
        ({"windows": [{"days": ["mon"], "opens": "17:00", "closes": "09:00"}]}, Code.INVALID_REQUEST),
        ({"windows": [{"days": ["mon"], "opens": "09:00", "closes": "09:00"}]}, Code.INVALID_REQUEST),
        ({"windows": [{"days": ["mon"], "opens": "09:00:30", "closes": "10:00"}]}, Code.INVALID_REQUEST),
        ({"windows": [{"days": ["mon"], "opens": "09:00+01:00", "closes": "10:00"}]}, Code.INVALID_REQUEST),
        ({"windows": [{"days": [], "opens": "09:00", "closes": "10:00"}]}, Code.INVALID_REQUEST),
        ({"windows": [{"days": ["someday"], "opens": "09:00", "closes": "10:00"}]}, Code.INVALID_REQUEST),
        (  # a lease that ends before the next Monday comes
            {
                "windows": [{"days": ["mon"], "opens": "09:00", "closes": "10:00"}],
                "launch_at": "2027-03-02T12:00:00Z",
                "lease_hours": 24,
            },
            Code.INVALID_DATE,
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:Pydantic serializer")  # what is written is not what the contract allows
async def test_a_pace_or_windows_that_make_no_sense_are_refused(
    gateway: Client, company_id: int, changed: dict[str, object], code: Code
) -> None:
    # As a client may write it: the contract's own checks are the owner's to make.
    plain = {"title": "Tea", "body": "Tea.", "sender": HEADER}
    ask = CreateCampaign.model_construct(**plain | changed)  # type: ignore[arg-type]

    assert await gateway.refused(ask, sender(company_id)) is code


async def test_a_pace_and_windows_are_shown_as_they_were_made(gateway: Client, company_id: int) -> None:
    night = SendingWindow(days=["sat"], opens=time(22), closes=time(0))
    until = clock.now() + timedelta(days=8)
    id_ = (await gateway.ask(asked(windows=[OFFICE, night], spread_until=until), sender(company_id))).id
    other = (await gateway.ask(asked(per_minute=90), sender(company_id))).id

    shown = await info(gateway, company_id, id_)
    assert (shown.windows, shown.spread_until, shown.per_minute) == ([OFFICE, night], until, None)
    assert (await info(gateway, company_id, other)).per_minute == 90


async def test_a_campaign_is_not_launched_with_a_header_that_was_taken_from_the_company(
    campaign: Process, gateway: Client, auth: Client, company_id: int
) -> None:
    id_ = await new_campaign(gateway, company_id, await new_list(gateway, company_id, [number(1)]))
    gone = Header(header=HEADER.upper(), active=False, version=2)
    stale = Header(header=HEADER, active=True, version=1)
    await auth.publish(HeadersChanged(company_id=company_id, items=[gone]))
    await eventually(lambda: _no_header(campaign, company_id))
    await auth.publish(HeadersChanged(company_id=company_id, items=[stale]))
    seen = Header(header="seen", active=True, version=1)
    await auth.publish(HeadersChanged(company_id=company_id, items=[seen, stale]))
    await eventually(
        lambda: value(campaign, "SELECT 1 FROM headers WHERE company_id = $1 AND header_key = 'seen'", company_id)
    )

    assert await gateway.refused(LaunchCampaign(campaign_id=id_), sender(company_id)) is Code.INVALID_SENDER
    assert await gateway.refused(asked(), sender(company_id)) is Code.INVALID_SENDER


async def test_a_text_that_does_not_say_how_to_stop_is_launched_with_a_warning_or_not_at_all_by_the_companys_policy(
    campaign: Process, gateway: Client, messaging: Client, company_id: int
) -> None:
    list_id, may = await new_list(gateway, company_id, [number(1)]), sender(company_id)
    silent = [await new_campaign(gateway, company_id, list_id) for _ in range(3)]
    told = (await gateway.ask(asked(body="Tea. Text STOP to 82830"), may)).id
    await gateway.ask(LinkList(campaign_id=told, list_id=list_id), may)

    async def decides(check: OptOutCheck, revision: int) -> None:
        """The older policy comes once more after it, and changes nothing."""
        stale = PolicyChanged(company_id=company_id, opt_out_check="off", revision=0)
        for event in (PolicyChanged(company_id=company_id, opt_out_check=check, revision=revision), stale):
            id_ = uuid7()
            await messaging.publish(event, id_)
            await all_heard(campaign, [id_])

    (warning,) = (await gateway.ask(LaunchCampaign(campaign_id=silent[0]), may)).warnings
    await decides("refuse", 1)
    with pytest.raises(Refusal) as refusal:
        await gateway.ask(LaunchCampaign(campaign_id=silent[1]), may)
    assert (refusal.value.code, refusal.value.detail) == (Code.INVALID_REQUEST, warning)
    assert (await info(gateway, company_id, silent[1])).state is CampaignState.DRAFT
    assert (await gateway.ask(LaunchCampaign(campaign_id=told), may)).warnings == []
    await decides("off", 2)
    assert (await gateway.ask(LaunchCampaign(campaign_id=silent[1]), may)).warnings == []
    await decides("warn", 3)
    assert (await gateway.ask(LaunchCampaign(campaign_id=silent[2]), may)).warnings == [warning]


async def test_a_brand_may_be_named_while_it_is_active(
    campaign: Process, gateway: Client, auth: Client, company_id: int
) -> None:
    async def told(brand: Brand) -> None:
        await auth.publish(BrandsChanged(company_id=company_id, items=[brand]))
        sql = "SELECT 1 FROM brands WHERE company_id = $1 AND version = $2"
        await eventually(lambda: value(campaign, sql, company_id, brand.version))

    named = await gateway.ask(asked(brand=BRAND), sender(company_id))
    await told(Brand(name=BRAND.upper(), active=False, version=2))
    assert await gateway.refused(asked(brand=BRAND), sender(company_id)) is Code.INVALID_REQUEST
    await gateway.ask(asked(brand=" "), sender(company_id))
    assert (await info(gateway, company_id, named.id)).brand == BRAND

    await told(Brand(name=BRAND.upper(), active=True, version=3))
    again = await gateway.ask(asked(brand=BRAND), sender(company_id))
    assert (await info(gateway, company_id, again.id)).brand == BRAND.upper()


async def test_another_companys_campaign_and_list_answer_exactly_as_unknown_ones(
    campaign: Process, gateway: Client, auth: Client, company_id: int
) -> None:
    theirs = await provision(campaign, auth)
    their_list = await new_list(gateway, theirs, [number(1)])
    their_campaign = await new_campaign(gateway, theirs, their_list)
    my_list = await new_list(gateway, company_id, [number(1)])
    mine = await new_campaign(gateway, company_id)
    may = sender(company_id)

    for id_ in (their_campaign, 2**31 + 5, 2**62, 0, -1):
        asks: list[Ask[Any]] = [
            LinkList(campaign_id=id_, list_id=my_list),
            UnlinkList(campaign_id=id_, list_id=my_list),
            LaunchCampaign(campaign_id=id_),
            StopCampaign(campaign_id=id_),
            PauseCampaign(campaign_id=id_),
            ResumeCampaign(campaign_id=id_),
            ExtendCampaign(campaign_id=id_, lease_hours=1),
            ReadProgress(campaign_id=id_),
            ShowCampaign(campaign_id=id_),
        ]
        for ask in asks:
            for caller in (may, by_test_key(company_id)):
                with pytest.raises(Refusal) as refusal:
                    await gateway.ask(ask, caller)
                assert refusal.value.args == (Code.NOT_FOUND, "the company has no such campaign")
    for list_id in (their_list, 2**31 + 5, 2**62, 0, -1):
        assert await gateway.refused(LinkList(campaign_id=mine, list_id=list_id), may) is Code.NOT_FOUND
        assert await gateway.refused(UnlinkList(campaign_id=mine, list_id=list_id), may) is Code.NOT_FOUND
    assert (await progress(gateway, theirs, their_campaign)).state is CampaignState.DRAFT


async def test_only_users_who_may_send_change_campaigns_and_only_operators_read_the_books(
    gateway: Client, console: Client, company_id: int
) -> None:
    id_ = await new_campaign(gateway, company_id)
    commands: list[Ask[Any]] = [
        asked(),
        LinkList(campaign_id=id_, list_id=1),
        UnlinkList(campaign_id=id_, list_id=1),
        LaunchCampaign(campaign_id=id_),
        StopCampaign(campaign_id=id_),
        PauseCampaign(campaign_id=id_),
        ResumeCampaign(campaign_id=id_),
        ExtendCampaign(campaign_id=id_, lease_hours=1),
    ]
    for ask in commands:
        assert await gateway.refused(ask) is Code.SESSION_EXPIRED
        assert await gateway.refused(ask, grant(company_id)) is Code.PERMISSION_DENIED
        assert await console.refused(ask) is Code.PERMISSION_DENIED
    assert await gateway.refused(ReadProgress(campaign_id=id_)) is Code.SESSION_EXPIRED
    assert await gateway.refused(ReadCampaignBooks(), grant(company_id, SEND)) is Code.PERMISSION_DENIED
    await console.ask(ReadCampaignBooks())


async def _true(answer: bool) -> bool:
    return answer


async def _no_header(campaign: Process, company_id: int) -> bool:
    return await value(campaign, "SELECT count(*) FROM headers WHERE company_id = $1 AND active", company_id) == 0
