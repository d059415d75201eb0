"""How parts become texts, and how a repeat is told from a person who says it again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import orjson
from hypothesis import given
from hypothesis import strategies as st

from libs.common.contracts.messaging import ArrivedText
from services.messaging.arrivals import rules
from services.messaging.arrivals.rules import Assembly, Gathered, Key
from services.messaging.carriers.carrier import Arrived

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
S = timedelta(seconds=1)


def part(
    body: str, part: int, parts: int = 2, concat: int = 7, carrier_id: str = "", at: datetime = AT, number: str = "+44"
) -> Arrived:
    return Arrived(carrier_id, number, "82830", body, at, part, parts, concat)


class Memory:
    """What is kept between batches, as store.py keeps it."""

    def __init__(self) -> None:
        self.known: dict[Key, list[Assembly]] = {}
        self.now = AT

    def bring(self, *batch: Arrived) -> list[ArrivedText]:
        gathered: Gathered = rules.gather("smpp", batch, self.known, self.now)
        for assembly, arrived in gathered.kept:
            of_key = self.known.setdefault(rules.key(arrived), [])
            if assembly not in of_key:
                of_key.append(assembly)
        return gathered.texts

    def wait(self) -> list[ArrivedText]:
        """Until the deadline of all that is here has passed."""
        self.now += timedelta(seconds=rules.WAIT_S + 1)
        waited = rules.waited_in_vain(self.known, self.now)
        for assembly in waited:
            assembly.announced = True
        return [rules.joined("smpp", assembly) for assembly in waited]


def bodies(texts: list[ArrivedText]) -> list[tuple[str, bool]]:
    return [(text.body, text.incomplete) for text in texts]


@given(st.text(min_size=2, max_size=40), st.data())
def test_parts_in_any_order_and_any_batches_with_repeats_are_one_text_whole(body: str, data: st.DataObject) -> None:
    units = body.encode("utf-16-be")
    cuts = sorted(data.draw(st.sets(st.integers(1, len(units) // 2 - 1), min_size=1)))
    bounds = [0, *(2 * cut for cut in cuts), len(units)]
    pieces = [units[a:b].decode("utf-16-be", "surrogatepass") for a, b in pairwise(bounds)]
    parts = [part(piece, n, len(pieces)) for n, piece in enumerate(pieces, 1)]
    repeats = data.draw(st.lists(st.sampled_from(parts), max_size=4))
    order = data.draw(st.permutations([*parts, *repeats]))
    memory = Memory()

    texts = [text for arrived in order for text in memory.bring(arrived)]
    again = Memory().bring(*order)

    assert bodies(texts) == [(body, False)] == bodies(again)
    assert memory.wait() == []


@given(st.text(st.sampled_from("ab\ud83d\ude00€"), max_size=12))
def test_a_body_is_whole_in_utf_8_with_nothing_of_it_gone_but_halves(body: str) -> None:
    repaired = rules.repaired(body)

    repaired.encode()
    unbroken = body.replace("\ud83d\ude00", "\U0001f600")
    assert repaired == unbroken.replace("\ud83d", "\ufffd").replace("\ude00", "\ufffd")


def test_a_pair_that_was_cut_is_whole_again_and_half_of_one_is_replaced() -> None:
    memory = Memory()

    assert bodies(memory.bring(part("a\ud83d", 1), part("\ude00b", 2))) == [("a\U0001f600b", False)]
    assert bodies(memory.bring(part("a\ud83d", 1, concat=8), part("b", 2, concat=8))) == [("a\ufffdb", False)]


def test_what_there_is_after_the_deadline_is_told_in_order_and_a_part_after_that_alone() -> None:
    memory = Memory()
    assert memory.bring(part("c", 3, 4, carrier_id="x3"), part("a", 1, 4, carrier_id="x1")) == []

    [told] = memory.wait()
    assert (told.body, told.incomplete, told.carrier_id) == ("ac", True, "x1")
    [late] = memory.bring(part("b", 2, 4, carrier_id="x2"))
    assert (late.body, late.incomplete, late.carrier_id) == ("b", True, "x2#2")
    assert memory.bring(part("b", 2, 4, carrier_id="x2"), part("a", 1, 4, carrier_id="x1")) == []
    assert memory.wait() == []


def test_a_late_part_of_a_carrier_that_gives_all_parts_one_id_is_no_repeat_of_its_text() -> None:
    memory = Memory()
    memory.bring(part("a", 1, carrier_id="x"))
    [told] = memory.wait()

    [late] = memory.bring(part("b", 2, carrier_id="x"))
    assert told.carrier_id != late.carrier_id


def test_a_reference_that_is_used_again_makes_a_new_text() -> None:
    memory = Memory()
    first = memory.bring(part("one ", 1), part("two", 2))
    second = memory.bring(part("three ", 1), part("four", 2))
    memory.bring(part("five ", 1))
    memory.bring(part("six ", 1))
    third = memory.bring(part("more", 2))

    assert bodies(first + second + third) == [("one two", False), ("three four", False), ("five more", False)]
    assert bodies(memory.wait()) == [("six ", True)]


def test_the_new_text_of_a_reference_gets_its_parts_before_one_that_waited_in_vain() -> None:
    memory = Memory()
    memory.bring(part("old", 1))
    memory.wait()

    assert memory.bring(part("new ", 1)) == []
    assert bodies(memory.bring(part("text", 2))) == [("new text", False)]


def test_the_same_long_text_again_is_a_repeat_by_its_ids_or_within_the_hour_without_them() -> None:
    with_ids, without = Memory(), Memory()
    said = [part("one ", 1, carrier_id="a"), part("two", 2, carrier_id="b")]
    plain = [part("one ", 1), part("two", 2)]
    assert len(with_ids.bring(*said)) == len(without.bring(*plain)) == 1

    assert with_ids.bring(*said) == without.bring(*plain) == []
    honest = with_ids.bring(part("one ", 1, carrier_id="c"), part("two", 2, carrier_id="d"))
    assert bodies(honest) == [("one two", False)]
    without.now += rules.SAME_PART_WITHIN
    assert bodies(without.bring(*plain)) == [("one two", False)]


def test_parts_of_others_or_of_another_count_are_other_texts() -> None:
    memory = Memory()

    assert memory.bring(part("a", 1), part("b", 2, number="+45"), part("b", 2, concat=8), part("b", 2, 3)) == []


def test_a_part_that_cannot_be_one_is_a_text_of_its_own() -> None:
    assert [rules.is_part(part("x", n, of)) for n, of in ((1, 1), (0, 2), (3, 2), (1, 2), (2, 2))] == [
        False,
        False,
        False,
        True,
        True,
    ]


def seconds_kept(*seconds: float, kept: tuple[float, ...] = ()) -> list[float]:
    arrived = [(b"d", part("yes", 1, 1, at=AT + second * S)) for second in seconds]
    first = rules.first_ones(arrived, {b"d": [AT + second * S for second in kept]})
    return [(one.at - AT) / S for _, one in first]


def test_without_an_id_the_same_words_within_five_seconds_are_a_repeat_and_after_them_a_persons() -> None:
    assert seconds_kept(0, 0, 4.9, 5) == [0]
    assert seconds_kept(0, 5.001, 10.002) == [0, 5.001, 10.002]
    assert seconds_kept(0, 4, 8) == [0, 8]  # measured from what was kept, not from the repeat
    assert seconds_kept(3, 0, -3) == [3, -3]  # whichever came first
    assert seconds_kept(59.9, 60.1, 65.2, kept=(58,)) == [65.2]  # no border of a minute or a bucket
    assert seconds_kept(9.99, 10.01, 14.98) == [9.99]


@given(st.lists(st.floats(0, 60), min_size=1, max_size=12), st.integers(0, 12))
def test_it_does_not_matter_how_arrivals_without_ids_come_in_batches(seconds: list[float], cut: int) -> None:
    first = seconds_kept(*seconds[:cut])

    assert first + seconds_kept(*seconds[cut:], kept=tuple(first)) == seconds_kept(*seconds)


def test_others_words_numbers_and_carriers_are_other_texts() -> None:
    one = part("yes", 1, 1)
    digests = {
        rules.digest("smpp", one),
        rules.digest("other", one),
        rules.digest("smpp", part("no", 1, 1)),
        rules.digest("smpp", part("yes", 1, 1, number="+45")),
    }

    assert len(digests) == 4


def test_the_raw_batch_holds_every_body_also_a_broken_one() -> None:
    raw = orjson.loads(rules.raw([part("whole €", 1, 1, carrier_id="x"), part("a\ud83d", 1)]))

    assert raw[0] == ["x", "+44", "82830", "whole €", AT.isoformat()]
    assert raw[1][3:] == [{"utf16": "0061d83d"}, AT.isoformat(), 1, 2, 7]
