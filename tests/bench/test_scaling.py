"""What more machines would do follows from what each item costs: the fullest tier is the limit, and only what can be split is split."""

from __future__ import annotations

import pytest

from tests.bench.scaling import BROKER, BUSY, LEDGER, OTHERS, SERVICES, SHAPES, Work, best, tier_of, work_of

WORK = Work("x", 2, {SERVICES: 100.0, LEDGER: 50.0, OTHERS: 10.0, BROKER: 10.0})
ONE_DATABASE, APART, PARTS, ALL_IN_PARTS = SHAPES


def test_with_one_database_server_it_is_full_first_and_machines_are_left_over() -> None:
    most, way, full = best(WORK, ONE_DATABASE, 10)
    assert most == pytest.approx(2 * BUSY * 1e6 / 60)
    assert full == f"{LEDGER}+{OTHERS}"
    assert way[full] == way[BROKER] == 1


def test_each_shape_does_at_least_as_much_as_the_one_before() -> None:
    rates = [best(WORK, shape, 10)[0] for shape in SHAPES]
    assert rates == sorted(rates)
    assert best(WORK, APART, 10)[0] == pytest.approx(2 * BUSY * 1e6 / 50)
    assert best(WORK, PARTS, 10)[1][LEDGER] > 1


def test_the_simulator_and_the_driver_are_no_part_of_an_installation() -> None:
    runs = [
        {"items": 10, "cpu_s": {"simulator": 1.0, "driver": 1.0, "messaging": 0.001, "postgresql messaging": 0.002}}
    ]
    assert work_of("x", 2, {"runs": runs}).us == {SERVICES: 100.0, LEDGER: 200.0}
    assert tier_of("postgresql campaign") == OTHERS
