import random

from hypothesis import given
from hypothesis import strategies as st

from libs.common import gsm
from services.simulator.handsets import shown

NOW = 100.0


def entry(text, part=1, parts=1, concat=7, **more):
    several = {"concat": concat, "part": part, "parts": parts} if parts > 1 else {}
    return {"ref": f"r{part}", "from": "82830", "text": text, "at": float(part), **several, **more}


def texts(entries, now=NOW):
    return [(message["text"], message["parts"]) for message in shown(entries, now)]


@given(words=st.lists(st.text(min_size=1, max_size=9), min_size=2, max_size=9), seed=st.integers())
def test_parts_in_any_order_with_repeats_among_them_are_one_text(words, seed):
    came = [entry(word, n, len(words)) for n, word in enumerate(words, 1)]
    last = came.pop()
    came += came[:1]
    random.Random(seed).shuffle(came)

    assert texts(came) == []
    assert texts([*came, last]) == [("".join(words), len(words))]


@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=5, max_size=90), each=st.integers(1, 20))
def test_utf16_cut_anywhere_is_the_text_again(text, each):
    octets = text.encode("utf-16-be")
    cut = [octets[at : at + 2 * each] for at in range(0, len(octets), 2 * each)]
    came = [
        entry(part.decode("utf-16-be", "replace"), n, len(cut), coding=8, octets=part.hex())
        for n, part in enumerate(cut, 1)
    ]

    assert texts(came) == [(text, max(len(cut), 1))]


def test_an_escape_cut_from_its_septet_is_one_character_again():
    octets = gsm.encode("ab€")

    assert texts([entry("ab ", 1, 2, octets=octets[:3].hex()), entry("e", 2, 2)]) == [("ab€", 2)]


def test_parts_of_other_texts_and_senders_do_not_mix_and_a_reference_may_be_used_again():
    one = [entry("a1", 1, 2), entry("a2", 2, 2)]
    other = [entry("b1", 1, 2, concat=8), entry("b2", 2, 2, concat=8)]

    came = [one[0], other[0], {**one[1], "from": "Shop"}, other[1], one[1], *one]

    assert texts(came) == [("b1b2", 2), ("a1a2", 2), ("a1a2", 2)]


def test_a_text_that_is_still_on_the_air_is_not_shown():
    assert texts([entry("now"), entry("soon", fate_at=NOW + 1)]) == [("now", 1)]
