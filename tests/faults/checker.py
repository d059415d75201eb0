"""The history checker: nothing lost, nothing twice, nothing garbled, nothing after a STOP, the books balanced, quiet at the end.

Owns the invariants (docs/reference/crash-points.md, "What must hold"), one function each, a sentence for each violation. Pure functions of a
History; no I/O, no clock, no service code. Sentences name ids, never texts or numbers.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.faults.history import History, Stop, Submit, Text, TextOffer

OPEN = frozenset({"queued", "submitting", "submitted", "in_doubt"})
ENDS = frozenset({"delivered", "failed", "expired", "suppressed", "cancelled", "rejected"})
TOLD = ENDS | {"in_doubt"}  # what the world hears of
BY_RECEIPT = frozenset({"delivered", "failed", "expired"})
MAY_BE_TAKEN = BY_RECEIPT | {"submitted", "in_doubt"}  # where the network took it
SURELY_TAKEN = frozenset({"submitted", "delivered", "failed"})  # says the ledger, so the network must have it
OPTED_OUT = 8  # StatusEnum
URGENT = 0  # the lane of verifications, which go out to opted-out numbers too

# Between messaging's commit of a STOP and the last frame written by a claim that could not see it: the last look before the write, and the write.
LAST_LOOK_S = 2.0


@dataclass
class Report:
    offered: int = 0
    accepted: int = 0
    refused: int = 0
    unknown: int = 0
    recovered: int = 0  # unknown to the client, and done
    targeted: int = 0  # by campaigns
    submitted: int = 0  # taken by the network
    in_doubt: int = 0
    states: dict[str, int] = field(default_factory=dict)
    received: int = 0
    stops: int = 0
    stop_s_max: float = 0.0  # from inbound's commit of a STOP to messaging's
    last_submit_s_max: float = (
        0.0  # from inbound's commit of a STOP to the last submit to that number, 0 where none came after
    )
    recovery_s: dict[str, float] = field(default_factory=dict)  # by fault: to the next submit
    accepted_s: dict[str, float] = field(default_factory=dict)  # by fault: to the next text that a client saw accepted
    violations: list[str] = field(default_factory=list)


def check(history: History) -> Report:
    """The figures of a run, and a sentence for each thing that must not be."""
    report = Report(
        offered=len(history.texts_offered),
        targeted=sum(len(offer.numbers) for offer in history.campaigns_offered),
        submitted=sum(submit.outcome == "taken" for submit in history.submits),
        in_doubt=sum(text.state == "in_doubt" for text in history.texts),
        states=dict(Counter(text.state for text in history.texts).most_common()),
        received=len(history.received),
        stops=len(history.stops),
    )
    outcomes = Counter(offer.outcome for offer in history.texts_offered)
    report.accepted, report.refused, report.unknown = outcomes["ok"], outcomes["refused"], outcomes["unknown"]
    bodies = {text.body for text in history.texts if text.campaign_id is None}
    report.recovered = sum(offer.outcome == "unknown" and offer.body in bodies for offer in history.texts_offered)
    _measure_stops(history, report)
    _measure_recovery(history, report)
    report.violations = [sentence for invariant in INVARIANTS for sentence in invariant(history)]
    return report


# -- I1, I3: nothing lost; unknown is nothing or one ----------------------------------------------------------------


def singles(history: History) -> Iterator[str]:
    """What clients offered singly against the ledger."""
    rows: dict[str | None, list[Text]] = defaultdict(list)
    for text in history.texts:
        if text.campaign_id is None:
            rows[text.body].append(text)
    offers: dict[str | None, TextOffer] = {offer.body: offer for offer in history.texts_offered}
    may_refuse = {(offer.company_id, offer.number) for offer in history.inbound_offered if offer.is_stop}
    for body, offer in offers.items():
        yield from _single(offer, rows.get(body, []))
        if offer.outcome == "refused" and (
            offer.status != OPTED_OUT or (offer.company_id, offer.number) not in may_refuse
        ):
            yield f"text {offer.id} was refused without reason, with status {offer.status}"
    known_ids = {offer.id: offer for offer in history.texts_offered if offer.id}
    for body, texts in rows.items():
        if body not in offers:
            for text in texts:
                what = "garbled in the ledger" if text.id in known_ids else "in the ledger, never offered"
                yield f"text {text.id} is {what}"


def _single(offer: TextOffer, rows: list[Text]) -> Iterator[str]:
    name = offer.id or f"offered at {offer.began_at:.3f}"
    if offer.http == 500:
        yield f"text {name} was answered 500"
    if offer.outcome == "ok" and not rows:
        yield f"text {name} was accepted and is lost"
    if offer.outcome == "refused" and rows:
        yield f"text {name} was refused and is in the ledger"
    if len(rows) > 1:
        yield f"text {name} is doubled in the ledger: {', '.join(sorted(row.id for row in rows))}"
    for row in rows:
        if offer.id and row.id != offer.id:
            yield f"text {name} is in the ledger under another id, {row.id}"
        if row.company_id != offer.company_id:
            yield f"text {row.id} of company {offer.company_id} is company {row.company_id}'s in the ledger"
        if (row.number, row.sender) != (offer.number, offer.sender):
            yield f"text {row.id} is garbled in the ledger: another number or sender"


def ends(history: History) -> Iterator[str]:
    """Each text is at exactly one place, and has ended but for a doubt or a receipt that never comes."""
    counts = Counter(text.id for text in history.texts)
    never = {submit.text_id for submit in history.submits if submit.fate == "never"}
    for text in history.texts:
        if text.state not in ENDS | {"in_doubt"} and not (text.state == "submitted" and text.id in never):
            yield f"text {text.id} has not ended: {text.state}"
    yield from (f"text {id_} stands in the ledger {count} times" for id_, count in counts.items() if count > 1)


# -- I2, I4: nothing twice; the ledger says what the network knows -----------------------------------------------------


def submits(history: History) -> Iterator[str]:
    """The network's log against the ledger."""
    texts = {text.id: text for text in history.texts}
    bodies = {offer.campaign_id: offer.body for offer in history.campaigns_offered}
    taken: dict[str, list[Submit]] = defaultdict(list)
    for submit in history.submits:
        if submit.outcome == "taken":
            taken[submit.text_id].append(submit)
        text = texts.get(submit.text_id)
        if text is None:
            yield f"unexpected: the network got {submit.text_id}, which is in no ledger"
            continue
        body = text.body if text.campaign_id is None else bodies.get(text.campaign_id)
        if (submit.number, submit.sender, submit.body) != (text.number, text.sender, body):
            yield f"text {text.id} is garbled at the network"
    for id_, lines in taken.items():
        if len(lines) > 1:
            yield f"text {id_} was taken by the network {len(lines)} times"
    for text in history.texts:
        yield from _honest(text, taken.get(text.id, []))


def _honest(text: Text, taken: list[Submit]) -> Iterator[str]:
    if not taken:
        if text.state in SURELY_TAKEN:
            yield f"text {text.id} is {text.state}, and the network never took it"
        return
    last = taken[-1]
    if text.state not in MAY_BE_TAKEN:
        yield f"text {text.id} is {text.state}, and the network took it"
    aged_out = (text.state, last.fate) == ("expired", "never")
    if text.state in BY_RECEIPT and text.state != last.fate and not aged_out:
        yield f"text {text.id} is {text.state}, and its receipt says {last.fate}"
    if last.receipt_acked and text.state in OPEN:
        yield f"text {text.id} is {text.state}, and its receipt was acknowledged"


def once_a_campaign(history: History) -> Iterator[str]:
    """A campaign texts a number once, whatever the ids."""
    campaign_of = {text.id: text.campaign_id for text in history.texts if text.campaign_id is not None}
    texted = Counter(
        (campaign_of[submit.text_id], submit.number)
        for submit in history.submits
        if submit.outcome == "taken" and submit.text_id in campaign_of
    )
    doubled = Counter(campaign for (campaign, _), count in texted.items() if count > 1)
    yield from (f"campaign {campaign} texted {count} numbers twice" for campaign, count in doubled.items())


# -- I5: STOP ----------------------------------------------------------------------------------------------------------


def stops(history: History) -> Iterator[str]:
    """Each STOP is known at inbound and obeyed by messaging; from that commit on, no claim and no submit."""
    wished = {(stop.company_id, stop.number) for stop in history.stops if stop.stopped}
    obeyed = {(stop.company_id, stop.number): stop for stop in history.suppressions if stop.stopped}
    sent = {(offer.company_id, offer.number): offer for offer in history.inbound_offered if offer.is_stop}
    for who, offer in sent.items():
        if who not in wished:
            yield f"the STOP of {offer.at:.3f} to company {who[0]} is not known at inbound"
        elif who not in obeyed:
            yield f"the STOP of {offer.at:.3f} to company {who[0]} never reached messaging"
    for company_id, _ in obeyed.keys() - sent.keys():
        yield f"messaging suppresses a number for company {company_id} that never texted STOP to it"
    for submit, text, stop in _after_stop(history):
        if submit.at > stop.committed_at + LAST_LOOK_S:
            late_s = submit.at - stop.committed_at
            yield f"text {text.id} was submitted {late_s:.3f} s after messaging had committed its number's STOP"


def _after_stop(history: History) -> Iterator[tuple[Submit, Text, Stop]]:
    """Submits to a number after messaging's commit of its STOP."""
    texts = {text.id: text for text in history.texts}
    obeyed = {(stop.company_id, stop.number): stop for stop in history.suppressions if stop.stopped}
    for submit in history.submits:
        text = texts.get(submit.text_id)
        if text is None or text.lane == URGENT:
            continue
        stop = obeyed.get((text.company_id, text.number))
        if stop is not None and submit.at > stop.committed_at:
            yield submit, text, stop


# -- Books: campaigns, inbound, events -----------------------------------------------------------------------------------


def campaigns(history: History) -> Iterator[str]:
    """targeted = the numbers offered = the recipients' rows = the ledger's rows, each with the same end."""
    recipients: dict[int, dict[str, tuple[str | None, int]]] = defaultdict(dict)
    numbers: dict[int, list[str]] = defaultdict(list)
    for row in history.recipients:
        recipients[row.campaign_id][row.text_id] = (row.state, row.version)
        numbers[row.campaign_id].append(row.number)
    ledger: dict[int, dict[str, tuple[str, int]]] = defaultdict(dict)
    for text in history.texts:
        if text.campaign_id is not None:
            ledger[text.campaign_id][text.id] = (text.state, text.version)
    offered = {offer.campaign_id: offer for offer in history.campaigns_offered}
    for campaign in history.campaigns:
        offer = offered.pop(campaign.id, None)
        name = f"campaign {campaign.id}"
        if offer is None:
            if campaign.state != "draft":  # a draft is one that was made unheard
                yield f"{name} was never offered"
            continue
        if campaign.company_id != offer.company_id:
            yield f"{name} of company {offer.company_id} is company {campaign.company_id}'s"
        if campaign.state != "finished":
            yield f"{name} has not ended: {campaign.state}"
        if not campaign.targeted == campaign.checkpoint == len(numbers[campaign.id]):
            yield (
                f"{name}: targeted {campaign.targeted}, handed over {campaign.checkpoint}, recipients {len(numbers[campaign.id])}"
            )
        if sorted(numbers[campaign.id]) != sorted(offer.numbers):
            yield f"{name}: its recipients are not the numbers of its list"
        yield from _ends_agree(name, recipients[campaign.id], ledger.pop(campaign.id, {}))
    yield from (f"campaign {id_} was offered and is lost" for id_ in offered)
    yield from (f"the ledger has texts of campaign {id_}, which is not there" for id_ in ledger)


def _ends_agree(
    name: str, recipients: dict[str, tuple[str | None, int]], ledger: dict[str, tuple[str, int]]
) -> Iterator[str]:
    for id_ in recipients.keys() - ledger.keys():
        yield f"{name}: recipient {id_} is not in the ledger"
    for id_ in ledger.keys() - recipients.keys():
        yield f"{name}: text {id_} is in the ledger and no recipient"
    for id_ in recipients.keys() & ledger.keys():
        if recipients[id_] != ledger[id_]:
            (state, version), (true_state, true_version) = recipients[id_], ledger[id_]
            yield f"{name}: recipient {id_} is {state} ({version}), the ledger says {true_state} ({true_version})"


def inbound(history: History) -> Iterator[str]:
    """Each text from a handset is at inbound once, whole, its company's, and in messaging's conversations."""
    owners: dict[tuple[str, str, str], list[int | None]] = defaultdict(list)
    offered = {(offer.number, offer.header, offer.body) for offer in history.inbound_offered}
    for row in history.received:
        key = row.number, row.header, row.body
        owners[key].append(row.company_id)
        if key not in offered:
            yield f"inbound text {row.id} was never sent, or is garbled"
    for offer in history.inbound_offered:
        name = f"inbound text of {offer.at:.3f}"
        match owners.get((offer.number, offer.header, offer.body), []):
            case []:
                yield f"{name} is lost, or garbled"
            case [owner] if owner != offer.company_id:
                yield f"{name} to company {offer.company_id} is company {owner}'s"
            case [_, _, *_]:
                yield f"{name} is doubled"
    conversed = Counter(history.conversed)
    for row in history.received:
        if row.company_id is not None and conversed[row.id] != 1:
            yield f"inbound text {row.id} is in {conversed[row.id]} conversations"


def events(history: History) -> Iterator[str]:
    """I6, I8: each change that the world hears of was announced, under one version, and an end is never left."""
    told: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    companies = {text.id: text.company_id for text in history.texts}
    for item in history.settled:
        told[item.text_id][item.version].add(item.state)
        if companies.get(item.text_id, item.company_id) != item.company_id:
            yield f"text {item.text_id} was announced to company {item.company_id}"
    for text in history.texts:
        if text.state in TOLD and text.state not in told[text.id].get(text.version, ()):
            yield f"text {text.id} is {text.state} ({text.version}), and nobody was told"
    for id_, versions in told.items():
        states = [versions[version] for version in sorted(versions)]
        if any(len(at_once) > 1 for at_once in states):
            yield f"text {id_} was announced in two states of one version"
        if any(before & ENDS for before in states[:-1]):
            yield f"text {id_} left an end state"
        if id_ not in companies:
            yield f"text {id_} was announced and is in no ledger"


# -- I9: quiet; and the run itself -----------------------------------------------------------------------------------------


def quiet(history: History) -> Iterator[str]:
    yield from (f"not quiet: {count} in {what}" for what, count in history.waiting.items() if count)
    yield from (f"the books do not balance: {sentence}" for sentence in history.books)
    yield from history.surprises


def fired(history: History) -> Iterator[str]:
    """A run counts only if each of its faults fired while work was in flight."""
    for fault in history.faults:
        if fault.at is None:
            yield f"fault {fault.name} did not fire"
        elif fault.submits >= len(history.submits):
            yield f"fault {fault.name} fired when no work was in flight any more"


INVARIANTS: tuple[Callable[[History], Iterator[str]], ...] = (
    singles,
    ends,
    submits,
    once_a_campaign,
    stops,
    campaigns,
    inbound,
    events,
    quiet,
    fired,
)


# -- figures -----------------------------------------------------------------------------------------------------------------


def _measure_stops(history: History, report: Report) -> None:
    obeyed = {(stop.company_id, stop.number): stop.committed_at for stop in history.suppressions if stop.stopped}
    wished = {(stop.company_id, stop.number): stop.committed_at for stop in history.stops if stop.stopped}
    report.stop_s_max = max((obeyed[who] - at for who, at in wished.items() if who in obeyed), default=0.0)
    texts = {text.id: text for text in history.texts}
    for submit in history.submits:
        text = texts.get(submit.text_id)
        at = wished.get((text.company_id, text.number)) if text is not None and text.lane != URGENT else None
        if at is not None and submit.at > at:
            report.last_submit_s_max = max(report.last_submit_s_max, submit.at - at)


def _measure_recovery(history: History, report: Report) -> None:
    submitted = sorted(submit.at for submit in history.submits)
    accepted = sorted(offer.ended_at for offer in history.texts_offered if offer.outcome == "ok")
    for fault in history.faults:
        if not fault.at:
            continue
        for figures, times in ((report.recovery_s, submitted), (report.accepted_s, accepted)):
            after = next((at for at in times if at > fault.at), None)
            if after is not None:
                figures[fault.name] = after - fault.at
