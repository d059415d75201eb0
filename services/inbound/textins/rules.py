"""Text-ins: which words may be keywords, which actions may be set, and what follows from a text. Plain functions and values; no I/O, no clock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar
from uuid import UUID

from libs.common import gsm, phone
from libs.common.batches import in_messages
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.inbound import Membership, MembershipsWanted
from libs.common.contracts.textins import REPLY_PARTS_MAX, TextInActions
from services.inbound.optouts import rules as optouts
from services.inbound.replies.rules import Answer
from services.inbound.textins import webhooks
from services.inbound.words import words

ANY_KEYWORD = "*"  # claims what no other keyword on the header claims
LAST_SENDER_WITHIN = timedelta(
    days=30
)  # a text to a shared header answers whoever texted the number last, if it was of late


def keyword_key(keyword: str) -> str:
    """`keyword` in the form texts are compared with.

    Refused where no first word could ever be it, and where it is a wish or begins with "stop": nothing may stand before a STOP.
    """
    if keyword.strip() == ANY_KEYWORD:
        return ANY_KEYWORD
    found = words(keyword)
    if len(found) != 1:
        raise Refusal(Code.INVALID_REQUEST, "a keyword is one word of letters or digits, or * alone")
    if found[0].startswith("stop") or optouts.reserved(keyword):
        raise Refusal(Code.INVALID_REQUEST, "this word means STOP or START, or looks like it")
    return found[0]


class Owned(Protocol):
    """Whose something is."""

    @property
    def company_id(self) -> int: ...


Owner = TypeVar("Owner", bound=Owned)


def owner_without_keyword(owner: Owner | None, last: Owner | None, any_: Owner | None) -> Owner | None:
    """Whose a text is that no word of it claims.

    `owner`: of the header, where it is one company's own; `last`: who texted the number last from a shared header, within LAST_SENDER_WITHIN; `any_`:
    whose text-in '*' is on the header. None: nobody's, and kept.
    """
    found = owner or last
    return any_ if any_ and (found is None or found.company_id == any_.company_id) else found


def checked(actions: TextInActions, header: str) -> TextInActions:
    """`actions` as they are kept. Refused where one of them could never be done."""
    reply = actions.reply.strip()
    if "\0" in reply:
        raise Refusal(Code.INVALID_REQUEST, "a reply cannot hold the character U+0000")
    if gsm.segments(reply) > REPLY_PARTS_MAX:
        raise Refusal(Code.TEXT_TOO_LONG, f"a reply has {REPLY_PARTS_MAX} parts at most")
    if actions.join_list_id is not None and actions.join_list_id == actions.leave_list_id:
        raise Refusal(Code.INVALID_REQUEST, "one list cannot be joined and left at once")
    forward_to = phone.required(actions.forward_to) if actions.forward_to.strip() else ""
    if forward_to and forward_to == phone.sender_key(header):
        raise Refusal(Code.INVALID_NUMBER, "a text cannot be forwarded to the header it came to")
    url = webhooks.address(actions.webhook_url) if actions.webhook_url.strip() else ""
    return actions.model_copy(update={"reply": reply, "forward_to": forward_to, "webhook_url": url})


@dataclass(frozen=True, slots=True)
class Claimed:
    """A text that a text-in claims, and that wishes neither to stop nor to start. `header`: as its company writes it."""

    id: UUID
    company_id: int
    text_in_id: int
    number: str
    header: str
    body: str
    at: datetime
    campaign_id: int | None = None
    incomplete: bool = False


def answers(texts: Iterable[Claimed], actions: Mapping[int, TextInActions]) -> list[Answer]:
    return [
        Answer(text.company_id, text.number, text.header, reply, heard=text.body)
        for text in texts
        if (reply := actions[text.text_in_id].reply)
    ]


def forwards(texts: Iterable[Claimed], actions: Mapping[int, TextInActions]) -> list[Answer]:
    """Not to whoever texted it."""
    return [
        Answer(text.company_id, to, text.header, _fitting(f"From {_at_home(text.number)}: {text.body}"), heard="")
        for text in texts
        if (to := actions[text.text_in_id].forward_to) and to != text.number
    ]


def _at_home(number: str) -> str:
    return f"0{number[3:]}" if number.startswith("+44") else number


def _fitting(body: str) -> str:
    """As much of it as a text of ours may hold; all of it is in the inbox."""
    return "".join(gsm.cut(body, gsm.alphabet(body))[: gsm.PARTS_MAX])


def memberships(texts: Iterable[Claimed], actions: Mapping[int, TextInActions]) -> list[MembershipsWanted]:
    """An event a company; only a phone number can be on a list."""
    wanted: dict[int, list[Membership]] = defaultdict(list)
    for text in texts:
        if phone.E164.fullmatch(text.number):
            action = actions[text.text_in_id]
            wanted[text.company_id] += [
                Membership(list_id=list_id, number=text.number, joins=joins, at=text.at)
                for list_id, joins in ((action.leave_list_id, False), (action.join_list_id, True))
                if list_id is not None
            ]
    return [
        MembershipsWanted(company_id=company_id, items=list(some))
        for company_id, items in wanted.items()
        for some in in_messages(items, lambda _: 0)
    ]


def posts(texts: Iterable[Claimed], actions: Mapping[int, TextInActions]) -> Sequence[Claimed]:
    """Those that a webhook shall have."""
    return [text for text in texts if actions[text.text_in_id].webhook_url]
