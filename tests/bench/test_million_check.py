"""The check of an interrupted campaign finds each thing that must not be, and nothing where all is well."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.bench.million_check import Aftermath, Halt, faults, lines

ALL = {f"+44740000000{n}" for n in range(6)}
FIRST, SECOND, STOPPED, DOUBT, LATE, LAST = sorted(ALL)
STATES = dict.fromkeys((FIRST, SECOND, LATE, LAST), "delivered") | {STOPPED: "suppressed", DOUBT: "in_doubt"}
GOOD = Aftermath(
    numbers=ALL,
    arrived=dict.fromkeys((FIRST, SECOND, LATE, LAST), 1),
    recipients=dict(STATES),
    ledger=dict(STATES),
    not_handed_over=set(),
    stopped={STOPPED, LATE},
    stopped_before={STOPPED},
    stopped_for_good=False,
    kills={"messaging": 1, "campaign": 2},
    window=500,
    books=[],
    halts=[Halt("pause", 0.1, can_still_arrive=3, arrived=3)],
)
CANCELLED = dict.fromkeys((LATE, LAST), "cancelled")
STOPPED_FOR_GOOD = replace(
    GOOD,
    arrived={FIRST: 1, SECOND: 1},
    recipients=STATES | {LATE: "cancelled", LAST: None},
    ledger={number: state for number, state in (STATES | CANCELLED).items() if number != LAST},
    not_handed_over={LAST},
    stopped_for_good=True,
)


def test_where_all_is_well_nothing_is_found() -> None:
    assert faults(GOOD) == []
    assert faults(STOPPED_FOR_GOOD) == []


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (replace(GOOD, arrived={**GOOD.arrived, FIRST: 2}), "got the text twice"),
        (replace(GOOD, arrived={**GOOD.arrived, "+447999999999": 1}), "are on no list"),
        (
            replace(
                GOOD, arrived={SECOND: 1, LATE: 1, LAST: 1}, recipients=STATES | {FIRST: None}, ledger=STATES | {FIRST: "queued"}
            ),
            "are missing",
        ),
        (replace(GOOD, recipients={n: s for n, s in STATES.items() if n != FIRST}), "are no recipients"),
        (replace(GOOD, arrived={FIRST: 1, SECOND: 1, LATE: 1}), "count as delivered and got nothing"),
        (replace(GOOD, arrived={**GOOD.arrived, STOPPED: 1}), "count as kept from it"),
        (replace(GOOD, arrived={**GOOD.arrived, STOPPED: 1}), "texted STOP before the launch and got the text"),
        (replace(GOOD, stopped=set(), stopped_before=set()), "never texted STOP"),
        (replace(GOOD, ledger=STATES | {FIRST: "failed"}), "otherwise than for messaging"),
        (replace(GOOD, recipients=STATES | {FIRST: None}), "have no end"),
        (replace(GOOD, recipients=STATES | CANCELLED, ledger=STATES | CANCELLED), "though the campaign was not stopped"),
        (replace(GOOD, kills={"campaign": 3}), "1 are in doubt, of at most 0"),
        (replace(GOOD, halts=[Halt("pause", 0.1, 3, 4)]), "4 texts came after the answer to a pause, which said 3"),
        (replace(GOOD, books=["2 texts too many"]), "the books say: 2 texts too many"),
        (replace(STOPPED_FOR_GOOD, arrived={**STOPPED_FOR_GOOD.arrived, LAST: 1}), "were never handed over"),
    ],
)  # fmt: skip
def test_each_fault_is_found(found: Aftermath, words: str) -> None:
    assert any(words in fault for fault in faults(found)), faults(found)


def test_what_is_in_doubt_is_told_with_its_bound() -> None:
    assert "in doubt 1, of them 0 at their handset; bound 500: a window of 500 a kill" in lines(GOOD)
