"""schemathesis over the OpenAPI document, against the running platform. `make test` runs a small one; this is a bigger one:

    python -m tests.integration.gateway.fuzz [EXAMPLES [SEED]]

Nothing is left out. Each request is one user's who may send, /v2/admin an operator's. Some things are arranged so that the run gets somewhere and does not
saw off its own branch: logging out ends a session of its own, what is done to a user is done to one who is there for that, about each second
Idempotency-Key, sender, session token and campaign is a good one. That campaign has ended, and it alone is watched: the events of others never end.

Two checks are off, for what a schema cannot say: positive_data_acceptance, since it does not know which phone numbers there are, so that a 400 with a `code` is
an answer; and for /api negative_data_rejection, since that surface tells of a mistyped field by StatusEnum in a 200.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis.engine import from_schema
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished

from libs.common.contracts.auth import ADMINISTER, SEND, CreateUser
from libs.common.contracts.companies import CreateCompany
from libs.common.contracts.senders import AddBrand, AddHeader
from libs.common.ids import uuid7
from tests.harness import eventually
from tests.infra import start_infra
from tests.platform import PASSWORD, Platform, platform

FAULTS_TOLD_MAX = 20  # failures told in full


@dataclass
class Found:
    """`cases` by operation; `statuses` by status; `checks`: how often each was made; `faults`: sentences."""

    cases: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    checks: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        total = sum(self.cases.values())
        by_status = ", ".join(f"{count} x {status}" for status, count in sorted(self.statuses.items()))
        return f"schemathesis: {total} requests to {len(self.cases)} operations; {by_status}; {len(self.faults)} faults"


@dataclass
class People:
    """Who asks: their tokens, `leaver` to log out with; `victim_id`, the user to whom things are done; and `campaign_id`, which has ended."""

    base_url: str
    sender: str
    operator: str
    victim_id: int
    leaver: str
    campaign_id: int


async def people(world: Platform) -> People:
    """A company of their own, so that nobody else's tests see what is done here."""
    company_id = (await world.console.ask(CreateCompany(name="Fuzz"))).id
    await world.console.ask(AddHeader(company_id=company_id, header="Fuzz"))
    await world.console.ask(AddBrand(company_id=company_id, name="Fuzz"))
    ids = {}
    for username, permissions in (("fuzz", [SEND]), ("fuzz-operator", [ADMINISTER]), ("fuzz-victim", [])):
        new = CreateUser(company_id=company_id, username=username, password=PASSWORD, permissions=permissions)
        ids[username] = (await world.console.ask(new)).id
    tokens = []
    for username in ("fuzz", "fuzz-operator", "fuzz"):
        answer = await world.http.post("/v2/sessions", json={"username": username, "password": PASSWORD})
        tokens.append(answer.json()["token"])
    sender, operator, leaver = tokens
    campaign_id = await _an_ended_campaign(world, {"authorization": f"Bearer {sender}"})
    return People(str(world.http.base_url).rstrip("/"), sender, operator, ids["fuzz-victim"], leaver, campaign_id)


async def _an_ended_campaign(world: Platform, session: dict[str, str]) -> int:
    async def asked(method: str, path: str, **body: Any) -> dict[str, Any]:
        answer = await world.http.request(method, f"/v2/{path}", headers=session, json=body or None)
        told: dict[str, Any] = answer.json() if answer.is_success and answer.content else {}
        return told

    async def made() -> dict[str, Any]:
        """Once campaign has heard of the header."""
        return await asked("POST", "campaigns", title="Ended", text="x", **{"from": "Fuzz"})

    id_ = int((await eventually(made))["id"])
    list_id = (await asked("POST", "lists", title="Ended"))["id"]
    await asked("POST", f"lists/{list_id}/entries", entries=[{"phone_number": "+447700900001"}])
    await asked("POST", f"campaigns/{id_}/lists", list_id=list_id)
    await asked("POST", f"campaigns/{id_}/launch")

    async def ended() -> bool:
        return bool((await asked("GET", f"campaigns/{id_}/progress")).get("state") == "finished")

    await eventually(ended, within_s=30)
    return id_


def run(who: People, examples: int, seed: int) -> Found:
    """Blocks until it is done: the engine is threads and requests, the platform must live in another thread's loop."""
    config = schemathesis.Config.from_dict(
        {
            "seed": seed,
            "base-url": who.base_url,
            "headers": {"Authorization": f"Bearer {who.sender}"},
            "operations": [
                {"include-path-regex": "^/v2/admin", "headers": {"Authorization": f"Bearer {who.operator}"}},
                {"include-path-regex": "^/api", "checks": {"negative_data_rejection": {"enabled": False}}},
                {"include-operation-id": "log_out", "headers": {"Authorization": f"Bearer {who.leaver}"}},
            ],
            "generation": {"max-examples": examples, "database": "none", "allow-x00": True},
            "phases": {"stateful": {"enabled": False}},
            "checks": {"positive_data_acceptance": {"enabled": False}},
            "workers": 1,
        }
    )
    schema = schemathesis.openapi.from_url(f"{who.base_url}/openapi.json", config=config)
    found = Found()

    def before_call(_: Any, case: Any, __: Any) -> None:
        _arrange(who, case)

    schemathesis.hook(before_call)
    try:
        for event in from_schema(schema).execute():
            _note(found, event)
    finally:
        schemathesis.hooks.unregister(before_call)
    return found


def _arrange(who: People, case: Any) -> None:
    if "/admin/users/" in case.operation.label and str(case.path_parameters.get("user_id")).isdigit():
        case.path_parameters["user_id"] = who.victim_id
    campaign_id = str((case.path_parameters or {}).get("campaign_id", ""))
    if campaign_id.isdigit() and (case.operation.label.endswith("/events") or len(campaign_id) % 2):
        case.path_parameters["campaign_id"] = who.campaign_id
    if "Idempotency-Key" in (case.headers or {}) and len(case.headers["Idempotency-Key"]) % 2:
        case.headers["Idempotency-Key"] = str(uuid7())
    session = who.leaver if "/Logout/" in case.operation.label else who.sender
    if "SessionToken" in (case.path_parameters or {}) and len(case.path_parameters["SessionToken"]) % 2:
        case.path_parameters["SessionToken"] = session
    body = case.body if isinstance(case.body, dict) else {}
    if isinstance(body.get("SessionToken"), str) and len(body["SessionToken"]) % 2:
        body["SessionToken"] = session
    for message in body["messages"] if isinstance(body.get("messages"), list) else [body]:
        if isinstance(message, dict) and isinstance(message.get("from"), str) and len(message["from"]) % 2:
            message["from"] = "Fuzz"


def _note(found: Found, event: Any) -> None:
    match event:
        case ScenarioFinished():
            recorder = event.recorder
            for interaction in recorder.interactions.values():
                found.cases[recorder.label] += 1
                if interaction.response is not None:
                    found.statuses[interaction.response.status_code] += 1
            for checks in recorder.checks.values():
                for check in checks:
                    found.checks[check.name] += 1
                    if check.failure_info is not None:
                        failure = check.failure_info
                        found.faults.append(
                            f"{recorder.label}: {check.name}: {failure.failure}\n  {failure.code_sample}"
                        )
        case NonFatalError():
            found.faults.append(f"{event.label}: {event.info.message}")
        case FatalError():
            found.faults.append(repr(event.exception))


async def _main(examples: int, seed: int) -> Found:
    infra = start_infra()
    try:
        with tempfile.TemporaryDirectory() as folder:
            async with platform(infra, Path(folder)) as world:
                return await asyncio.to_thread(run, await people(world), examples, seed)
    finally:
        infra.stop()


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    result = asyncio.run(_main(*(given + [50, 1][len(given) :])))
    for fault in result.faults[:FAULTS_TOLD_MAX]:
        print(fault)
    print(result, dict(result.checks))
    sys.exit(bool(result.faults))
