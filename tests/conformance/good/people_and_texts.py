"""Good calls of Security, Company, User, Message, TextIn and Status."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from libs.common.clock import now
from tests.conformance.good.frame import Call, good, read
from tests.conformance.world import (
    FAILING,
    KEYWORD_SENDER,
    REINSTATED,
    STOPPED,
    SUMMER,
    SUMMER_REINSTATED,
    SUMMER_SENDER,
    SUMMER_STOPPED,
    SUMMERS,
    TALKER,
    World,
    fresh,
    fresh_number,
)
from tests.harness import eventually
from tests.platform import PASSWORD

LONG_AGO = "2020-06-30"


# Security


def _is_the_demo_user(token: bool) -> Callable[[Any], bool]:
    wanted = {"Firstname": "Demo", "Surname": "User", "PhoneNumber": "+447700900000", "Company": "Demo"}
    return lambda told: wanted.items() <= told.items() and bool(told["Token"]) == token


@good("POST api/Security/Login")
async def login(world: World) -> Call:
    async def holds(told: Any) -> None:
        assert _is_the_demo_user(token=True)(told), told
        assert await world.get(f"Company/GetHeaders/{told['Token']}")

    return Call(body={"Username": "Demo", "Password": PASSWORD}, holds=holds)


@good("GET api/Security/RequestReusableToken/{SessionToken}")
async def request_reusable_token(world: World) -> Call:
    """By a user of its own: there is a limit to how many one has."""
    username = await world.a_user(fresh("user"))

    async def holds(token: Any) -> None:
        answer = await world.platform.http.post("/api/Security/VerifyReusableToken", json=token)
        assert answer.json()["Status"] == "Success"

    return Call({"SessionToken": await world.platform.token(username)}, holds=holds)


@good("POST api/Security/LoginWithReusableToken")
async def login_with_reusable_token(world: World) -> Call:
    async def holds(told: Any) -> None:
        assert _is_the_demo_user(token=True)(told), told
        assert await world.get(f"Company/GetHeaders/{told['Token']}")

    return Call(body=world.reusable_token, holds=holds)


@good("POST api/Security/VerifyReusableToken")
async def verify_reusable_token(world: World) -> Call:
    async def holds(told: Any) -> None:
        assert _is_the_demo_user(token=False)(told), told

    return Call(body=world.reusable_token, holds=holds)


@good("GET api/Security/Logout/{SessionToken}")
@good("DELETE api/Security/Logout/{SessionToken}")
async def logout(world: World) -> Call:
    token = await world.platform.token()

    async def holds(result: Any) -> None:
        assert result == ""
        answer = await world.platform.http.get(f"/api/Company/GetHeaders/{token}")
        assert answer.json()["Status"] == "SessionExpired"

    return Call({"SessionToken": token}, holds=holds)


# Company, User

read("GET api/Company/GetHeaders/{SessionToken}", lambda _: ["82830", "Heliograph"])
read("GET api/Company/GetBrands/{SessionToken}", lambda _: ["Demo"])
read(
    "GET api/Users/GetFolders/{SessionToken}",
    lambda world: [
        {"ID": 0, "Name": "Root", "ParentID": None},
        {"ID": world.mine.folder_id, "Name": "Spring", "ParentID": 0},
    ],
)
read(
    "GET api/Users/GetFoldersBasic/{SessionToken}",
    lambda world: [{"ID": 0, "Name": "Root"}, {"ID": world.mine.folder_id, "Name": "Spring"}],
)
read(
    "GET api/Users/GetCurrentUserInfo/{SessionToken}",
    lambda _: {
        "Username": "demo",
        "Firstname": "Demo",
        "Surname": "User",
        "PhoneNumber": "+447700900000",
        "Company": "Demo",
    },
)


# Message, TextIn, Status


@good("POST api/Messages/SendInstantMessage")
async def send_instant_message(world: World) -> Call:
    number, text = fresh_number(), "Grüße & <love> €5 \U0001f389"

    async def holds(result: Any) -> None:
        assert result == ""
        texts = await eventually(lambda: world.platform.simulator.messages_of(number))
        assert [(each["from"], each["text"]) for each in texts] == [("82830", text)]

    written = f"0{number[3:7]} {number[7:]}"
    body = {"SessionToken": world.mine.token, "FromNumber": "82830", "ToNumber": written, "Message": text}
    return Call(body=body, holds=holds)


@good("POST api/Messages/SendTwoFactorToken")
async def send_two_factor_token(world: World) -> Call:
    number = fresh_number()

    async def holds(code: Any) -> None:
        assert len(code) == 8
        assert code.isdigit()
        texts = await eventually(lambda: world.platform.simulator.messages_of(number))
        assert [each["text"] for each in texts] == [f"Your code is {code}."]

    body = {
        "SessionToken": world.mine.token,
        "FromNumber": "Heliograph",
        "ToNumber": number,
        "Message": "Your code is #.",
        "GenerationRule": "8 digits",
        "Token": "#",
    }
    return Call(body=body, holds=holds)


def _texts(count: int) -> Callable[[World], Callable[[Any], bool]]:
    """So many texts in, among them the talker's, each from a handset to the company's header, at the UK's time."""

    def holds(texts: Any) -> bool:
        talkers = [(each["Message"], each["ToNumber"], each["Sent"]) for each in texts if each["FromNumber"] == TALKER]
        summers = {each["Date"] for each in texts if each["FromNumber"] in SUMMERS}
        return (
            len(texts) == count
            and talkers == [("Yes, at 8", "82830", False)]
            and summers <= {f"{SUMMER.year}-07-01T13:00:00+01:00"}
        )

    return lambda _: holds


read("GET api/Messages/GetAllInboundMessages/{SessionToken}", _texts(8))
read("GET api/Messages/GetInboundMessagesFromDate/{SessionToken}?DateFrom={DateFrom}", _texts(8), DateFrom=LONG_AGO)
read("GET api/Messages/GetInboundMessages/{SessionToken}", _texts(5))
read(
    "GET api/Messages/GetConversation/{SessionToken}/{PhoneNumber}",
    lambda _: (
        lambda texts: (
            [(each["Message"], each["Sent"], each["FromNumber"]) for each in texts]
            == [("Are you coming?", True, "82830"), ("Yes, at 8", False, TALKER)]
        )
    ),
    PhoneNumber=f"0{TALKER[3:]}",
)


def _text_ins(*senders: str) -> Callable[[World], Callable[[Any], bool]]:
    return lambda world: (
        lambda texts: (
            sorted((each["TextInID"], each["PhoneNumber"]) for each in texts)
            == [(world.mine.text_in_id, sender) for sender in senders]
        )
    )


def _numbers(*numbers: str) -> Callable[[World], Callable[[Any], bool]]:
    return lambda _: lambda result: sorted(result) == list(numbers)


def _days_from_now(days: int) -> str:
    return (now() + timedelta(days=days)).strftime("%Y-%m-%d")


read("GET api/TextIn/GetAllTextIns/{SessionToken}", _text_ins(KEYWORD_SENDER, SUMMER_SENDER))
read(
    "GET api/TextIn/GetTextInsFromDate/{SessionToken}?DateFrom={DateFrom}",
    _text_ins(KEYWORD_SENDER, SUMMER_SENDER),
    DateFrom=LONG_AGO,
)
read("GET api/TextIn/GetTextIns/{SessionToken}", _text_ins(KEYWORD_SENDER))
read(
    "GET api/TextIn/GetContacts/{SessionToken}/{TextInID}?DateFrom={DateFrom}&DateTo={DateTo}",
    lambda _: lambda texts: [(each["PhoneNumber"], each["Message"]) for each in texts] == [(KEYWORD_SENDER, "JOIN me")],
    TextInID=lambda world: world.mine.text_in_id,
    DateFrom=lambda _: _days_from_now(-3),
    DateTo=lambda _: _days_from_now(3),
)
for _what, _new, _old in (("Stops", STOPPED, SUMMER_STOPPED), ("Reinstates", REINSTATED, SUMMER_REINSTATED)):
    read(f"GET api/Status/GetAll{_what}/{{SessionToken}}", _numbers(_new, _old))
    read(
        f"GET api/Status/Get{_what}FromDate/{{SessionToken}}?DateFrom={{DateFrom}}",
        _numbers(_new, _old),
        DateFrom=LONG_AGO,
    )
    read(f"GET api/Status/Get{_what}/{{SessionToken}}", _numbers(_new))
read("GET api/status/getrecentfails/{SessionToken}?DateFrom={DateFrom}", lambda _: [FAILING], DateFrom=LONG_AGO)
