"""Every item handed to deliveries is in exactly one place until it is acknowledged, whatever sessions do."""

import itertools
from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from services.simulator.deliveries import REDELIVER_AFTER_S, Deliveries


class FarEnd:
    """A session that keeps what it was sent."""

    batch_items_max = 500
    unacked_batches_max = 16

    def __init__(self, account="one"):
        self.account = account
        self.writable = True
        self.batches = {}

    def deliver(self, kind, number, items):
        self.batches[number] = items


class DeliveriesUnderChange(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.acked = []
        self.deliveries = Deliveries("receipts", itertools.count(1), self.acked.extend)
        self.ends = []
        self.names = itertools.count()
        self.added = 0
        self.now = 0.0

    @rule()
    def bind(self):
        self.ends.append(FarEnd())
        self.deliveries.bound(self.ends[-1], self.now)

    @rule(which=st.integers(0, 5))
    def lose(self, which):
        if self.ends:
            self.deliveries.lost(self.ends.pop(which % len(self.ends)), self.now)

    @rule(count=st.integers(1, 1200), which=st.none() | st.integers(0, 5))
    def add(self, count, which):
        owner = self.ends[which % len(self.ends)] if which is not None and self.ends else None
        self.deliveries.add([[next(self.names)] for _ in range(count)], "one", owner)
        self.deliveries.pump(self.now)
        self.added += count

    @rule(which=st.integers(0, 5))
    def acknowledge_the_oldest(self, which):
        if self.ends and (end := self.ends[which % len(self.ends)]).batches:
            number = min(end.batches)
            del end.batches[number]
            self.deliveries.ack(end, [number], self.now)

    @rule(which=st.integers(0, 5))
    def acknowledge_what_was_never_sent(self, which):
        if self.ends:
            self.deliveries.ack(self.ends[which % len(self.ends)], [-1], self.now)

    @rule()
    def wait_too_long(self):
        self.now += REDELIVER_AFTER_S
        self.deliveries.redeliver_overdue(self.now)

    @invariant()
    def nothing_is_lost_and_nothing_is_in_two_places(self):
        assert self.added == self.deliveries.pending + len(self.acked)
        on_sessions = [item[0] for end in self.ends for items in end.batches.values() for item in items]
        assert all(times == 1 for times in Counter(on_sessions + [item[0] for item in self.acked]).values())

    @invariant()
    def no_session_has_more_than_its_window(self):
        assert all(len(end.batches) <= FarEnd.unacked_batches_max for end in self.ends)


DeliveriesUnderChange.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestDeliveriesUnderChange = DeliveriesUnderChange.TestCase


def test_what_is_anyones_goes_round():
    deliveries = Deliveries("texts", itertools.count(1), lambda items: None)
    ends = [FarEnd(), FarEnd()]
    for end in ends:
        deliveries.bound(end, 0)

    for number in range(6):
        deliveries.add([[number]], None)
        deliveries.pump(0)

    assert [len(end.batches) for end in ends] == [3, 3]


def test_a_session_gets_its_own_and_another_one_only_when_it_is_lost():
    deliveries = Deliveries("receipts", itertools.count(1), lambda items: None)
    own, other = FarEnd(), FarEnd()
    deliveries.bound(own, 0)
    deliveries.bound(other, 0)

    deliveries.add([["r1"]], "one", own)
    deliveries.pump(0)
    before = dict(other.batches)
    deliveries.lost(own, 0)

    assert (before, list(other.batches.values())) == ({}, [[["r1"]]])


def test_what_is_an_accounts_goes_to_no_other_even_when_its_only_session_is_lost():
    deliveries = Deliveries("receipts", itertools.count(1), lambda items: None)
    own, other, again = FarEnd("one"), FarEnd("two"), FarEnd("one")
    deliveries.bound(own, 0)
    deliveries.bound(other, 0)

    deliveries.add([["r1"]], "one", own)
    deliveries.pump(0)
    deliveries.lost(own, 0)
    before = dict(other.batches)
    deliveries.bound(again, 0)

    assert (before, list(again.batches.values())) == ({}, [[["r1"]]])
