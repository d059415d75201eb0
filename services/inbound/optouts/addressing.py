"""Whose texts a wish is about, and how far it reaches.

A header that is one company's: that company. On a shared number STOP is the last sender's, a further STOP the one before; STOP ALL is everybody's, and
so is a STOP where nobody is known to have texted. START opens what the newest STOP there closed. Plain functions and values; no I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from libs.common import phone
from libs.common.contracts.optouts import OptOutPolicy, Scope
from services.inbound.optouts.contacts import NEW, Act, Contact, Standing, State, Wished
from services.inbound.optouts.rules import Heard, Reading, Wish
from services.inbound.words import words

LAST_SENDER_WITHIN = timedelta(days=90)
COMPANY = ""  # the scope of all of a company's texts
STANDS = (State.STOPPED, State.SOFT)


@dataclass(frozen=True, slots=True)
class Party:
    """A company that has a header, as it writes it, with its brand and the company's policy."""

    company_id: int
    key: str
    header: str
    brand: str
    shared: bool
    policy: OptOutPolicy


@dataclass(frozen=True, slots=True)
class Said:
    """A text and what was read in it. `company_id`: whose text it is; `by_keyword`: because of a text-in."""

    id: UUID
    number: str
    header_key: str
    at: datetime
    reading: Reading
    company_id: int | None = None
    by_keyword: bool = False


@dataclass(frozen=True, slots=True)
class Use:
    """A company's newest text to a number from a shared header."""

    company_id: int
    at: datetime
    text_id: UUID


@dataclass(frozen=True, slots=True)
class Addressed:
    """To whom a wish is, the likeliest first. `for_all`: also to companies that are known to have the number only later."""

    parties: Sequence[Party] = ()
    for_all: bool = False


def normal(text: str) -> str:
    return " ".join(words(text))


def scope_of(party: Party, scope: Scope | None = None) -> str:
    """What a plain STOP to the party's header stops. One to a header without a brand stops, of a brand, the whole company: too wide is safer."""
    match scope or party.policy.scope:
        case Scope.HEADER:
            return f"header:{party.key}"
        case Scope.BRAND if party.brand:
            return f"brand:{party.brand.casefold()}"
        case _:
            return COMPANY


def covering(party: Party) -> list[str]:
    """Every scope in which a stop covers this header."""
    return list(dict.fromkeys(scope_of(party, scope) for scope in (Scope.COMPANY, Scope.BRAND, Scope.HEADER)))


def names_of(parties: Iterable[Party], services: Iterable[tuple[str, int]]) -> dict[str, set[int]]:
    """What a STOP may name on a header, in normal form, and the companies that are meant: the header itself, brands, keywords (`services`)."""
    named: dict[str, set[int]] = {}
    for party in parties:
        for name in (normal(party.header), normal(party.brand), "".join(words(party.brand))):
            if name:
                named.setdefault(name, set()).add(party.company_id)
    for keyword, company_id in services:
        named.setdefault(keyword, set()).add(company_id)
    return named


def heard_by(parties: Collection[Party], names: Collection[str], claimed: bool) -> Heard:
    """What the words of a text to these parties mean."""
    policies = [party.policy for party in parties]
    return Heard(
        claimed=claimed,
        names=names,
        stop_words={word for policy in policies for word in policy.stop_words},
        start_words={word for policy in policies for word in policy.start_words},
    )


def address(
    said: Said,
    parties: Sequence[Party],
    names: Mapping[str, Collection[int]],
    uses: Sequence[Use],
    standings: Mapping[Contact, Standing],
) -> Addressed:
    """`parties`: who has the header; `uses`: who texted the number from it."""
    own = [party for party in parties if party.company_id == said.company_id]
    if own and (said.by_keyword or not own[0].shared):
        return Addressed(own)
    sharers = [party for party in parties if party.shared]
    by_id = {party.company_id: party for party in sharers}
    recent = (use for use in uses if use.at > said.at - LAST_SENDER_WITHIN)
    last = sorted(recent, key=lambda use: use.text_id, reverse=True)
    senders = [by_id[use.company_id] for use in last if use.company_id in by_id]
    wish = said.reading.wish
    if wish is Wish.START:
        return Addressed(_last_stopped(said, sharers, standings) or senders[:1])
    if wish is Wish.HELP:
        return Addressed(senders[:1] or sharers[:1])
    everyone = Addressed([*senders, *(party for party in sharers if party not in senders)], for_all=True)
    if wish is Wish.STOP_ALL:
        return everyone
    if named := _named(said.reading, sharers, names):
        return Addressed(named)
    if not senders or last[0].company_id not in by_id:  # nobody texted, or one whose number this is not known to be yet
        return everyone
    going = (party for party in senders if not _is_stopped(said.number, party, standings))
    return Addressed([next(going, senders[0])])


def _named(reading: Reading, sharers: Sequence[Party], names: Mapping[str, Collection[int]]) -> list[Party]:
    """The parties that were named, or whose own word it is; none where the name is everybody's, such as the number's."""
    meant = [
        party
        for party in sharers
        if reading.name and (party.company_id in names.get(reading.name, ()) or reading.name in party.policy.stop_words)
    ]
    return meant if len(meant) < len(sharers) else []


def _is_stopped(number: str, party: Party, standings: Mapping[Contact, Standing]) -> bool:
    states = [standings.get((party.company_id, number, scope), NEW).state for scope in covering(party)]
    return State.STOPPED in states


def _last_stopped(said: Said, sharers: Sequence[Party], standings: Mapping[Contact, Standing]) -> list[Party]:
    """Whom the newest wish stopped that came to this header and still holds."""
    stopped: dict[UUID, set[int]] = {}
    for (company_id, number, _), standing in standings.items():
        here = number == said.number and phone.sender_key(standing.header) == said.header_key
        if here and standing.state in STANDS and standing.id:
            stopped.setdefault(standing.id, set()).add(company_id)
    return [party for party in sharers if party.company_id in stopped[max(stopped)]] if stopped else []


def wishes(said: Said, party: Party, standings: Mapping[Contact, Standing]) -> list[Wished]:
    """What the text is to one company: a START opens every scope that is closed and covers the header."""
    act, scopes = Act.STOP, [scope_of(party)]
    match said.reading.wish:
        case Wish.STOP_ALL:
            scopes = [COMPANY]
        case Wish.SOFT:
            act = Act.SOFT
        case Wish.START:
            act = Act.START
            states = {
                scope: standings.get((party.company_id, said.number, scope), NEW).state for scope in covering(party)
            }
            scopes = [scope for scope, state in states.items() if state in STANDS] or scopes
        case Wish.HELP:
            return []
    return [
        Wished(party.company_id, said.number, scope, party.header, act, said.at, said.id, text_id=said.id)
        for scope in scopes
    ]
