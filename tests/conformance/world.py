"""The world that the documented operations are called in: two companies, their people, and one thing of each kind for both.

Owns what is prepared once for all tests of this folder, and how fresh numbers, lists and campaigns are made. Nothing here goes round the platform but
the times of dead sessions, which are set in auth's rows.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from libs.common.clock import now
from libs.common.contracts.auth import SEND, CreateFolder, CreateUser
from libs.common.contracts.companies import ListCompanies
from libs.common.contracts.inbound import CreateTextIn
from libs.common.contracts.senders import AddHeader
from tests.harness import eventually
from tests.platform import PASSWORD, Platform

FAILING = "+447405000001"  # its handset fails every text
STOPPED, REINSTATED = "+447405000002", "+447405000003"
TALKER, KEYWORD_SENDER = "+447405000004", "+447405000005"
# Who texted last summer, when the UK's clocks were an hour before UTC.
SUMMER_SENDER, SUMMER_STOPPED, SUMMER_REINSTATED = "+447405000006", "+447405000007", "+447405000008"
SUMMERS = (SUMMER_SENDER, SUMMER_STOPPED, SUMMER_REINSTATED)
SUMMER = datetime(now().year - 1, 7, 1, 12, tzinfo=UTC)
MINE = (FAILING, STOPPED, REINSTATED, TALKER, KEYWORD_SENDER, *SUMMERS)  # what no answer to another company may hold

PERSON = {
    "PhoneNumber": "+447405000010",
    "Title": "Dr",
    "FirstName": "Zoë & <Ann>",
    "Surname": "O'Brien",
    "Address1": "1 High St",
    "Address2": "Flat 2",
    "Address3": "Ely",
    "City": "Cambridge",
    "County": "Cambs",
    "Postcode": "CB1 1AA",
    "Gender": "F",
    "DateOfBirth": "1980-02-29T00:00:00",
    "Reference": "R-1",
    "Email": "zoe@example.org",
    "User1": "one",
    "User2": "two",
    "User3": "€ \U0001f389",
}

_counter = itertools.count(1)


def fresh(what: str = "name") -> str:
    return f"{what} {next(_counter)}"


def fresh_number() -> str:
    return f"+44740{next(_counter) + 6_000_000:07d}"


@dataclass
class Company:
    """One thing of each kind that a caller could name by id."""

    token: str
    header: str
    folder_id: int
    text_in_id: int
    list_id: int = 0
    numbers: list[str] = field(default_factory=list)  # of the list, in its order
    campaign_id: int = 0  # a draft, linked with the list


@dataclass
class World:
    """`mine` is the caller's company, `theirs` another's. The tokens of `dead` were good once, by how they died."""

    platform: Platform
    mine: Company
    theirs: Company
    reader_token: str
    reusable_token: str = ""
    weak_key: str = ""  # an API key that may do nothing
    dead: dict[str, str] = field(default_factory=dict)

    async def ask(self, operation: str, **body: Any) -> Any:
        """As a client would in JSON; the Result of a success."""
        answer = await self.platform.http.post(f"/api/{operation}", json=body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["Status"] == "Success", f"{operation}: {answer.text}"
        return answer.json()["Result"]

    async def get(self, path: str) -> Any:
        answer = await self.platform.http.get(f"/api/{path}")
        assert answer.status_code == 200, answer.text
        assert answer.json()["Status"] == "Success", f"{path}: {answer.text}"
        return answer.json()["Result"]

    async def rows(self, service: str, sql: str, *args: object) -> list[Any]:
        db = self.platform.processes[service].db
        assert db is not None
        async with db.reading() as tx:
            return list(await tx.fetch(sql, *args))

    async def write(self, service: str, sql: str, *args: object) -> None:
        db = self.platform.processes[service].db
        assert db is not None
        async with db.reading() as tx:
            await tx.execute(sql, *args)

    async def texts_in(self, number: str, to: str, text: str) -> None:
        answer = await self.platform.simulator.control.post(
            f"/handsets/{number}/messages", json={"to": to, "text": text}
        )
        assert answer.status_code == 202

    async def a_list(self, *numbers: str, company: Company | None = None) -> int:
        token = (company or self.mine).token
        list_id: int = await self.ask("Phonelists/CreateList", SessionToken=token, Title=fresh("List"))
        if numbers:
            entries = [{"PhoneNumber": number} for number in numbers]
            await self.ask("Phonelists/AddMultipleEntries", SessionToken=token, ListID=list_id, ListEntries=entries)
        return list_id

    async def a_campaign(self, *list_ids: int, company: Company | None = None, **changes: Any) -> int:
        """A draft that would not start for a month."""
        of = company or self.mine
        new = {"Title": fresh("Campaign"), "Text": "Sale", "FromNumber": of.header, "LaunchAt": in_a_month()} | changes
        campaign_id: int = await self.ask("Campaigns/CreateCampaign", SessionToken=of.token, **new)
        for list_id in list_ids:
            await self.ask(
                "Campaigns/LinkCampaignAndPhonelist", SessionToken=of.token, CampaignID=campaign_id, ListID=list_id
            )
        return campaign_id

    async def a_user(self, username: str, *permissions: Any) -> str:
        """A user of the caller's company, known by its name."""
        await self.platform.console.ask(
            CreateUser(
                company_id=self.platform.company_id,
                username=username,
                password=PASSWORD,
                permissions=list(permissions or (SEND,)),
            )
        )
        return username


def in_a_month() -> str:
    return (now() + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%S+00:00")


async def prepared(platform: Platform) -> World:
    mine, theirs = await _companies(platform)
    reader_token = await platform.token("reader")
    world = World(platform, mine, theirs, reader_token)
    world.reusable_token = await world.get(f"Security/RequestReusableToken/{mine.token}")
    for company in (mine, theirs):
        company.numbers = [fresh_number() for _ in range(3)]
        company.list_id = await world.a_list(*company.numbers, company=company)
        company.campaign_id = await world.a_campaign(company.list_id, company=company)
    await world.ask("Phonelists/AddSingleEntry", SessionToken=mine.token, ListID=mine.list_id, ListEntry=PERSON)
    mine.numbers.append(PERSON["PhoneNumber"])
    await _texts(world)
    await _failures(world)
    await _dead_tokens(world)
    return world


async def _companies(platform: Platform) -> tuple[Company, Company]:
    console, mine_id = platform.console, platform.company_id
    theirs_id = next(c.id for c in (await console.ask(ListCompanies())).items if c.name == "Other")
    await console.ask(AddHeader(company_id=theirs_id, header="82831"))
    await platform.headers_known(theirs_id, 2)
    companies = []
    for company_id, username, header in ((mine_id, "demo", "82830"), (theirs_id, "other", "82831")):
        folder = await console.ask(CreateFolder(company_id=company_id, name="Spring"))
        text_in = await console.ask(CreateTextIn(company_id=company_id, header=header, keyword="JOIN"))
        companies.append(Company(await platform.token(username), header, folder.id, text_in.id))
    for name in ("phonelist", "campaign"):
        db = platform.processes[name].db
        assert db is not None

        async def known(db=db) -> bool:  # type: ignore[no-untyped-def]  # bound per service
            async with db.reading() as tx:
                return bool(await tx.fetchval("SELECT count(*) >= 2 FROM folders"))

        await eventually(known)
    return companies[0], companies[1]


async def _texts(world: World) -> None:
    """A conversation of two, a keyword, a STOP, and a START after a STOP; then a keyword, a STOP and a START that are made old."""
    token, header = world.mine.token, world.mine.header
    sent = {"SessionToken": token, "FromNumber": header, "ToNumber": TALKER, "Message": "Are you coming?"}
    await world.ask("Messages/SendInstantMessage", **sent)
    await eventually(lambda: world.platform.simulator.messages_of(TALKER))
    await world.texts_in(TALKER, header, "Yes, at 8")
    await world.texts_in(KEYWORD_SENDER, header, "JOIN me")
    await world.texts_in(STOPPED, header, "STOP")
    await world.texts_in(REINSTATED, header, "STOP")
    await eventually(partial(_among, world, REINSTATED, "GetAllStops"))
    await world.texts_in(REINSTATED, header, "START")
    for number, text in zip(SUMMERS, ("JOIN in summer", "STOP", "START"), strict=True):
        await world.texts_in(number, header, text)
    for number in (REINSTATED, SUMMER_REINSTATED):
        await eventually(partial(_among, world, number, "GetAllReinstates"))
    for number in (STOPPED, SUMMER_STOPPED):
        await eventually(partial(_among, world, number, "GetAllStops"))

    async def all_known() -> bool:
        texts = await world.get(f"Messages/GetAllInboundMessages/{token}")
        conversation = await world.get(f"Messages/GetConversation/{token}/{TALKER}")
        return len(texts) == 8 and len(conversation) == 2

    await eventually(all_known)
    for table in ("texts", "contacts"):
        await world.write("inbound", f"UPDATE {table} SET at = $1 WHERE number = ANY($2)", SUMMER, list(SUMMERS))
    suppressed = "SELECT 1 FROM suppressions WHERE number = $1 AND active"
    await eventually(lambda: world.rows("messaging", suppressed, STOPPED))


async def _among(world: World, number: str, operation: str) -> bool:
    return number in await world.get(f"Status/{operation}/{world.mine.token}")


async def _failures(world: World) -> None:
    """Three campaigns that failed to reach one number."""
    behaviour = {"number_prefix": FAILING, "receipt": "failed"}
    (await world.platform.simulator.control.post("/handsets/behaviour", json=behaviour)).raise_for_status()
    list_id = await world.a_list(FAILING)
    for _ in range(3):
        campaign_id = await world.a_campaign(list_id, LaunchAt=None)
        await world.ask("Campaigns/LaunchCampaign", SessionToken=world.mine.token, CampaignID=campaign_id)

    async def failed() -> bool:
        ended = await world.rows("campaign", "SELECT 1 FROM recipients WHERE state = 'failed'")
        running = await world.rows("campaign", "SELECT 1 FROM campaigns WHERE state NOT IN ('draft', 'finished')")
        return len(ended) == 3 and not running

    await eventually(failed, within_s=30)


async def _dead_tokens(world: World) -> None:
    """By the one way each: used too long ago, too old, logged out, an API key that was revoked."""
    idle, old, out = [await world.platform.token() for _ in range(3)]
    age = "UPDATE sessions SET created_at = now() - interval '1 day', {} WHERE token_sha256 = $1"
    unused = age.format("last_used_at = now() - interval '2 hours'")
    await world.write("auth", unused, hashlib.sha256(idle.encode()).digest())
    await world.write("auth", age.format("expires_at = now() - interval '1 s'"), hashlib.sha256(old.encode()).digest())
    await world.get(f"Security/Logout/{out}")
    world.weak_key, _ = await _api_key(world, [])
    revoked, removal = await _api_key(world, ["send"])
    await removal()
    world.dead = {"idle": idle, "expired": old, "logged out": out, "revoked key": revoked}


async def _api_key(world: World, permissions: list[str]) -> tuple[str, Callable[[], Awaitable[None]]]:
    """A key, and how to revoke it."""
    http, session = world.platform.http, {"authorization": f"Bearer {world.mine.token}"}
    made = await http.post("/v2/api-keys", json={"name": fresh("key"), "permissions": permissions}, headers=session)
    assert made.status_code == 201, made.text

    async def revoke() -> None:
        removed = await http.delete(f"/v2/api-keys/{made.json()['id']}", headers=session)
        assert removed.status_code == 204, removed.text

    return made.json()["key"], revoke
