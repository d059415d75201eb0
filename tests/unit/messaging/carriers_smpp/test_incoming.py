"""A deliver_sm as a receipt or a text: the dialects of receipts, data codings, headers, and whatever else a far side sends."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.smpp import Concat, MessageState, QuerySmResp, Sm, Status, Tag, concat_header
from services.messaging.carriers.carrier import Arrived, Failure, Receipt, ReceiptStatus, Refusal, Refused, Unknown
from services.messaging.carriers.smpp import codes, incoming
from services.messaging.carriers.smpp.settings import SmppSettings
from tests.integration.messaging.scripted_smsc import receipt_in, text_in

NOW = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def settings(**fields):
    return SmppSettings(host="smsc", system_id="heliograph", password="secret", **fields)


def read(sm, **fields):
    return incoming.read(sm, settings(**fields), NOW)


# -- receipts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stat", "status", "error"),
    [
        ("DELIVRD", ReceiptStatus.DELIVERED, None),
        ("ACCEPTD", ReceiptStatus.ACCEPTED, None),
        ("ENROUTE", ReceiptStatus.ACCEPTED, None),
        ("EXPIRED", ReceiptStatus.EXPIRED, None),
        ("DELETED", ReceiptStatus.FAILED, None),
        ("UNDELIV", ReceiptStatus.FAILED, None),
        ("REJECTD", ReceiptStatus.FAILED, None),
        ("UNKNOWN", ReceiptStatus.UNLISTED, "UNKNOWN"),
        ("BUFFRED", ReceiptStatus.UNLISTED, "BUFFRED"),
    ],
)
def test_each_state_of_appendix_b(stat, status, error):
    receipt = read(receipt_in("0a1b", stat))

    assert (receipt.reference, receipt.status, receipt.at, receipt.error) == ("0a1b", status, NOON, error)
    assert receipt.raw.startswith("id:0a1b sub:001")


def test_a_receipt_by_tlvs_alone():
    tlvs = {
        Tag.RECEIPTED_MESSAGE_ID: b"0a1b\0",
        Tag.MESSAGE_STATE: bytes((MessageState.UNDELIVERABLE,)),
        Tag.NETWORK_ERROR_CODE: b"\x03\x00\x01",
    }
    receipt = read(text_in(b"", esm_class=0x04, tlvs=tlvs))

    assert (receipt.reference, receipt.status, receipt.at) == ("0a1b", ReceiptStatus.FAILED, NOW)
    assert (receipt.error, receipt.failure) == ("3:1", Failure.PERMANENT)
    assert receipt.raw == " 001e=3061316200 0427=05 0423=030001"


def test_a_receipt_by_tlvs_is_one_whatever_its_esm_class_says():
    tlvs = {Tag.RECEIPTED_MESSAGE_ID: b"0a1b\0", Tag.MESSAGE_STATE: bytes((MessageState.DELIVERED,))}

    assert read(text_in(b"", tlvs=tlvs)).status is ReceiptStatus.DELIVERED


def test_tlvs_win_over_the_text_which_some_cut_short():
    tlvs = {Tag.RECEIPTED_MESSAGE_ID: b"12345678901234\0", Tag.MESSAGE_STATE: b"\x02"}
    receipt = read(receipt_in("1234567890", "ENROUTE", tlvs=tlvs))

    assert (receipt.reference, receipt.status) == ("12345678901234", ReceiptStatus.DELIVERED)


def test_a_text_that_looks_like_a_receipt_is_a_text():
    sm = receipt_in("0a1b")
    sm.esm_class = 0

    assert isinstance(read(sm), Arrived)


def test_an_intermediate_notification_is_never_an_end():
    sm = receipt_in("0a1b", "UNDELIV")
    sm.esm_class = 0x20

    assert read(sm).status is ReceiptStatus.ACCEPTED


def test_a_receipt_names_the_handset_where_it_says_the_whole_number():
    assert read(receipt_in("0a1b")).number == "+447700900001"
    national = receipt_in("0a1b")
    national.source_addr_ton, national.source_addr = 2, "7700900001"
    assert read(national).number == ""


def test_a_receipt_that_says_nothing_is_kept_as_it_came():
    receipt = read(text_in(b"gibberish\0", esm_class=0x04))

    assert (receipt.reference, receipt.status, receipt.raw) == ("", ReceiptStatus.UNLISTED, "gibberish ")


def test_a_receipt_in_message_payload():
    sm = receipt_in("0a1b")
    sm.tlvs[Tag.MESSAGE_PAYLOAD], sm.short_message = sm.short_message, b""

    assert read(sm).reference == "0a1b"


@pytest.mark.parametrize(
    ("receipt_ids", "answered", "receipted", "reference"),
    [
        ("same", "00aB", "00aB", "00aB"),
        ("hex_to_dec", "00aB", "171", "AB"),
        ("hex_to_dec", "00aB", "0171", "AB"),
        ("dec_to_hex", "171", "0xAB", "171"),
        ("dec_to_hex", "0171", "ab", "171"),
        ("hex_to_dec", "no-number", "no-number", "no-number"),
    ],
)
def test_ids_that_answers_and_receipts_write_in_different_bases_meet(receipt_ids, answered, receipted, reference):
    assert incoming.reference(answered, settings(receipt_ids=receipt_ids)) == reference
    assert read(receipt_in(receipted), receipt_ids=receipt_ids).reference == reference


def test_the_id_in_the_tlv_is_the_answers_own_where_the_text_has_none():
    sm = text_in(b"", esm_class=0x04, tlvs={Tag.RECEIPTED_MESSAGE_ID: b"00ab\0"})

    assert read(sm, receipt_ids="hex_to_dec").reference == "AB"


@pytest.mark.parametrize(
    ("receipt_errors", "stat", "err", "failure", "error"),
    [
        ("map", "UNDELIV", "001", Failure.PERMANENT, "001"),
        ("map", "UNDELIV", "027", Failure.TEMPORARY, "027"),
        ("map", "UNDELIV", "32", Failure.TEMPORARY, "32"),
        ("map", "UNDELIV", "599", Failure.UNKNOWN, "599"),
        ("map", "UNDELIV", "E1", Failure.UNKNOWN, "E1"),
        ("map", "REJECTD", "000", Failure.UNKNOWN, None),
        ("map", "DELIVRD", "001", Failure.UNKNOWN, "001"),
        ("own", "UNDELIV", "001", Failure.UNKNOWN, "001"),
    ],
)
def test_what_an_error_says_of_the_number(receipt_errors, stat, err, failure, error):
    receipt = read(receipt_in("1", stat, err), receipt_errors=receipt_errors)

    assert (receipt.failure, receipt.error) == (failure, error)


def test_a_network_error_code_of_another_network_is_no_map():
    sm = receipt_in("1", "UNDELIV", "", tlvs={Tag.NETWORK_ERROR_CODE: b"\x01\x00\x01"})

    assert (read(sm).failure, read(sm).error) == (Failure.UNKNOWN, "1:1")


# -- texts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("coding", "octets", "body", "fields"),
    [
        (0, b"a\x00\x01\x1be", "a@£€", {}),
        (0, b"a@\xa3", "a@£", {"default_alphabet": "latin1"}),
        (1, b"a@{}", "a@{}", {}),
        (3, b"a@\xa3", "a@£", {}),
        (8, "тест 😀".encode("utf-16-be"), "тест 😀", {}),
        (8, b"\x00a\x00", "a", {}),
        (8, b"\xd8\x3d", "\ud83d", {}),  # half a pair: the other is in the next part
        (2, b"\x01\xff", "\x01\xff", {}),
        (4, b"\x01\xff", "\x01\xff", {}),
        (6, "тест".encode("iso8859_5"), "тест", {}),
        (0xF1, b"a\x00", "a@", {}),
        (0xF5, b"\x01\xff", "\x01\xff", {}),
        (0xE0, "т".encode("utf-16-be"), "т", {}),
        (0x18, "т".encode("utf-16-be"), "т", {}),
        (0x10, b"a\x00", "a@", {}),
        (0x5B, b"\xff", "\xff", {}),
    ],
)
def test_the_data_codings(coding, octets, body, fields):
    assert read(text_in(octets, coding), **fields).body == body


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("payload", [False, True])
def test_a_part_by_a_user_data_header(wide, payload):
    octets = concat_header(Concat(0x34, 3, 2), wide) + b"abc\x00"
    sm = text_in(b"" if payload else octets, esm_class=0x40, tlvs={Tag.MESSAGE_PAYLOAD: octets} if payload else {})
    text = read(sm)

    assert (text.body, text.part, text.parts, text.concat) == ("abc@", 2, 3, 0x34)


def test_a_part_by_sar_tlvs_and_what_is_none():
    sar = {Tag.SAR_MSG_REF_NUM: b"\x12\x34", Tag.SAR_TOTAL_SEGMENTS: b"\x03", Tag.SAR_SEGMENT_SEQNUM: b"\x02"}
    text = read(text_in(tlvs=sar))
    assert (text.part, text.parts, text.concat) == (2, 3, 0x1234)

    text = read(text_in(tlvs=sar | {Tag.SAR_SEGMENT_SEQNUM: b"\x04"}))
    assert (text.part, text.parts, text.concat) == (1, 1, 0)


@pytest.mark.parametrize(
    ("ton", "address", "number"),
    [
        (1, "447700900001", "+447700900001"),
        (1, "+447700900001", "+447700900001"),
        (0, "447700900001", "+447700900001"),
        (0, "00447700900001", "+447700900001"),
        (0, "82830", "82830"),
        (1, "82830", "82830"),
        (0, "07700900001", "07700900001"),
        (2, "7700900001", "7700900001"),
        (5, "Bank", "Bank"),
        (0, "", ""),
    ],
)
def test_numbers_are_e164_where_they_say_so(ton, address, number):
    sm = text_in()
    sm.source_addr_ton, sm.source_addr = ton, address
    text = read(sm)

    assert (text.number, text.to, text.at, text.carrier_id) == (number, "82830", NOW, "")


def test_a_texts_own_id_is_kept_where_the_carrier_gives_one():
    assert read(text_in(tlvs={Tag.RECEIPTED_MESSAGE_ID: b"mo-7\0"})).carrier_id == "mo-7"


# -- anything at all -----------------------------------------------------------------------------------------------

octet = st.integers(0, 255)
tags = st.sampled_from(Tag)


@given(
    st.builds(
        Sm,
        source_addr_ton=octet,
        source_addr=st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=20),
        esm_class=octet,
        data_coding=octet,
        short_message=st.binary(max_size=254) | st.binary(max_size=60).map(lambda octets: b"id:7 stat:x err:" + octets),
        tlvs=st.dictionaries(tags, st.binary(max_size=20), max_size=6),
    ),
    st.sampled_from(("same", "hex_to_dec", "dec_to_hex")),
    st.sampled_from(("own", "map")),
)
def test_whatever_comes_in_is_a_receipt_or_a_text(sm, receipt_ids, receipt_errors):
    came = read(sm, receipt_ids=receipt_ids, receipt_errors=receipt_errors)

    assert isinstance(came, Receipt | Arrived)
    if isinstance(came, Receipt):
        assert "\0" not in came.reference + (came.error or "")
    else:
        assert 1 <= came.part <= came.parts


@given(st.builds(QuerySmResp, st.text(max_size=5), st.text(max_size=16), octet, octet))
def test_whatever_a_query_answers_is_a_receipt_or_nothing(answer):
    queried = incoming.queried("asked", answer, settings(receipt_errors="map"), NOW)

    assert queried is None or queried.reference == "asked"


# -- the tables ----------------------------------------------------------------------------------------------------


def test_every_status_of_the_specification_is_in_the_table():
    assert codes.SUBMIT.keys() == set(Status) - {Status.ESME_ROK}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (0x58, Refused(Refusal.THROTTLED, 1.0, "ESME_RTHROTTLED (0x58): throttled: over the allowed rate")),
        (0x0B, Refused(Refusal.BAD_NUMBER, None, "ESME_RINVDSTADR (0x0B): invalid destination address")),
        (0xFF, Unknown("ESME_RUNKNOWNERR (0xFF): unknown error")),
        (0x412, Refused(Refusal.UNLISTED, None, "0x412: not in SMPP 3.4, 5.1.3")),
    ],
)
def test_what_a_status_becomes(status, expected):
    assert codes.refused(status) == expected
