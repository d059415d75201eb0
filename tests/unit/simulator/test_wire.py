import contextlib

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.messaging.carriers.embedded import wire as client_wire
from services.simulator import wire

FRAMES = st.lists(st.tuples(st.text(max_size=8), st.lists(st.text(max_size=40), max_size=5)), max_size=6)
SIDES = pytest.mark.parametrize("side", [wire, client_wire], ids=["network", "client"])


@SIDES
@given(frames=FRAMES, sizes=st.lists(st.integers(1, 30), min_size=1))
def test_frames_come_out_as_they_went_in_however_the_stream_is_cut(side, frames, sizes):
    stream = b"".join(side.encode(kind, value) for kind, value in frames)
    reader, out, turn = side.Frames(), [], 0
    while stream:
        size = sizes[turn % len(sizes)]
        out += list(reader.feed(stream[:size]))
        stream, turn = stream[size:], turn + 1

    assert frames == out


@given(kind=st.text(max_size=8), value=st.lists(st.integers(-(2**53), 2**53)))
def test_both_sides_write_the_same_bytes(kind, value):
    assert wire.encode(kind, value) == client_wire.encode(kind, value)


@SIDES
@pytest.mark.parametrize("size", [0, (8 << 20) + 1, 2**31, 2**32 - 1])
def test_a_length_out_of_bounds_is_refused_before_its_body_comes(side, size):
    with pytest.raises(side.BadFrame):
        list(side.Frames().feed(size.to_bytes(4, "big")))


@SIDES
@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"a":1,"b":2}', b"\xff\xfe", b"null", b'{"a":' + b"[" * 3000])
def test_a_body_that_is_not_an_object_with_one_key_is_refused(side, body):
    with pytest.raises(side.BadFrame):
        list(side.Frames().feed(len(body).to_bytes(4, "big") + body))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**70) | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["batch", "items", "x"]), inner),
    max_leaves=12,
)


@given(value=JSON)
def test_the_client_turns_any_value_of_the_far_side_into_its_own_or_a_bad_frame(value):
    for read in (lambda v: list(client_wire.answers(v)), client_wire.receipts, client_wire.texts):
        with contextlib.suppress(client_wire.BadFrame):
            read(value)


def test_a_word_that_is_not_in_the_table_is_unlisted_and_kept():
    (_, refused), *_ = client_wire.answers([[1, "refused", "solar_flare", None]])
    _, (receipt,) = client_wire.receipts({"batch": 1, "items": [["r", "buried", 1.5, None, "not a text of ours"]]})

    assert (refused.reason, refused.code) == ("unlisted", "solar_flare")
    assert (receipt.status, receipt.error, receipt.text_id) == ("unlisted", "buried", None)


def test_500_texts_of_the_longest_kind_fit_one_frame():
    worst = [[1 << 40, "\x01" * 11, "+" + "9" * 15, "\x01" * 1600, 1 << 40, "\x01" * 64]] * 500

    assert len(orjson.dumps({"submit": worst})) < wire.FRAME_BYTES_MAX == client_wire.FRAME_BYTES_MAX
