"""The checker, checked: a whole history passes, and each planted violation is found. A checker that finds nothing proves nothing."""

from __future__ import annotations

import random
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import pytest

from tests.faults.checker import check
from tests.faults.history import (
    Campaign,
    CampaignOffer,
    Fault,
    History,
    InboundOffer,
    Outcome,
    Received,
    Recipient,
    Settled,
    Stop,
    Submit,
    Text,
    TextOffer,
    from_json,
)

STOPPED = "+447700900003"
CAMPAIGN = 7


def whole_history(seed: int = 1) -> History:
    """Thirty single texts, a campaign of twenty with one STOP before it, two inbound texts; some unknown to their client, one in doubt."""
    rng = random.Random(seed)
    history = History()
    for n in range(30):
        _single(history, n, rng)
    history.inbound_offered = [
        InboundOffer(1, STOPPED, "82830", "STOP", 50.0, is_stop=True),
        InboundOffer(2, "+447700900004", "82831", "Where are you? 3", 51.0, is_stop=False),
    ]
    history.received = [
        Received(f"in-{n}", o.company_id, o.number, o.header, o.body) for n, o in enumerate(history.inbound_offered)
    ]
    history.conversed = [row.id for row in history.received]
    history.stops = [Stop(1, STOPPED, True, 50.1)]
    history.suppressions = [Stop(1, STOPPED, True, 50.2)]
    _campaign(history)
    for text in history.texts:
        history.settled.append(Settled(f"e-{text.id}", text.id, text.company_id, text.state, text.version))
    history.settled.append(replace(history.settled[0]))  # an event may come twice
    history.faults = [Fault("messaging: submit.written:3", 20.0, submits=10)]
    history.waiting = {"outbox of messaging": 0, "queue dead": 0}
    return history


def _single(history: History, n: int, rng: random.Random) -> None:
    company, number, body = 1 + n % 2, f"+4477009001{n:02}", f"Text {n} {rng.randrange(10**9)} € ü"
    outcome: Outcome = "refused" if n == 5 else "unknown" if n in (6, 7) else "ok"
    id_ = f"single-{n}"
    number = STOPPED if outcome == "refused" else number
    company = 1 if outcome == "refused" else company
    status = {"ok": 0, "refused": 8, "unknown": None}[outcome]
    known_id = "" if outcome == "unknown" else id_
    offer = TextOffer(company, number, f"8283{n % 2}", body, float(n), n + 0.5, outcome, known_id, 200, status)
    history.texts_offered.append(offer)
    if n in (5, 6):
        return  # refused; unknown and not there
    state = "in_doubt" if n == 8 else rng.choice(["delivered", "delivered", "failed"])
    history.texts.append(Text(id_, company, 1, state, number, offer.sender, body, None, None, 4))
    if state != "in_doubt":
        history.submits.append(
            Submit(len(history.submits) + 1, n + 0.7, id_, offer.sender, number, body, "taken", state, True)
        )


def _campaign(history: History) -> None:
    numbers = [f"+4477009000{n:02}" for n in range(20)]
    body = "Sale: ten per cent off"
    history.campaigns_offered = [CampaignOffer(1, CAMPAIGN, "82830", body, numbers)]
    history.campaigns = [Campaign(CAMPAIGN, 1, "finished", 20, 20)]
    for position, number in enumerate(numbers, start=1):
        id_ = f"recipient-{position}"
        state = "suppressed" if number == STOPPED else "delivered"
        history.texts.append(Text(id_, 1, 2, state, number, "82830", None, CAMPAIGN, position, 4))
        history.recipients.append(Recipient(CAMPAIGN, position, number, id_, state, 4))
        if state == "delivered":
            n = len(history.submits) + 1
            history.submits.append(Submit(n, 60.0 + n / 100, id_, "82830", number, body, "taken", "delivered", True))


Plant = Callable[[History], None]
PLANTED: dict[str, tuple[Plant, str]] = {}


def planted(name: str, found_as: str) -> Callable[[Plant], Plant]:
    def keep(plant: Plant) -> Plant:
        PLANTED[name] = plant, found_as
        return plant

    return keep


def _of(history: History, id_: str) -> int:
    return next(n for n, text in enumerate(history.texts) if text.id == id_)


@planted("an accepted text's row is dropped", "was accepted and is lost")
def _(history: History) -> None:
    del history.texts[_of(history, "single-3")]


@planted("a text is submitted twice", "was taken by the network 2 times")
def _(history: History) -> None:
    history.submits.append(replace(history.submits[4], n=99))


@planted("a text whose client heard nothing is queued twice", "is doubled in the ledger")
def _(history: History) -> None:
    history.texts.append(replace(history.texts[_of(history, "single-7")], id="single-7-again"))


@planted("a text stands in the open and the closed ledger", "stands in the ledger 2 times")
def _(history: History) -> None:
    history.texts.append(history.texts[2])


@planted("a refused text goes out", "was refused and is in the ledger")
def _(history: History) -> None:
    offer = next(offer for offer in history.texts_offered if offer.outcome == "refused")
    history.texts.append(
        replace(history.texts[0], id=offer.id, body=offer.body, number=offer.number, company_id=1, sender=offer.sender)
    )


@planted("a text is refused as opted out, and its number never texted STOP", "was refused without reason")
def _(history: History) -> None:
    n = next(n for n, offer in enumerate(history.texts_offered) if offer.outcome == "refused")
    history.texts_offered[n] = replace(history.texts_offered[n], number="+447700900999")


@planted("a text never ends", "has not ended: submitting")
def _(history: History) -> None:
    history.texts[0] = replace(history.texts[0], state="submitting")


@planted("a text is called failed and was delivered", "is failed, and its receipt says delivered")
def _(history: History) -> None:
    n = _of(history, "recipient-1")
    history.texts[n] = replace(history.texts[n], state="failed")


@planted("a text is called delivered and was never submitted", "is delivered, and the network never took it")
def _(history: History) -> None:
    history.submits = [submit for submit in history.submits if submit.text_id != "recipient-2"]


@planted("a text is called cancelled and was submitted", "is cancelled, and the network took it")
def _(history: History) -> None:
    n = _of(history, "recipient-2")
    history.texts[n] = replace(history.texts[n], state="cancelled")


@planted("a receipt is acknowledged and forgotten", "and its receipt was acknowledged")
def _(history: History) -> None:
    n = _of(history, "recipient-5")
    history.texts[n] = replace(history.texts[n], state="in_doubt")


@planted("a campaign's text goes out after the STOP", "had committed its number's STOP")
def _(history: History) -> None:
    n = _of(history, "recipient-4")
    history.texts[n] = replace(history.texts[n], state="delivered")
    line = replace(history.submits[-1], n=98, at=70.0, text_id="recipient-4", number=STOPPED)
    history.submits.append(line)


@planted("a STOP never reaches messaging", "never reached messaging")
def _(history: History) -> None:
    history.suppressions.clear()


@planted("a STOP is not understood", "is not known at inbound")
def _(history: History) -> None:
    history.stops.clear()


@planted("a text becomes another company's", "is company 9's in the ledger")
def _(history: History) -> None:
    history.texts[0] = replace(history.texts[0], company_id=9)


@planted("an inbound text is given to another company", "is company 9's")
def _(history: History) -> None:
    history.received[1] = replace(history.received[1], company_id=9)


@planted("an event is missing", "and nobody was told")
def _(history: History) -> None:
    history.settled = [item for item in history.settled if item.text_id != "single-9"]


@planted("a text leaves its end state", "left an end state")
def _(history: History) -> None:
    history.settled.append(Settled("e-x", "single-9", 2, "failed", 5))


@planted("two states are announced under one version", "in two states of one version")
def _(history: History) -> None:
    history.settled.append(Settled("e-y", "single-9", 2, "expired", 4))


@planted("a recipient's end is never heard of", "the ledger says delivered")
def _(history: History) -> None:
    history.recipients[1] = replace(history.recipients[1], state=None, version=0)


@planted("the books are off by one", "targeted 21")
def _(history: History) -> None:
    history.campaigns[0] = replace(history.campaigns[0], targeted=21)


@planted("a recipient is never handed over", "is not in the ledger")
def _(history: History) -> None:
    del history.texts[_of(history, "recipient-6")]


@planted("a number is texted twice by one campaign", "texted 1 numbers twice")
def _(history: History) -> None:
    n = _of(history, "recipient-6")
    history.texts.append(replace(history.texts[n], id="recipient-6-again"))
    line = next(line for line in history.submits if line.text_id == "recipient-6")
    history.submits.append(replace(line, n=97, text_id="recipient-6-again"))


@planted("a campaign is lost", "was offered and is lost")
def _(history: History) -> None:
    history.campaigns.clear()


@planted("a body is garbled on the way out", "is garbled at the network")
def _(history: History) -> None:
    history.submits[3] = replace(history.submits[3], body=history.submits[3].body.replace("€", "?"))


@planted("a body is garbled on the way in", "was never sent, or is garbled")
def _(history: History) -> None:
    history.received[1] = replace(history.received[1], body="Where are you? ?")


@planted("an inbound text is kept twice", "is doubled")
def _(history: History) -> None:
    history.received.append(replace(history.received[1], id="in-again"))
    history.conversed.append("in-again")


@planted("an inbound text is in no conversation", "is in 0 conversations")
def _(history: History) -> None:
    history.conversed.pop()


@planted("the network gets what nobody offered", "unexpected: the network got")
def _(history: History) -> None:
    history.submits.append(replace(history.submits[0], n=96, text_id="nobodys"))


@planted("a dead letter is left", "not quiet: 1 in queue dead")
def _(history: History) -> None:
    history.waiting["queue dead"] = 1


@planted("a fault does not fire", "did not fire")
def _(history: History) -> None:
    history.faults.append(Fault("broker killed", None))


@planted("a fault fires when all is done", "no work was in flight")
def _(history: History) -> None:
    history.faults.append(Fault("broker killed", 80.0, submits=len(history.submits)))


@planted("a client is answered 500", "was answered 500")
def _(history: History) -> None:
    history.texts_offered[6] = replace(history.texts_offered[6], http=500, status=None)


def finds(name: str) -> bool:
    plant, found_as = PLANTED[name]
    history = deepcopy(whole_history())
    plant(history)
    return any(found_as in sentence for sentence in check(history).violations)


@pytest.mark.parametrize("seed", range(20))
def test_a_whole_history_has_no_violation(seed: int) -> None:
    report = check(whole_history(seed))

    assert report.violations == []
    assert (report.offered, report.accepted, report.refused, report.unknown) == (30, 27, 1, 2)
    assert (report.recovered, report.in_doubt, report.targeted) == (1, 1, 20)


@pytest.mark.parametrize("name", PLANTED)
def test_the_checker_finds_when(name: str) -> None:
    assert finds(name)


def test_the_mutation_score_is_full(capsys: pytest.CaptureFixture[str]) -> None:
    score = sum(finds(name) for name in PLANTED)

    with capsys.disabled():
        print(f"\nhistory checker: mutation score {score}/{len(PLANTED)}")
    assert score == len(PLANTED)


def test_a_history_written_down_is_the_same_when_it_is_read_again() -> None:
    history = whole_history()

    assert from_json(history.as_json()) == history


def test_sentences_name_no_text_and_no_number() -> None:
    for plant, _ in PLANTED.values():
        history = whole_history()
        plant(history)
        for sentence in check(history).violations:
            assert "+44" not in sentence
            assert "Text " not in sentence
