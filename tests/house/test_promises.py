"""The promises of the design, each held by a few lines."""

from __future__ import annotations

import ast
import importlib
import re
from collections import Counter
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from libs.common import crash
from libs.common.bus.registry import Registered
from libs.common.contracts import (
    auth,
    campaign,
    carriers,
    companies,
    consents,
    inbound,
    messaging,
    optouts,
    phonelist,
    policies,
    routing,
    senders,
    textins,
    texts,
    usage,
    verification,
)
from libs.common.contracts.base import Ask, Broadcast, Code, Command, Event, Query
from libs.common.service import Service
from libs.common.settings import Settings
from services.gateway.documented.handlers import HANDLERS
from services.gateway.documented.operations import OPERATIONS
from services.gateway.documented.statuses import REFUSALS
from tests.house.pages import PAGES, REFERENCE

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = (
    auth,
    campaign,
    carriers,
    companies,
    consents,
    inbound,
    messaging,
    optouts,
    phonelist,
    policies,
    routing,
    senders,
    textins,
    texts,
    usage,
    verification,
)
NAMES = ("auth", "campaign", "inbound", "messaging", "phonelist", "gateway")
SERVICES: dict[str, Service] = {name: importlib.import_module(f"services.{name}.__main__").SERVICE for name in NAMES}
SOURCES = [path for folder in ("libs", "services") for path in (ROOT / folder).rglob("*.py")]


def all_of(kind: type[Any]) -> set[type[Any]]:
    """Every contract of a kind that a module of contracts defines."""
    return {
        value
        for module in CONTRACTS
        for value in vars(module).values()  # a parametrised Command[...] stands there too: it is no contract
        if isinstance(value, type)
        and issubclass(value, kind)
        and value.__module__ == module.__name__
        and "[" not in value.__name__
    }


def test_every_command_and_query_has_exactly_one_handler_and_it_is_its_owners() -> None:
    handlers = Counter(
        (ask, service.name) for service in SERVICES.values() for ask in (*service.commands, *service.queries)
    )

    assert {(ask, ask.owner) for ask in all_of(Command) | all_of(Query)} == set(handlers)
    assert {1} == set(handlers.values())


def test_every_event_has_a_consumer_or_is_public() -> None:
    consumed = {event for service in SERVICES.values() for event in service.events}

    assert set() == {event.type for event in all_of(Event) - consumed if not event.public}


def test_every_event_is_named_for_its_owner_and_says_what_happened() -> None:
    owned = {(ask.__module__, ask.owner) for ask in all_of(Ask)}
    for event in all_of(Event):
        owner, things, happened = event.type.split(".")
        assert (event.__module__, owner) in owned
        assert things
        assert happened.endswith(("ed", "over"))


def test_every_ask_can_be_answered() -> None:
    for ask in all_of(Ask):
        assert issubclass(ask.answer_type(), BaseModel)
        assert all(
            isinstance(registered, Registered)
            for service in SERVICES.values()
            for registered in service.commands.values()
        )


def test_only_asks_about_tokens_are_open_to_anyone() -> None:
    without_grant = {
        ask.__name__
        for service in SERVICES.values()
        for ask, r in (*service.commands.items(), *service.queries.items())
        if r.open
    }

    assert without_grant == {
        "LogIn",
        "LogInWithToken",
        "LogOut",
        "ResolveSession",
        "CheckReusableToken",
        "TakeCallback",
    }


def test_every_refusal_has_a_documented_status_or_is_the_worlds_fault() -> None:
    assert set(Code) - set(REFUSALS) == {Code.UNAVAILABLE, Code.DEADLINE_PASSED}


def test_every_crash_point_stands_in_the_code_once_or_more_and_every_one_used_is_named() -> None:
    used = {name for path in SOURCES for name in re.findall(r'crash\.point\("([\w.]+)"\)', path.read_text())}

    assert used == set(crash.POINTS)


def test_every_setting_is_read() -> None:
    code = "\n".join(path.read_text() for path in (*SOURCES, *(ROOT / "deploy").rglob("*.py")))
    settings = {service.settings for service in SERVICES.values()}
    fields = {name for class_ in settings for name in class_.model_fields}

    assert issubclass(next(iter(settings)), Settings)
    assert set() == {name for name in fields if not re.search(rf"settings\.{name}\b", code)}


def test_contracts_hold_no_behaviour_beyond_saying_what_they_are() -> None:
    for path in (ROOT / "libs/common/contracts").glob("*.py"):
        if path.name == "base.py":
            continue
        functions = [
            n.name
            for n in ast.walk(ast.parse(path.read_text()))
            if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        assert functions == [], path.name


def test_only_the_bus_imports_aio_pika_and_only_db_makes_connections() -> None:
    for path in SOURCES:
        text, where = path.read_text(), path.relative_to(ROOT).as_posix()
        assert not re.search(r"import aio_pika|from aio_pika", text) or where.startswith("libs/common/bus/"), where
        assert not re.search(r"asyncpg\.(connect|create_pool)", text) or where.startswith("libs/common/db/"), where


def test_a_carriers_name_stands_only_in_its_folder_and_where_it_is_composed() -> None:
    carriers = [path.name for path in (ROOT / "services/messaging/carriers").iterdir() if (path / "client.py").exists()]
    assert "embedded" in carriers
    for path in (ROOT / "services/messaging").rglob("*.py"):
        where = path.relative_to(ROOT / "services/messaging").as_posix()
        if not where.startswith("carriers/") and where not in {"connections/loop.py", "settings.py"}:
            assert not any(re.search(rf"\b{name}\b", path.read_text(), re.IGNORECASE) for name in carriers), where


def test_states_are_written_out_only_in_the_table_and_in_sql() -> None:
    """A string literal of a state in Python code is a second table of states."""
    states = set(messaging.State)
    for path in (ROOT / "services/messaging").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in states:
                where = path.relative_to(ROOT / "services/messaging").as_posix()
                assert where.startswith("carriers/"), f"{where}:{node.lineno} writes {node.value!r}"


def test_every_skip_and_every_silenced_check_says_why() -> None:
    for path in (*SOURCES, *(ROOT / "tests").rglob("*.py")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.search(r"#\s*type:\s*ignore(?!\[)|#\s*noqa(?!:)", line):
                pytest.fail(f"{path.relative_to(ROOT)}:{number} silences every check")


def test_broadcasts_carry_nothing_that_must_not_be_lost() -> None:
    assert {"SessionsRevoked", "Tick", "CampaignsClaimed"} == {broadcast.__name__ for broadcast in all_of(Broadcast)}
    assert get_args(auth.SessionsRevoked.model_fields["token_hashes"].annotation) == (str,)


@pytest.mark.parametrize("name", PAGES)
def test_printed_pages_are_what_the_tables_say_now(name: str) -> None:
    """If this fails: python -m tests.house.pages"""
    assert PAGES[name]() == (REFERENCE / name).read_text()


def test_every_documented_operation_has_a_handler_and_no_handler_is_for_nothing() -> None:
    assert {operation.name for operation in OPERATIONS} == set(HANDLERS)


def test_no_exception_is_raised_twice() -> None:
    """One that is kept and raised again grows by a traceback each time, and holds every frame it passed."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Name):
                assert not node.exc.id.isupper(), f"{path.relative_to(ROOT)}:{node.lineno} raises {node.exc.id}"
