"""Refusals: for each documented operation, each status it can be brought to, and how.

Owns the table `REFUSED`: route -> status -> a call, made afresh, that is answered so. What no call can bring about stands in `NEVER`, with the reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from libs.common.contracts.senders import AddHeader, SetHeaderActive
from tests.conformance.good import GOOD, Call, Make
from tests.conformance.wire import BY_ROUTE
from tests.conformance.world import PERSON, STOPPED, World, fresh, fresh_number
from tests.harness import eventually

NOBODYS = 2_000_000_001  # an id that nothing has
FAR_AHEAD = "2099-01-01T00:00:00Z"
SENDING = (
    "POST api/Messages/SendInstantMessage",
    "POST api/Messages/SendTwoFactorToken",
    "POST api/Campaigns/CreateCampaign",
    "POST api/Campaigns/LinkCampaignAndPhonelist",
    "DELETE api/Campaigns/UnlinkCampaignAndPhonelist",
    "POST api/Campaigns/LaunchCampaign",
    "POST api/Campaigns/StopCampaign",
)

# By enum: what stands in it and is never met there.
NEVER = {
    ("RequestStatus", "PermissionDenied"): "reading needs no permission",
    ("RequestStatus", "LimitReached"): "reading has no limit of its own",
    (
        "RequestStatus",
        "InvalidRequest",
    ): "what these operations are given stands in path and query: unreadable, it is HTTP's 400",
    ("RequestStatus", "TooMany"): "a long answer is passed on by pages, however long",
    ("SendMessageStatus", "LimitReached"): "sending has no limit yet",
    ("CampaignStatus", "LimitReached"): "campaigns have no limit yet",
    ("PhoneListStatus", "LimitReached"): "lists have no limit yet",
    ("PhoneListStatus", "PermissionDenied"): "lists need no permission",
    ("PhoneListStatus", "WrongState"): "a list has no states",
    ("PhoneListStatus", "TooMany"): "entries beyond one message go as an import",
    ("ReusableTokenResult", "PermissionDenied"): "needs no permission",
    ("ReusableTokenResult", "InvalidRequest"): "is asked nothing but the session",
    ("ReusableTokenResult", "LimitReached"): "a twenty-first token takes the place of one of the others",
    ("ReusableTokenResult", "TooMany"): "as LimitReached",
    ("LogonStatus", "SessionExpired"): "logging in needs no session",
    ("LogonStatus", "PermissionDenied"): "logging in needs no permission",
    ("LogonStatus", "InvalidRequest"): "what is missing is no right password",
}

REFUSED: defaultdict[str, dict[str, list[Make]]] = defaultdict(lambda: defaultdict(list))


def refused(status: str, route: str, **changes: Any) -> None:
    """The good call but for these values, of path, query or body; a function is asked the world."""

    async def make(world: World) -> Call:
        call = await GOOD[route](world)
        given = {name: value(world) if callable(value) else value for name, value in changes.items()}
        if isinstance(call.body, Mapping):
            return Call(call.params, dict(call.body) | given)
        return Call(dict(call.params) | given, given.get("body", call.body))

    REFUSED[route][status].append(make)


def refused_when(status: str, *routes: str) -> Callable[[Make], Make]:
    """The call of these operations that the decorated function makes."""

    def keep(make: Make) -> Make:
        for route in routes:
            REFUSED[route][status].append(make)
        return make

    return keep


for _route, _doc in BY_ROUTE.items():
    if "SessionToken" in str(_doc["params"]) + str(_doc["body"]):
        refused("SessionExpired", _route, SessionToken="unknown")
        refused("SessionExpired", _route, SessionToken=lambda world: world.dead["expired"])
for _route in SENDING:
    refused("PermissionDenied", _route, SessionToken=lambda world: world.reader_token)

# Security

LOGIN = "POST api/Security/Login"
refused("InvalidCredentials", LOGIN, Username="nobody at all", Password="wrong")
refused("InvalidCredentials", LOGIN, Username="", Password="")
refused("InvalidCredentials", "POST api/Security/LoginWithReusableToken", body="unknown")
refused("InvalidCredentials", "POST api/Security/LoginWithReusableToken", body=lambda world: world.mine.token)
refused("InvalidCredentials", "POST api/Security/VerifyReusableToken", body="unknown")


@refused_when("LimitReached", LOGIN)
async def guessed_too_often(world: World) -> Call:
    wrong = {"Username": fresh("guessed"), "Password": "wrong"}
    for _ in range(10):
        await world.platform.http.post("/api/Security/Login", json=wrong)
    return Call(body=wrong)


# Message, TextIn

SEND_TEXT, SEND_CODE = "POST api/Messages/SendInstantMessage", "POST api/Messages/SendTwoFactorToken"
for _route in (SEND_TEXT, SEND_CODE):
    for _number in ("", "banana", "0800 ABC", "123"):
        refused("InvalidPhoneNumber", _route, ToNumber=_number)
    for _header in ("", "Somebody", "82831"):  # the last is another company's
        refused("InvalidSender", _route, FromNumber=_header)
    refused("MessageTooLong", _route, Message="x" * 2000, **({"Token": ""} if _route == SEND_CODE else {}))
refused("MessageEmpty", SEND_TEXT, Message=" \n")
refused("InvalidRequest", SEND_CODE, Message="A code without the place that Token names")
refused("OptedOut", SEND_TEXT, ToNumber=STOPPED)
for _rule in ("3", "13 digits", "letters digits", "six"):
    refused("InvalidRule", SEND_CODE, GenerationRule=_rule)
refused("InvalidPhoneNumber", "GET api/Messages/GetConversation/{SessionToken}/{PhoneNumber}", PhoneNumber="banana")

CONTACTS = "GET api/TextIn/GetContacts/{SessionToken}/{TextInID}?DateFrom={DateFrom}&DateTo={DateTo}"
refused("NotFound", CONTACTS, TextInID=NOBODYS)
refused("NotFound", CONTACTS, TextInID=lambda world: world.theirs.text_in_id)
refused("InvalidDate", CONTACTS, DateFrom="2026-03-01", DateTo="2026-03-09")
refused("InvalidDate", CONTACTS, DateFrom="2026-03-02", DateTo="2026-03-01")

# PhoneList

CREATE_LIST = "POST api/Phonelists/CreateList"
refused("InvalidRequest", CREATE_LIST, Title=" ")
refused("InvalidRequest", CREATE_LIST, Title="x" * 201)
refused("NotFound", CREATE_LIST, Folder=NOBODYS)
refused("NotFound", CREATE_LIST, Folder=lambda world: world.theirs.folder_id)
ADD_ONE, ADD_MANY = "POST api/Phonelists/AddSingleEntry", "POST api/Phonelists/AddMultipleEntries"
for _route in (ADD_ONE, ADD_MANY):
    refused("NotFound", _route, ListID=NOBODYS)
    refused("NotFound", _route, ListID=lambda world: world.theirs.list_id)
refused("InvalidPhoneNumber", ADD_ONE, ListEntry=PERSON | {"PhoneNumber": "banana"})
refused("InvalidPhoneNumber", ADD_MANY, ListEntries=[PERSON, PERSON | {"PhoneNumber": ""}])
refused("NotFound", "GET api/Phonelists/GetLists/{SessionToken}/{Folder}", Folder=NOBODYS)
refused("NotFound", "GET api/Phonelists/GetLists/{SessionToken}?Folder={Folder}", Folder=NOBODYS)
for _name in ("GetList", "GetNumbers"):
    refused("NotFound", f"GET api/Phonelists/{_name}/{{SessionToken}}/{{List}}", List=NOBODYS)
    refused(
        "NotFound", f"GET api/Phonelists/{_name}/{{SessionToken}}/{{List}}", List=lambda world: world.theirs.list_id
    )
for _name in ("GetNumberDetail", "GetPreviousNumber", "GetNextNumber"):
    _route = f"GET api/Phonelists/{_name}/{{SessionToken}}/{{List}}/{{PhoneNumber}}"
    refused("NotFound", _route, List=NOBODYS)
    refused("NotFound", _route, List=lambda world: world.theirs.list_id, PhoneNumber=lambda w: w.theirs.numbers[1])
    refused("NotFound", _route, PhoneNumber="+447400000009")
    refused("InvalidPhoneNumber", _route, PhoneNumber="banana")


@refused_when("Duplicate", CREATE_LIST)
async def a_lists_title_again(world: World) -> Call:
    call = await GOOD[CREATE_LIST](world)
    await world.ask("Phonelists/CreateList", **call.body)
    return Call(body=call.body | {"Title": call.body["Title"].upper()})


# Campaign

CREATE = "POST api/Campaigns/CreateCampaign"
LINK, UNLINK = "POST api/Campaigns/LinkCampaignAndPhonelist", "DELETE api/Campaigns/UnlinkCampaignAndPhonelist"
LAUNCH, STOP = "POST api/Campaigns/LaunchCampaign", "POST api/Campaigns/StopCampaign"
for _header in ("", "Somebody", "82831"):
    refused("InvalidSender", CREATE, FromNumber=_header)
refused("InvalidRequest", CREATE, Title="")
refused("InvalidRequest", CREATE, Brand="No such brand")
refused("InvalidRequest", CREATE, Lease=-1)
refused("MessageEmpty", CREATE, Text="")
refused("MessageTooLong", CREATE, Text="x" * 2000)
refused("InvalidDate", CREATE, LaunchAt=FAR_AHEAD)
refused("InvalidDate", CREATE, LaunchAt="2026-01-01", Lease=1)
refused("NotFound", CREATE, Folder=NOBODYS)
refused("NotFound", CREATE, Folder=lambda world: world.theirs.folder_id)
for _route in (LINK, UNLINK, LAUNCH, STOP):
    refused("NotFound", _route, CampaignID=NOBODYS)
    refused("NotFound", _route, CampaignID=lambda world: world.theirs.campaign_id)
for _route in (LINK, UNLINK):
    refused("NotFound", _route, ListID=NOBODYS)
    refused("NotFound", _route, ListID=lambda world: world.theirs.list_id)


@refused_when("AlreadyLinked", LINK)
async def linked_already(world: World) -> Call:
    call = await GOOD[UNLINK](world)
    return Call(body=call.body)


@refused_when("TooMany", LINK)
async def linked_with_a_hundred(world: World) -> Call:
    call = await GOOD[LINK](world)
    links = "INSERT INTO links (campaign_id, list_id) SELECT $1, 1000000 + n FROM generate_series(1, 100) AS n"
    await world.write("campaign", links, call.body["CampaignID"])
    return Call(body=call.body)


@refused_when("WrongState", LINK, UNLINK)
async def launched_already(world: World) -> Call:
    call = await GOOD[UNLINK](world)
    launch = {name: call.body[name] for name in ("SessionToken", "CampaignID")}
    await world.ask("Campaigns/LaunchCampaign", **launch)
    return Call(body=call.body)


@refused_when("WrongState", LAUNCH, STOP)
async def over_already(world: World) -> Call:
    call = await GOOD[STOP](world)
    await world.write("campaign", "UPDATE campaigns SET state = 'expired' WHERE id = $1", call.body["CampaignID"])
    return Call(body=call.body)


@refused_when("NoRecipients", LAUNCH)
async def linked_with_nothing(world: World) -> Call:
    return Call(body={"SessionToken": world.mine.token, "CampaignID": await world.a_campaign()})


@refused_when("InvalidDate", LAUNCH)
async def over_before_it_begins(world: World) -> Call:
    list_id = await world.a_list(fresh_number())
    campaign_id = await world.a_campaign(list_id, Lease=1)
    await world.write("campaign", "UPDATE campaigns SET launch_at = '2026-01-01' WHERE id = $1", campaign_id)
    return Call(body={"SessionToken": world.mine.token, "CampaignID": campaign_id})


@refused_when("InvalidSender", LAUNCH)
async def its_header_was_switched_off(world: World) -> Call:
    header, company_id = fresh("Hdr"), world.platform.company_id
    await world.platform.console.ask(AddHeader(company_id=company_id, header=header))
    campaign_id = await _campaign_from(world, header)
    await world.platform.console.ask(SetHeaderActive(company_id=company_id, header=header, active=False))
    off = "SELECT 1 FROM headers WHERE header = $1 AND NOT active"
    await eventually(lambda: world.rows("campaign", off, header))
    return Call(body={"SessionToken": world.mine.token, "CampaignID": campaign_id})


async def _campaign_from(world: World, header: str) -> int:
    await eventually(lambda: world.rows("campaign", "SELECT 1 FROM headers WHERE header = $1", header))
    return await world.a_campaign(await world.a_list(fresh_number()), FromNumber=header)
