import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.simulator.faults import Fault, Faults, Kind, plan
from services.simulator.rules import (
    AS_USUAL,
    FAULTLESS,
    RANGE_CHARACTERS,
    RANGES,
    Behaviour,
    Fate,
    behaviour_of,
    network_of,
    refusal,
)

NUMBER = "+447700900001"


def faults(*ordered: Fault) -> Faults:
    book = Faults()
    book.add(list(ordered))
    return book


def fault(kind: Kind, **options: object) -> Fault:
    return Fault.model_validate({"kind": kind, **(options if "every" in options else {"count": 1} | options)})


def pattern(ordered: Fault, hits: int) -> str:
    return "".join("x" if ordered.hit(NUMBER) else "." for _ in range(hits))


def test_count_fires_on_the_first_hits_after_those_let_pass():
    assert pattern(fault(Kind.NO_ANSWER, count=2, after_hits=2), 7) == "..xx..."


def test_every_fires_on_each_nth_hit():
    assert pattern(fault(Kind.NO_ANSWER, every=3), 8) == "..x..x.."
    assert pattern(fault(Kind.NO_ANSWER, every=2, after_hits=2), 8) == "...x.x.x"


@given(seed=st.integers(0, 1000), probability=st.floats(0.01, 1))
def test_a_seed_fixes_on_which_hits_it_fires(seed, probability):
    one, other = (Fault(kind=Kind.REFUSE, probability=probability, seed=seed) for _ in range(2))

    assert pattern(one, 50) == pattern(other, 50)


def test_a_fault_for_one_number_counts_and_fires_for_no_other():
    only = fault(Kind.REFUSE, number=NUMBER)

    assert [only.hit("+447700900002"), only.hit(NUMBER)] == [False, True]
    assert (only.report()["hits"], only.report()["fired"]) == (1, 1)


@pytest.mark.parametrize("options", [{}, {"count": 1, "every": 2}, {"probability": 0}, {"every": 0}, {"cout": 1}])
def test_a_fault_without_exactly_one_trigger_is_refused(options):
    with pytest.raises(ValidationError):
        Fault.model_validate({"kind": "refuse", **options})


def test_without_faults_a_text_goes_as_usual():
    assert plan(NUMBER, AS_USUAL, faults()) == FAULTLESS


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Kind.NO_ANSWER, {"answered": False}),
        (Kind.LATE_ANSWER, {"answered": True, "answer_delay_s": 0.2}),
        (Kind.DISCONNECT, {"answered": False, "hang_up": True}),
        (Kind.THROTTLE, {"refused": "throttled", "retry_after_s": 1.0}),
        (Kind.QUEUE_FULL, {"refused": "queue_full", "retry_after_s": 1.0}),
        (Kind.REFUSE, {"refused": "bad_number", "retry_after_s": None}),
        (Kind.GENERIC_NACK, {"refused": "generic_nack"}),
        (Kind.DISCONNECT_FULL_WINDOW, {"answered": False, "oddity": "disconnect_full_window", "answer_delay_s": 0.2}),
        (Kind.ANSWER_AFTER_DISCONNECT, {"answered": False, "oddity": "answer_after_disconnect"}),
        (Kind.HALF_OPEN, {"answered": False, "oddity": "half_open"}),
        (Kind.GARBAGE, {"answered": False, "oddity": "garbage"}),
        (Kind.OVERSIZE, {"answered": False, "oddity": "oversize"}),
        (Kind.WRONG_SEQUENCE, {"answered": False, "oddity": "wrong_sequence"}),
        (Kind.UNKNOWN_COMMAND, {"oddity": "unknown_command"}),
        (Kind.MALFORMED, {"oddity": "malformed"}),
        (Kind.EMPTY_ID, {"oddity": "empty_id"}),
        (Kind.RECEIPT_NEVER, {"receipts": (), "fate": Fate.NEVER}),
        (Kind.RECEIPT_TWICE, {"receipts": ((0.05, "delivered"), (0.25, "delivered"))}),
        (Kind.RECEIPT_OUT_OF_ORDER, {"receipts": ((0.05, "delivered"), (0.25, "accepted"))}),
        (Kind.RECEIPT_BEFORE_ANSWER, {"answer_delay_s": 0.2, "receipts": ((0.0, "delivered"),)}),
    ],
)
def test_a_fault_changes_what_it_is_for_and_nothing_else(kind, expected):
    planned = plan(NUMBER, AS_USUAL, faults(fault(kind)))

    assert expected == {name: getattr(planned, name) for name in expected}
    untouched = set(FAULTLESS.__slots__) - set(expected)
    assert all(getattr(planned, name) == getattr(FAULTLESS, name) for name in untouched)


def test_a_fault_of_one_account_leaves_the_others_alone():
    book = faults(fault(Kind.REFUSE, account="smpp:one"))

    assert plan(NUMBER, AS_USUAL, book, account="embedded") == FAULTLESS
    assert plan(NUMBER, AS_USUAL, book, account="smpp:one").refused == "bad_number"


@pytest.mark.parametrize(
    ("validity_s", "fate", "fate_s"), [(0, Fate.DELIVERED, 4.0), (3, Fate.EXPIRED, 3), (60, Fate.DELIVERED, 4.0)]
)
def test_a_text_that_is_longer_on_the_air_than_it_is_valid_expires_when_its_validity_passes(validity_s, fate, fate_s):
    planned = plan(NUMBER, Behaviour(on_air_ms=4_000), faults(), validity_s)

    assert (planned.fate, planned.fate_s, planned.receipts) == (fate, fate_s, ((fate_s + 0.05, fate.value),))


def test_every_range_is_found_by_its_numbers_and_what_is_ordered_wins_over_it():
    assert {len(prefix) for prefix in RANGES} == {RANGE_CHARACTERS}
    ordered = Behaviour("+44", Fate.NEVER)
    for prefix, behaviour in RANGES.items():
        assert behaviour_of(prefix + "5", []) == behaviour
        assert behaviour_of(prefix + "5", [ordered]) == (ordered if prefix.startswith("+44") else behaviour)


@given(n=st.integers(0, 919))
def test_the_drama_numbers_below_the_ranges_are_plain_and_have_a_network(n):
    number = f"+447700900{n:03d}"

    assert behaviour_of(number, []) == AS_USUAL
    assert network_of(number, AS_USUAL) in {"Beacon", "Cable", "Lantern"}


def test_a_fault_hidden_by_another_does_not_count_as_fired():
    book = faults(fault(Kind.THROTTLE), fault(Kind.DISCONNECT), fault(Kind.NO_ANSWER), fault(Kind.RECEIPT_NEVER))

    plan(NUMBER, AS_USUAL, book)

    assert {each["kind"]: each["fired"] for each in book.report()} == {
        "throttle": 1,
        "disconnect": 0,
        "no_answer": 0,
        "receipt_never": 0,
    }


def test_the_longest_prefix_decides_how_a_handset_behaves():
    everyone, some = Behaviour(receipt=Fate.NEVER), Behaviour(number_prefix="+4477009000", receipt=Fate.FAILED)

    assert [some, everyone] == [behaviour_of(number, [some, everyone]) for number in (NUMBER, "+15550100000")]
    assert behaviour_of(NUMBER, []) == AS_USUAL


@pytest.mark.parametrize(
    ("sender", "number", "text", "code"),
    [
        ("82830", NUMBER, "hello", None),
        ("Heliograph", NUMBER, "h" * 1600, None),
        ("+447700900002", NUMBER, "\x00", None),
        ("82830", "07700900001", "hello", "bad_number"),
        ("82830", "+4477009000011111", "hello", "bad_number"),
        ("82830", NUMBER + "\n", "hello", "bad_number"),
        ("Heliographer", NUMBER, "hello", "bad_sender"),
        ("", NUMBER, "hello", "bad_sender"),
        ("82830", NUMBER, "", "bad_text"),
        ("82830", NUMBER, "h" * 1601, "bad_text"),
    ],
)
def test_the_network_takes_and_refuses_by_its_rules(sender, number, text, code):
    assert code == refusal(sender, number, text)
