"""The rate of a bind, told the time by hand; and what its settings refuse."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.messaging.carriers.smpp.kind import KIND
from services.messaging.carriers.smpp.meter import BURST_S, HOLD_S, Meter


def written_at(meter, seconds, now=0.0, step=0.001):
    """Times at which a caller who takes all the room there is writes."""
    times = []
    end = now + seconds
    while now < end:
        room = meter.room(now)
        if room:
            meter.took(now, room)
            times += [now] * room
        now += meter.wait_s(now) if not meter.room(now) else step
    return times


@given(st.floats(0.5, 5_000))
def test_no_second_has_more_than_the_rate_and_a_burst(parts_per_s):
    times = written_at(Meter(parts_per_s), 3.0)
    late = [len([one for one in times if start <= one < start + 1]) for start in (0.0, 0.7, 1.3, 1.999)]

    assert max(late) <= parts_per_s + max(1, BURST_S * parts_per_s) + 1
    assert len(times) >= int(parts_per_s * 2.5) - 1


def test_without_a_rate_there_is_always_room():
    meter = Meter(None)
    meter.took(0.0, 50_000)

    assert meter.room(0.0) > 50_000


def test_a_whole_long_text_makes_the_next_one_wait_the_longer():
    meter = Meter(10)
    meter.took(0.0, 5)

    assert meter.room(0.3) == 0
    assert meter.room(0.5) == 1


def test_a_complaint_holds_the_bind_then_halves_its_pace_which_grows_back():
    meter = Meter(100)
    written_at(meter, 2.0)
    assert meter.slow_down(2.0, written_at=1.9)
    assert not meter.slow_down(2.1, written_at=1.95)  # of the same window

    assert meter.room(2.0 + HOLD_S * 0.9) == 0
    second = len(written_at(meter, 1.0, 2.0 + HOLD_S))
    assert 40 <= second <= 60
    written_at(meter, 10.0, 4.0)
    assert meter.pace == 100


def test_a_bind_without_a_rate_learns_one_from_a_complaint_and_forgets_it():
    meter = Meter(None)
    for index in range(100):
        meter.took(index / 100, 4)
    meter.slow_down(1.0, written_at=0.99)
    assert 150 <= meter.pace <= 210

    meter.room(60.0)
    assert meter.pace == float("inf")


def test_repeated_complaints_never_stop_it_for_good():
    meter = Meter(10)
    for second in range(50):
        meter.slow_down(float(second), written_at=float(second))

    assert meter.room(49.0 + HOLD_S + 1.1) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "nine-long"},
        {"password": "pässword"},
        {"system_id": "x" * 16},
        {"enquire_link_s": 60, "silence_limit_s": 60},
        {"gsm_data_coding": 8},
        {"long": "udh"},
        {"answer_limit_s": 11},
        {"port": 0},
        {"retries": 3},
    ],
)
def test_settings_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValidationError):
        KIND.settings(**{"host": "smsc", "system_id": "heliograph", "password": "secret"} | wrong)


def test_a_password_is_shown_to_nobody():
    settings = KIND.settings(host="smsc", system_id="heliograph", password="secret")

    assert "secret" not in repr(settings) + settings.model_dump_json()
    assert KIND.bound
