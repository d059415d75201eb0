"""Companies, users, headers, brands and folders from the command line; and what it says when something is wrong."""

from __future__ import annotations

import asyncio
import sys

import pytest

from libs.common.contracts.auth import LogIn, ResolveSession, Session
from libs.common.contracts.senders import ActiveHeaders
from libs.common.service import Process
from services.console.__main__ import NOUNS
from tests.harness import client
from tests.infra import Infra
from tests.integration.console.conftest import Heliograph


async def session(infra: Infra, username: str, password: str) -> tuple[Session, list[str]]:
    """As the gateway logs in: the session, and what its company sends as."""
    async with client(infra, "gateway") as gateway:
        token = (await gateway.ask(LogIn(username=username, password=password))).token
        opened = await gateway.ask(ResolveSession(token=token))
        return opened, (await gateway.ask(ActiveHeaders(), opened.grant)).items


async def test_a_company_is_made_furnished_and_shown(auth: Process, infra: Infra, heliograph: Heliograph) -> None:
    await heliograph.done("company", "create", "Acme")
    await heliograph.done(
        "user", "create", "acme", "ann", "-p", "send", "--firstname", "Ann", NEW_PASSWORD="a long password"
    )
    await heliograph.done("header", "add", "Acme", "60777")
    await heliograph.done("header", "add", "Acme", "Acme")
    await heliograph.done("header", "deactivate", "Acme", "ACME")
    await heliograph.done("brand", "add", "Acme", "Acme Shoes")
    await heliograph.done("brand", "add", "Acme", "Acme Hats")
    await heliograph.done("brand", "deactivate", "Acme", "acme shoes")
    await heliograph.done("brand", "deactivate", "Acme", "acme hats")
    await heliograph.done("brand", "activate", "Acme", "ACME HATS")
    folder = (await heliograph.done("folder", "create", "Acme", "Spring")).strip()
    await heliograph.done("folder", "create", "Acme", "Sale", "--under", folder)

    shown = await heliograph.done("company", "show", "ACME")

    assert shown.startswith("Acme, id ")
    for part in (
        "ann, id",
        ": send",
        "60777",
        "Acme, not active",
        "Acme Shoes, not active",
        "Acme Hats\n",
        "Spring / Sale",
    ):
        assert part in shown
    opened, headers = await session(infra, "ann", "a long password")
    assert (opened.permissions, headers) == (["send"], ["60777"])
    assert "Acme  (1 users, 2 headers)" in await heliograph.done("company", "list")


async def test_a_shared_number_is_added_to_several_companies(auth: Process, heliograph: Heliograph) -> None:
    for company in ("One", "Other"):
        await heliograph.done("company", "create", company)
        await heliograph.done("header", "add", company, "60778", "--shared")

    said = await heliograph("header", "add", "One", "Sharing", "--shared")

    assert "header  60778, shared" in await heliograph.done("company", "show", "Other")
    assert (said.code, said.err) == (
        1,
        "refused: only a number is shared or not: any company may add a name (invalid_request)\n",
    )


async def test_a_user_is_changed_shut_out_and_let_in(auth: Process, infra: Infra, heliograph: Heliograph) -> None:
    company = (await heliograph.done("company", "create", "Changes")).strip()
    await heliograph.done("user", "create", company, "bob", NEW_PASSWORD="a long password")

    await heliograph.done("user", "permit", company, "BOB", "-p", "send", "-p", "administer")
    await heliograph.done("user", "password", company, "bob", NEW_PASSWORD="another password")
    await heliograph.done("user", "deactivate", company, "bob")
    assert "not active" in await heliograph.done("company", "show", company)
    await heliograph.done("user", "activate", company, "bob")

    opened, _ = await session(infra, "bob", "another password")
    assert opened.permissions == ["administer", "send"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("company", "show", "Nobody"), "there is no company 'Nobody'"),
        (("header", "add", "Refusals", "Tom+Co"), "refused: a name has only letters A to Z"),
        (("user", "password", "Refusals", "nobody"), "Refusals has no user 'nobody'"),
        (
            ("user", "create", "Refusals", "x", "-p", "everything"),
            "permissions.0: Input should be 'send' or 'administer'",
        ),
        (("company", "create", "refusals"), "refused: a company is called so (duplicate)"),
        (("company", "create", ""), "name: String should have at least 1 character"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
async def test_what_is_refused_is_said_in_one_sentence(
    auth: Process, heliograph: Heliograph, arguments: tuple[str, ...], sentence: str
) -> None:
    await heliograph("company", "create", "Refusals")

    said = await heliograph(*arguments, NEW_PASSWORD="a long password")

    assert (said.out, said.code) == ("", 1)
    assert said.err.startswith(sentence)
    assert said.err.count("\n") == 1


async def test_what_does_not_answer_is_named(auth: Process, infra: Infra, heliograph: Heliograph) -> None:
    no_broker, wrong_password, nothing, not_running = await asyncio.gather(
        heliograph("company", "list", BROKER_URL="amqp://console:x@127.0.0.1:1/heliograph"),
        heliograph("company", "list", BROKER_URL=infra.broker_url("console").replace("not-a-secret", "wrong")),
        heliograph("company", "list", BROKER_URL=""),
        heliograph("message", "show", "0198c0de-0000-7000-8000-000000000001"),
    )

    assert [no_broker.code, wrong_password.code, nothing.code, not_running.code] == [2, 2, 1, 2]
    assert no_broker.err.startswith("RabbitMQ does not answer")
    assert wrong_password.err.startswith("RabbitMQ does not answer, or does not let us in")
    assert "wrong" not in wrong_password.err
    assert nothing.err == "HELIOGRAPH_BROKER_URL: Field required\n"
    assert not_running.err.startswith("no answer: is the service running?")
    assert "Traceback" not in "".join(said.err for said in (no_broker, wrong_password, nothing, not_running))


@pytest.mark.parametrize("noun", NOUNS)
async def test_every_noun_has_help(heliograph: Heliograph, noun: str) -> None:
    help_ = await heliograph.done(noun, "--help")

    assert help_.startswith(f"Usage: heliograph {noun}")


async def test_help_is_there_at_once_without_any_setting() -> None:
    """In a process of its own from the start, as an operator has it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.console", "--help", env={}, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()

    assert process.returncode == 0
    assert all(noun in out.decode() for noun in NOUNS)
