"""The plan of a fault run: fixed by its seed, and over a few seeds complete."""

from __future__ import annotations

from collections import Counter

import pytest

from libs.common import crash
from tests.faults.fleet import TREE
from tests.faults.mutants import MUTANTS, Mutant
from tests.faults.plan import POINTS, plan, round_of

# A failing handler's, and in a fault run no handler fails; a dry run's, of which there are none: test_dry_run_restarts kills there.
NOT_PASSED = {"retry.rung_published", "forecast.committed"}


def test_a_seed_fixes_faults_and_load() -> None:
    assert plan(7, 4000) == plan(7, 4000)
    assert plan(7, 4000) != plan(8, 4000)
    assert round_of(7, 2, 80, 100) == round_of(7, 2, 80, 100)


@pytest.mark.parametrize("first", [1, 2, 5])
def test_three_seeds_in_a_row_kill_at_every_point(first: int) -> None:
    killed = {
        death.partition(":")[0]
        for seed in range(first, first + 3)
        for deaths in plan(seed, 4000).deaths.values()
        for death in deaths
    }

    assert killed == crash.POINTS - NOT_PASSED


def test_every_service_with_work_dies_in_every_seed() -> None:
    for seed in range(1, 7):
        assert {service for service, _ in plan(seed, 4000).deaths} == set(POINTS)


def test_no_body_is_offered_twice_and_no_number_stops_twice() -> None:
    rounds = [round_of(3, n, 80, 400) for n in range(10)]
    bodies = Counter(body for round_ in rounds for texts in round_.singles for _, body in texts)
    bodies.update(round_.campaign_body for round_ in rounds)
    texts_in = Counter(text for round_ in rounds for bulk in round_.bulks for text in bulk)

    assert max(bodies.values()) == 1
    assert max(texts_in.values()) == 1


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutants_mistake_can_still_be_put_in(mutant: Mutant) -> None:
    assert mutant.old in (TREE / mutant.file).read_text()
