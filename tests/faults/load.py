"""The load of a fault run: clients at the gateway's documented surface, a campaign a round, texts from handsets.

Owns the client log: what each client offered and what it was told. An error or silence is `unknown`; nothing is sent again, for a client cannot know.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import httpx

from tests.faults.fleet import Fleet
from tests.faults.history import CampaignOffer, InboundOffer, Outcome, TextOffer
from tests.faults.plan import CLIENTS, COMPANIES, Company, Round

PASSWORD = "fault-run-password"
ANSWER_LIMIT_S = 15.0  # longer than the gateway's own deadline
PACE_S = 0.08  # between two texts of a client: a round is to last until what died is back
LOGIN_EVERY = 20  # texts: so that auth has work too
UNKNOWN_PAUSE_S = 0.5  # after an error, as Retry-After asks, and less
AGAIN_LIMIT_S = 90.0
SUCCESS, SESSION_EXPIRED, WRONG_STATE, INVALID_CREDENTIALS, ALREADY_LINKED = 0, 1, 9, 13, 16  # StatusEnum


class Client:
    """One program that uses the platform. Goes to the other gateway when its own is gone."""

    def __init__(self, fleet: Fleet, company: Company, first: int) -> None:
        self.company = company
        self._urls = [fleet.url("http:gateway"), fleet.url("http:gateway-2")]
        self._url = first % len(self._urls)
        self._http = httpx.AsyncClient(timeout=ANSWER_LIMIT_S)
        self._token = ""

    async def close(self) -> None:
        await self._http.aclose()

    def forget_session(self) -> None:
        self._token = ""

    async def post(self, operation: str, **body: Any) -> tuple[int | None, Any, httpx.Response | None]:
        """StatusEnum and Result where there was an answer of the platform, else None; and the answer."""
        try:
            if not self._token and (refused := await self._log_in()) is not None:
                return (None if refused.status_code != httpx.codes.OK else INVALID_CREDENTIALS), None, refused
            answer = await self._http.post(
                f"{self._urls[self._url]}/api/{operation}", json=body | {"SessionToken": self._token}
            )
        except httpx.HTTPError:
            self._url = (self._url + 1) % len(self._urls)
            return None, None, None
        if answer.status_code != httpx.codes.OK:
            return None, None, answer
        told = answer.json()
        if told["StatusEnum"] == SESSION_EXPIRED:
            self._token = ""
        return told["StatusEnum"], told["Result"], answer

    async def until(self, operation: str, enough: frozenset[int], **body: Any) -> Any:
        """Asks again until the answer is one of `enough`; its result. For steps that may be repeated."""
        give_up = time.monotonic() + AGAIN_LIMIT_S
        while True:
            status, result, answer = await self.post(operation, **body)
            if status in enough:
                return result
            told = status if status is not None else answer and answer.status_code
            if status not in (None, SESSION_EXPIRED) or time.monotonic() > give_up:
                raise AssertionError(f"{operation} was answered {told}")
            await asyncio.sleep(UNKNOWN_PAUSE_S)

    async def _log_in(self) -> httpx.Response | None:
        """The answer, where it was not let in."""
        answer = await self._http.post(
            f"{self._urls[self._url]}/api/Security/Login",
            json={"Username": self.company.username, "Password": PASSWORD},
        )
        self._token = (answer.json()["Token"] or "") if answer.status_code == httpx.codes.OK else ""
        return None if self._token else answer


@dataclass
class Load:
    """`company_ids`: by header."""

    fleet: Fleet
    company_ids: dict[str, int]
    numbers: list[str]

    def __post_init__(self) -> None:
        self.texts: list[TextOffer] = []
        self.campaigns: list[CampaignOffer] = []
        self.inbound: list[InboundOffer] = []
        self.list_id = 0
        self._clients = [Client(self.fleet, COMPANIES[n % len(COMPANIES)], n // 2) for n in range(CLIENTS)]
        self._marketer = Client(self.fleet, COMPANIES[0], 0)
        self._handsets = httpx.AsyncClient(timeout=ANSWER_LIMIT_S)

    async def make_list(self) -> None:
        """Before the faults."""
        self.list_id = await self._marketer.until(
            "Phonelists/CreateList", frozenset({SUCCESS}), Title="Everyone", Folder=0
        )
        entries = [{"PhoneNumber": number} for number in self.numbers]
        await self._marketer.until(
            "Phonelists/AddMultipleEntries", frozenset({SUCCESS}), ListID=self.list_id, ListEntries=entries
        )

    async def run(self, n: int, round_: Round) -> None:
        """One round, until every client has had its answers."""
        offering = [
            asyncio.create_task(self._offer(client, texts))
            for client, texts in zip(self._clients, round_.singles, strict=True)
        ]
        launching = asyncio.create_task(self._campaign(n, round_.campaign_body))
        offered_before = len(self.texts)
        each = sum(len(texts) for texts in round_.singles)
        for share, bulk in enumerate(round_.bulks, start=1):
            while len(self.texts) - offered_before < each * share / (len(round_.bulks) + 1):
                await asyncio.sleep(0.05)
            await self._text_in(bulk)
        await asyncio.gather(launching, *offering)

    async def close(self) -> None:
        for client in (*self._clients, self._marketer):
            await client.close()
        await self._handsets.aclose()

    async def _offer(self, client: Client, texts: list[tuple[str, str]]) -> None:
        for n, (number, body) in enumerate(texts):
            if n % LOGIN_EVERY == 0:
                client.forget_session()
            began_at = time.time()
            header = client.company.header
            status, _, answer = await client.post(
                "Messages/SendInstantMessage", FromNumber=header, ToNumber=number, Message=body
            )
            outcome: Outcome = "unknown" if status is None else "ok" if status == SUCCESS else "refused"
            id_ = answer.headers.get("x-message-id", "") if answer is not None else ""
            http = answer.status_code if answer is not None else 0
            company = self.company_ids[header]
            self.texts.append(
                TextOffer(company, number, header, body, began_at, time.time(), outcome, id_, http, status)
            )
            await asyncio.sleep(UNKNOWN_PAUSE_S if outcome == "unknown" else PACE_S)

    async def _campaign(self, n: int, body: str) -> None:
        """Created, linked and launched, each step until it is known to be done. A step that was done unheard answers so when it is asked again."""
        company, attempt = self._marketer.company, 0
        campaign_id = None
        while campaign_id is None:
            attempt += 1
            title = f"Round {n}, attempt {attempt}"  # an attempt that was done unheard leaves a draft, which nobody launches
            status, campaign_id, _ = await self._marketer.post(
                "Campaigns/CreateCampaign",
                Title=title,
                Text=body,
                Folder=0,
                Brand="",
                FromNumber=company.header,
                Lease=0,
            )
            if status != SUCCESS:
                campaign_id = None
                assert status in (None, SESSION_EXPIRED), f"CreateCampaign was answered {status}"
                await asyncio.sleep(UNKNOWN_PAUSE_S)
        await self._marketer.until(
            "Campaigns/LinkCampaignAndPhonelist",
            frozenset({SUCCESS, ALREADY_LINKED}),
            CampaignID=campaign_id,
            ListID=self.list_id,
        )
        await self._marketer.until(
            "Campaigns/LaunchCampaign", frozenset({SUCCESS, WRONG_STATE}), CampaignID=campaign_id
        )
        self.campaigns.append(
            CampaignOffer(self.company_ids[company.header], campaign_id, company.header, body, self.numbers)
        )

    async def _text_in(self, texts: list[tuple[str, str, str]]) -> None:
        at = time.time()
        items = [{"from": number, "to": to, "text": text} for number, to, text in texts]
        answer = await self._handsets.post(f"{self.fleet.url('control')}/handsets/messages", json=items)
        answer.raise_for_status()
        for number, to, text in texts:
            self.inbound.append(InboundOffer(self.company_ids[to], number, to, text, at, text == "STOP"))
