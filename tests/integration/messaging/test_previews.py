"""What a text would take, asked by a company's user and by the command line, before anything is sent."""

from __future__ import annotations

from libs.common.contracts.base import Code
from libs.common.contracts.texts import PREVIEW_CHARACTERS_MAX, PreviewText
from services.messaging.policies import store as policies
from services.messaging.policies.rules import Policy
from tests.harness import client, grant
from tests.infra import Infra
from tests.integration.messaging.conftest import COMPANY, OTHER_COMPANY, Messaging, number

READER = grant(COMPANY)  # without `send`


async def test_a_text_in_the_gsm_alphabet_is_told_part_by_part(messaging: Messaging) -> None:
    body = "a" * 152 + "€" + "b" * 20

    told = await messaging.gateway.ask(PreviewText(body=body), READER)

    assert (told.alphabet, told.parts, told.units, told.units_each, told.units_left) == ("gsm", 2, 174, 153, 131)
    assert [(part.characters, part.units) for part in told.segments] == [(152, 152), (21, 22)]
    assert "".join(part.text for part in told.segments) == body
    assert (told.foreign, told.replaced, told.too_long, told.opt_out) == ([], None, False, None)


async def test_what_makes_a_text_unicode_is_named_with_what_would_stand_for_it(messaging: Messaging) -> None:
    body = "It’s on its way, don’t wait… " * 3

    told = await messaging.gateway.ask(PreviewText(body=body), READER)

    assert (told.alphabet, told.parts, told.units, told.units_each, told.units_left) == ("ucs2", 2, 87, 67, 47)
    assert [(each.text, each.name, each.replacement) for each in told.foreign] == [
        ("’", "RIGHT SINGLE QUOTATION MARK", "'"),
        ("…", "HORIZONTAL ELLIPSIS", "..."),
    ]
    assert all(body[at] == each.text for each in told.foreign for at in each.at)
    assert told.replaced is not None
    assert told.replaced.text == "It's on its way, don't wait... " * 3
    assert (told.replaced.alphabet, told.replaced.parts, told.replaced.units_left) == ("gsm", 1, 67)


async def test_what_nothing_can_stand_for_has_no_replacement(messaging: Messaging) -> None:
    told = await messaging.gateway.ask(PreviewText(body="Party 🎉 “tonight”"), READER)

    assert [each.replacement for each in told.foreign] == [None, '"', '"']
    assert told.replaced is None


async def test_what_sending_would_refuse_is_told(messaging: Messaging) -> None:
    assert await messaging.gateway.refused(PreviewText(body=" \n"), READER) == Code.TEXT_EMPTY
    assert (await messaging.gateway.ask(PreviewText(body="a" * 1530), READER)).too_long is False
    assert (await messaging.gateway.ask(PreviewText(body="a" * 1531), READER)).too_long is True
    assert (await messaging.gateway.ask(PreviewText(body="😀" * PREVIEW_CHARACTERS_MAX), READER)).parts == 304


async def test_a_marketing_text_is_asked_whether_it_tells_how_to_stop(messaging: Messaging) -> None:
    for body, sender, told in (
        ("Sale today. Text STOP to 82830", "82830", True),
        ("Sale today. Reply STOP to end", "82830", True),
        ("Sale today. Reply STOP to end", "Heliograph", False),  # a name cannot be answered
        ("Sale today", "82830", False),
    ):
        opt_out = (await messaging.gateway.ask(PreviewText(body=body, sender=sender), READER)).opt_out
        assert opt_out is not None
        assert opt_out.told is told, body
        assert bool(opt_out.reason) is not told


async def test_what_the_company_chose_is_told_to_it_and_to_the_command_line_and_to_no_other(
    messaging: Messaging, infra: Infra
) -> None:
    ask = PreviewText(body="It’s " + "x" * 1500)
    async with messaging.process.app.db.transaction() as tx:
        await policies.set_policy(tx, COMPANY, Policy(near_gsm=True))

    chosen = await messaging.gateway.ask(ask, READER)
    others = await messaging.gateway.ask(ask.model_copy(update={"company_id": COMPANY}), grant(OTHER_COMPANY))
    async with client(infra, "console") as console:
        assert await console.ask(ask.model_copy(update={"company_id": COMPANY})) == chosen
        assert await console.ask(ask) == others
    async with messaging.process.app.db.transaction() as tx:
        await policies.set_policy(tx, COMPANY, Policy())

    assert (chosen.replaces, chosen.too_long) == (True, False)
    assert (others.replaces, others.too_long) == (False, True)
    assert chosen.replaced == others.replaced


async def test_the_command_line_is_told_the_same_and_nothing_was_sent(messaging: Messaging, infra: Infra) -> None:
    ask = PreviewText(body="It’s here. Text STOP to 82830", sender="82830")
    texts = await messaging.count("SELECT (SELECT count(*) FROM open_texts) + (SELECT count(*) FROM texts)")

    async with client(infra, "console") as console:
        assert await console.ask(ask) == await messaging.gateway.ask(ask, READER)
    assert await messaging.gateway.refused(ask) == Code.SESSION_EXPIRED  # nobody in particular

    assert await messaging.count("SELECT (SELECT count(*) FROM open_texts) + (SELECT count(*) FROM texts)") == texts
    assert await messaging.on_handset(number(1)) == []
