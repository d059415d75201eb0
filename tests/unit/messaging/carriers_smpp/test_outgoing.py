"""A part as a submit_sm: addresses, data codings, and how the parts of a long text say so."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common import gsm
from libs.common.gsm import Alphabet
from libs.common.smpp import Concat, Sm, Tag, split_header
from services.messaging.carriers.carrier import Part, Refusal, Refused
from services.messaging.carriers.smpp import incoming, outgoing
from services.messaging.carriers.smpp.settings import SmppSettings
from tests.integration.messaging.scripted_smsc import text_in


def settings(**fields):
    return SmppSettings(host="smsc", system_id="heliograph", password="secret", **fields)


def part(body="hello", sender="82830", **fields):
    return Part(uuid4(), "+447700900001", sender, body, 3600, **fields)


def submitted(one, **fields):
    body = outgoing.submit_sm(one, settings(**fields))
    return body if isinstance(body, Refused) else Sm.decode(body)


def as_seen(sm, **fields):
    """What a handset would get, if this came in."""
    back = text_in(sm.short_message, sm.data_coding, esm_class=sm.esm_class, tlvs=sm.tlvs)
    return incoming.read(back, settings(**fields), datetime.now(UTC))


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        ("82830", (3, 0, "82830")),
        ("+447860000000", (1, 1, "447860000000")),
        ("447860000000", (1, 1, "447860000000")),
        ("Heliograph", (5, 0, "Heliograph")),
        ("1st Bank", (5, 0, "1st Bank")),
    ],
)
def test_each_kind_of_sender_has_its_own_ton_and_npi(sender, expected):
    sm = submitted(part(sender=sender))

    assert (sm.source_addr_ton, sm.source_addr_npi, sm.source_addr) == expected


def test_a_carriers_own_ton_and_npi_are_used():
    sm = submitted(part(), short_code_ton=0, short_code_npi=1, number_ton=2, number_npi=8)

    assert (sm.source_addr_ton, sm.source_addr_npi, sm.dest_addr_ton, sm.dest_addr_npi) == (0, 1, 2, 8)


@pytest.mark.parametrize(
    ("fields", "body", "expected"),
    [
        ({}, "a@£€", (0, b"a\x00\x01\x1be")),
        ({"gsm_data_coding": 1}, "a@", (1, b"a@")),
        ({"gsm_data_coding": 3}, "a@£ü", (3, b"a@\xa3\xfc")),
        ({"default_alphabet": "latin1"}, "a@£ü", (0, b"a@\xa3\xfc")),
        ({"gsm_data_coding": 1}, "£", (8, b"\x00\xa3")),  # no ASCII: it would come in as something else
        ({"gsm_data_coding": 3}, "€Δ", (8, b"\x20\xac\x03\x94")),
    ],
)
def test_the_gsm_alphabet_goes_in_the_carriers_data_coding_or_in_ucs2(fields, body, expected):
    sm = submitted(part(body), **fields)

    assert (sm.data_coding, sm.short_message) == expected


def test_what_a_data_coding_lacks_and_ucs2_has_no_room_for_is_refused():
    assert submitted(part("€" * 71), gsm_data_coding=3).reason is Refusal.BAD_TEXT


@pytest.mark.parametrize(("long", "reference"), [("udh8", 0x34), ("udh16", 0x1234)])
def test_parts_by_a_user_data_header(long, reference):
    sm = submitted(part("abc", part=2, parts=3, concat=0x1234), long=long)

    assert sm.esm_class == 0x40
    assert split_header(sm.short_message) == (Concat(reference, 3, 2), b"abc")
    assert sm.tlvs == {}


def test_parts_by_sar_tlvs():
    sm = submitted(part("abc", part=2, parts=3, concat=0x1234), long="sar")

    assert (sm.esm_class, sm.short_message) == (0, b"abc")
    assert sm.tlvs == {
        Tag.SAR_MSG_REF_NUM: b"\x12\x34",
        Tag.SAR_TOTAL_SEGMENTS: b"\x03",
        Tag.SAR_SEGMENT_SEQNUM: b"\x02",
    }


def test_a_long_text_goes_whole_as_payload_and_a_short_one_does_not():
    long, short = submitted(part("x" * 161), long="payload"), submitted(part("x" * 160), long="payload")

    assert (long.short_message, long.tlvs) == (b"", {Tag.MESSAGE_PAYLOAD: b"x" * 161})
    assert (short.short_message, short.tlvs) == (b"x" * 160, {})


@pytest.mark.parametrize("long", ["udh8", "sar"])
@pytest.mark.parametrize(("alphabet", "units"), [(Alphabet.GSM, 153), (Alphabet.UCS2, 67)])
def test_a_full_part_fits_and_one_more_does_not(long, alphabet, units):
    full = part("x" * units, part=1, parts=2, concat=7, alphabet=alphabet)
    over = part("x" * (units + 1), part=1, parts=2, concat=7, alphabet=alphabet)

    assert isinstance(submitted(full, long=long), Sm)
    assert submitted(over, long=long).reason is Refusal.BAD_TEXT


def test_a_16_bit_header_leaves_a_septet_less():
    fits, over = (part("x" * size, part=1, parts=2, concat=7) for size in (152, 153))

    assert isinstance(submitted(fits, long="udh16"), Sm)
    assert submitted(over, long="udh16").code == "7 octets of header and 153 of text are no segment"


@given(
    st.text(st.sampled_from("abc @£€{}\nΔü\u2019\u0442\U0001f600e\u0301"), max_size=400),
    st.sampled_from(("udh8", "sar")),
    st.sampled_from(({}, {"default_alphabet": "latin1"}, {"gsm_data_coding": 3}, {"gsm_data_coding": 1})),
)
def test_each_part_comes_in_as_it_went_out_or_is_refused(body, long, fields):
    alphabet = gsm.alphabet(body)
    bodies = gsm.cut(body, alphabet)
    for index, piece in enumerate(bodies, 1):
        one = part(piece, part=index, parts=len(bodies), concat=200 if len(bodies) > 1 else 0, alphabet=alphabet)
        sm = submitted(one, long=long, **fields)
        if isinstance(sm, Refused):
            assert fields  # in GSM 03.38 itself everything fits
        else:
            seen = as_seen(sm, **fields)
            assert (seen.body, seen.part, seen.parts, seen.concat) == (piece, one.part, one.parts, one.concat)
