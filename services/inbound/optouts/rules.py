"""Opt-outs: which texts are a wish to stop or to start again, and what follows from it.

Owns the table of words and the order of wishes: the newest by arrival holds, whatever order they are handled in. Plain functions and values;
no I/O, no clock. A text that merely contains such a word ("Stop knowing me so well!") is no wish.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from libs.common.contracts.inbound import ContactsReinstated, ContactsStopped, ContactState
from services.inbound.words import words


class Wish(StrEnum):
    STOP = "stop"  # no more texts from this company
    START = "start"  # texts again


# In normal form, alone in the text. STOP and STOP ALL: PhonepayPlus (numbers), MDA matrix 2004. The others: the industry's lists
# (Twilio Advanced Opt-Out, Telnyx, AWS End User Messaging). YES is no START: it answers a question that we do not know.
WISHES: Mapping[str, Wish] = {
    "stop": Wish.STOP,
    "stop all": Wish.STOP,
    "stopall": Wish.STOP,
    "unsubscribe": Wish.STOP,
    "end": Wish.STOP,
    "quit": Wish.STOP,
    "cancel": Wish.STOP,
    "optout": Wish.STOP,
    "opt out": Wish.STOP,
    "start": Wish.START,
    "unstop": Wish.START,
}


def read(body: str) -> Wish | None:
    """What `body` wishes, if it is a wish and nothing else."""
    return WISHES.get(" ".join(words(body)))


@dataclass(frozen=True, slots=True)
class Wished:
    """One wish of `number`, to one company. `text_id` is the text it stood in; ids sort by arrival."""

    company_id: int
    number: str
    header: str
    wish: Wish
    at: datetime
    text_id: UUID


Contact = tuple[int, str]  # company_id and number


@dataclass(frozen=True, slots=True)
class Now:
    """A contact after its wishes were counted: how many there were, and in which text the newest stood."""

    sequence: int
    text_id: UUID


def by_contact(wished: Sequence[Wished]) -> dict[Contact, list[Wished]]:
    """The wishes of each contact, in the order they arrived."""
    grouped: dict[Contact, list[Wished]] = defaultdict(list)
    for wish in sorted(wished, key=lambda wish: wish.text_id):
        grouped[wish.company_id, wish.number].append(wish)
    return dict(grouped)


def numbered(grouped: Mapping[Contact, Sequence[Wished]], now: Mapping[Contact, Now]) -> Iterator[tuple[int, Wished]]:
    """Each wish with its sequence: the last of a contact's has the contact's own."""
    for contact, wishes in grouped.items():
        yield from enumerate(wishes, now[contact].sequence - len(wishes) + 1)


def announcements(
    grouped: Mapping[Contact, Sequence[Wished]], now: Mapping[Contact, Now]
) -> list[ContactsStopped | ContactsReinstated]:
    """What to tell: an event a company and kind, each number at most once in it. A wish that came later than a newer one changes nothing."""
    stopped: dict[int, dict[str, ContactState]] = defaultdict(dict)
    reinstated: dict[int, dict[str, ContactState]] = defaultdict(dict)
    for sequence, wish in numbered(grouped, now):
        contact = wish.company_id, wish.number
        if grouped[contact][-1].text_id == now[contact].text_id:
            kind = stopped if wish.wish is Wish.STOP else reinstated
            kind[wish.company_id][wish.number] = ContactState(
                number=wish.number, header=wish.header, sequence=sequence, at=wish.at
            )
    return [
        *(ContactsStopped(company_id=company_id, items=list(items.values())) for company_id, items in stopped.items()),
        *(
            ContactsReinstated(company_id=company_id, items=list(items.values()))
            for company_id, items in reinstated.items()
        ),
    ]
