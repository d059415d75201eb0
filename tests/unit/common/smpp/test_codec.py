"""The SMPP codec: round trips of what smpp34 has no class for, any cut of the stream, and octets that nobody should send."""

import struct
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.smpp import (
    PDU_OCTETS_MAX,
    RESPONSE,
    AlertNotification,
    BadFrame,
    BadPdu,
    Bind,
    BindResp,
    CancelSm,
    Command,
    Concat,
    Frames,
    MessageState,
    Outbind,
    QuerySm,
    QuerySmResp,
    ReceiptText,
    ReplaceSm,
    Sm,
    Status,
    Tag,
    absolute_time,
    concat_header,
    decode,
    deliver_sm_resp,
    describe,
    nack,
    parse_time,
    pdu,
    relative_time,
    split_header,
    submit_sm_resp,
)

octet = st.integers(0, 255)
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def words(size):
    return st.text(st.characters(min_codepoint=1, max_codepoint=0xFF), max_size=size)


tlvs = st.dictionaries(st.integers(0, 0xFFFF), st.binary(max_size=50), max_size=3)
frames = st.lists(st.tuples(octet, octet, st.integers(0, 2**32 - 1), st.binary(max_size=80)), max_size=6)


def answered(octets):
    return next(iter(Frames().feed(octets)))


def answer_to(command, body):
    """None where it can be read."""
    try:
        decode(command, body)
    except BadPdu as bad:
        return nack(command, 7, bad.status)
    return None


# -- the stream ----------------------------------------------------------------------------------------------------


@given(frames, st.data())
def test_pdus_are_the_same_however_the_stream_is_cut(sent, data):
    stream = b"".join(pdu(command, sequence, body, status) for command, status, sequence, body in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    cutter = Frames()
    read = [
        frame
        for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)
        for frame in cutter.feed(stream[start:end])
    ]

    assert read == sent


@pytest.mark.parametrize("size", [0, 15, PDU_OCTETS_MAX + 1, 0xFFFFFFFF])
def test_a_length_that_cannot_be_ends_the_stream_after_what_was_good(size):
    read = Frames().feed(pdu(Command.ENQUIRE_LINK, 1) + struct.pack(">IIII", size, 4, 0, 2))

    assert next(read) == (Command.ENQUIRE_LINK, 0, 1, b"")
    with pytest.raises(BadFrame):
        next(read)


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_garbage_raises_nothing_but_the_codecs_own_errors(chunks):
    cutter = Frames()
    try:
        for chunk in chunks:
            for command, _, sequence, body in cutter.feed(chunk):
                try:
                    decode(command, body)
                except BadPdu as bad:
                    nack(command, sequence, bad.status)
    except BadFrame:
        pass


@given(st.sampled_from(Command), st.binary(max_size=120))
def test_a_body_of_garbage_raises_nothing_but_bad_pdu(command, body):
    answer = answer_to(command, body)

    assert answer is None or answer == b"" or answered(answer)[2] == 7


@given(st.builds(Sm, short_message=st.binary(max_size=254), tlvs=tlvs), st.data())
def test_a_cut_or_altered_submit_raises_nothing_but_bad_pdu(sm, data):
    body = bytearray(sm.encode())
    for at in data.draw(st.lists(st.integers(0, len(body) - 1), max_size=4)):
        body[at] = data.draw(octet)
    answer = answer_to(Command.SUBMIT_SM, bytes(body[: data.draw(st.integers(0, len(body)))]))

    assert answer is None or answered(answer)[:3:2] == (Command.SUBMIT_SM_RESP, 7)


@given(st.binary(max_size=300))
def test_any_octets_read_as_some_receipt_or_none_and_as_some_header_or_none(octets):
    ReceiptText.decode(octets)
    concat, rest = split_header(octets)

    assert octets.endswith(rest)
    assert concat is None or 1 <= concat.part <= concat.parts


def test_a_long_receipt_of_spaces_and_names_is_read_in_no_time():
    began = datetime.now(UTC)
    ReceiptText.decode(b"id:1 stat:" + b" " * 60_000 + b"err" + b"\t" * 5_000)
    ReceiptText.decode(b"id " * 20_000 + b"stat:x")

    assert datetime.now(UTC) - began < timedelta(seconds=1)


# -- what is answered to what cannot be read -----------------------------------------------------------------------


def test_an_unknown_command_is_answered_generic_nack():
    with pytest.raises(BadPdu) as bad:
        decode(0x21, b"")

    assert bad.value.status == Status.ESME_RINVCMDID
    assert answered(nack(0x21, 9, bad.value.status)) == (Command.GENERIC_NACK, Status.ESME_RINVCMDID, 9, b"")


def test_a_broken_request_is_answered_by_its_own_answer_with_the_status():
    with pytest.raises(BadPdu) as bad:
        decode(Command.SUBMIT_SM, b"no end")

    assert answered(nack(Command.SUBMIT_SM, 9, bad.value.status)) == (
        Command.SUBMIT_SM_RESP,
        Status.ESME_RINVPARLEN,
        9,
        b"",
    )
    assert answered(nack(Command.DELIVER_SM, 9, Status.ESME_RINVPARLEN)) == answered(
        deliver_sm_resp(9, Status.ESME_RINVPARLEN)
    )


@pytest.mark.parametrize(
    "command", [Command.SUBMIT_SM_RESP, 0x80000021, Command.GENERIC_NACK, Command.OUTBIND, Command.ALERT_NOTIFICATION]
)
def test_an_answer_is_never_answered(command):
    assert nack(command, 9, Status.ESME_RINVCMDID) == b""


def test_a_status_has_its_name_number_and_meaning():
    assert describe(0x0E) == "ESME_RINVPASWD (0x0E): invalid password"
    assert describe(0x401) == "0x401: not in SMPP 3.4, 5.1.3"
    assert all(describe(status) for status in Status)


# -- bodies --------------------------------------------------------------------------------------------------------


@given(st.builds(Bind, words(15), words(8), words(12), octet, octet, octet, words(40)))
def test_a_bind_comes_back_as_it_was(bind):
    for command in (Command.BIND_TRANSMITTER, Command.BIND_RECEIVER, Command.BIND_TRANSCEIVER):
        assert decode(command, bind.encode()) == bind


@given(st.builds(BindResp, words(15), tlvs))
def test_a_bind_answer_comes_back_as_it_was(answer):
    assert decode(Command.BIND_TRANSCEIVER_RESP, answer.encode()) == answer


def test_a_bind_answer_is_read_without_body_end_or_whole_tlvs():
    assert decode(Command.BIND_TRANSMITTER_RESP, b"") == BindResp()
    assert decode(Command.BIND_TRANSMITTER_RESP, b"smsc") == BindResp("smsc")
    assert decode(Command.BIND_TRANSMITTER_RESP, b"smsc\0\2\x10\0") == BindResp("smsc")


def test_a_password_is_in_no_repr():
    assert "secret" not in repr(Bind("me", "secret")) + repr(Outbind("me", "secret"))


@given(st.builds(Sm, words(5), octet, octet, words(20), octet, octet, words(20), octet, data_coding=octet, tlvs=tlvs))
def test_a_data_sm_comes_back_as_it_was(sm):
    assert decode(Command.DATA_SM, sm.encode_data()) == sm


@given(
    st.builds(QuerySm, words(64), octet, octet, words(20)), st.builds(QuerySmResp, words(64), words(16), octet, octet)
)
def test_a_query_and_its_answer_come_back_as_they_were(query, answer):
    assert decode(Command.QUERY_SM, query.encode()) == query
    assert decode(Command.QUERY_SM_RESP, answer.encode()) == answer


def test_the_answer_to_a_failed_query_has_no_body():
    assert decode(Command.QUERY_SM_RESP, b"") == QuerySmResp()


def test_what_is_only_read_is_read():
    assert decode(Command.CANCEL_SM, b"\0id\0\x01\x01447\0\x01\x01448\0") == CancelSm(
        "", "id", 1, 1, "447", 1, 1, "448"
    )
    assert decode(Command.REPLACE_SM, b"id\0\x01\x01447\0\0\0\x01\0\x02hi") == ReplaceSm(
        "id", 1, 1, "447", "", "", 1, 0, b"hi"
    )
    assert decode(Command.OUTBIND, b"smsc\0pw\0") == Outbind("smsc", "pw")
    assert decode(Command.ALERT_NOTIFICATION, b"\x01\x01447\0\0\0me\0\x04\x22\0\x01\0") == AlertNotification(
        1, 1, "447", 0, 0, "me", {Tag.MS_AVAILABILITY_STATUS: b"\0"}
    )
    assert [decode(command, b"") for command in (Command.UNBIND, Command.ENQUIRE_LINK_RESP, Command.GENERIC_NACK)] == [
        None
    ] * 3


@pytest.mark.parametrize(
    ("sm", "status"),
    [
        (Sm(source_addr="x" * 21), Status.ESME_RINVSRCADR),
        (Sm(source_addr="Ω"), Status.ESME_RINVSRCADR),
        (Sm(destination_addr="1" * 21), Status.ESME_RINVDSTADR),
        (Sm(destination_addr="1\0"), Status.ESME_RINVDSTADR),
        (Sm(short_message=b"x" * 255), Status.ESME_RINVMSGLEN),
        (Sm(tlvs={Tag.MESSAGE_PAYLOAD: b"x" * 65_536}), Status.ESME_RINVOPTPARSTREAM),
    ],
)
def test_what_the_specification_does_not_allow_is_not_written(sm, status):
    with pytest.raises(BadPdu) as bad:
        sm.encode()

    assert bad.value.status == status


def test_an_error_answer_to_a_submit_has_no_body():
    assert answered(submit_sm_resp(3, "", Status.ESME_RTHROTTLED)) == (Command.SUBMIT_SM_RESP, 0x58, 3, b"")


def test_every_answer_is_its_request_with_the_upper_bit():
    for command in Command:
        if command & RESPONSE and command != Command.GENERIC_NACK:
            assert Command(command & ~RESPONSE).name + "_RESP" == command.name


# -- times ---------------------------------------------------------------------------------------------------------


@given(st.integers(0, 98 * 86_400))
def test_a_relative_time_is_so_long_from_now(seconds):
    assert parse_time(relative_time(seconds), NOON) == NOON + timedelta(seconds=seconds)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)))  # noqa: DTZ001
def test_an_absolute_time_comes_back_to_the_second(at):
    at = at.replace(tzinfo=UTC, microsecond=0)

    assert parse_time(absolute_time(at), NOON) == at


def test_an_absolute_time_has_its_own_zone_in_quarters_of_an_hour():
    assert parse_time("261124130000004+", NOON) == NOON
    assert parse_time("261124110000004-", NOON) == NOON


@pytest.mark.parametrize("text", ["", "tomorrow", "269924130000004+", "261124130000004*", "2611241300000044+"])
def test_what_is_no_time_is_none(text):
    assert parse_time(text, NOON) is None


# -- user data headers ---------------------------------------------------------------------------------------------


@given(st.integers(0, 0xFFFF), st.integers(1, 255), st.data(), st.booleans(), st.binary(max_size=140))
def test_a_concat_header_comes_back_as_it_was(reference, parts, data, wide, text):
    concat = Concat(reference, parts, data.draw(st.integers(1, parts)))
    kept = concat if wide else concat._replace(reference=reference & 0xFF)

    assert split_header(concat_header(concat, wide) + text) == (kept, text)


def test_other_elements_of_a_header_are_passed_over():
    ports_then_concat = bytes((11, 5, 4, 0x0B, 0x84, 0x23, 0xF0, 0, 3, 7, 2, 1)) + b"text"

    assert split_header(ports_then_concat) == (Concat(7, 2, 1), b"text")


@pytest.mark.parametrize("element", [(5, 0, 3, 7, 0, 1), (5, 0, 3, 7, 2, 0), (5, 0, 3, 7, 2, 3), (4, 0, 3, 7, 2)])
def test_a_concat_element_that_cannot_be_is_ignored(element):
    assert split_header(bytes(element) + b"text") == (None, b"text")


def test_a_header_longer_than_the_text_is_none():
    assert split_header(b"\x20text") == (None, b"\x20text")
    assert split_header(b"") == (None, b"")


# -- receipts ------------------------------------------------------------------------------------------------------


@given(st.sampled_from(MessageState), st.text("0123456789abcdef-", min_size=1, max_size=36), words(30))
def test_a_receipt_comes_back_as_it_was(state, message_id, text):
    from libs.common.smpp.receipts import ABBREVIATIONS

    receipt = ReceiptText(message_id, ABBREVIATIONS[state], "000", "001", "001", NOON, NOON, text)
    read = ReceiptText.decode(receipt.encode())

    assert read is not None
    assert (read.id, read.state, read.err, read.sub, read.submit_date, read.done_date) == (
        (message_id, state, "000", "001", NOON, NOON)
    )


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (  # Appendix B itself
            b"id:1234567890 sub:001 dlvrd:001 submit date:2611241159 done date:2611241200 stat:DELIVRD err:000 Text:Hello id:7",
            ("1234567890", MessageState.DELIVERED, "000", NOON, "Hello id:7"),
        ),
        (  # seconds in the dates, no text
            b"id:a1-b2 sub:001 dlvrd:001 submit date:261124115900 done date:261124120000 stat:UNDELIV err:0x1B",
            ("a1-b2", MessageState.UNDELIVERABLE, "0x1B", NOON, ""),
        ),
        (  # another order, no err, small letters, a century, a NUL at the end
            b"stat:expired ID: 77 donedate:20261124120000 text:\0",
            ("77", MessageState.EXPIRED, "", NOON, ""),
        ),
        (b"id:77 stat:FAILED err:", ("77", None, "", None, "")),  # a word of its own
        (b"id:77 stat:REJECTD err:3 done date:yesterday", ("77", MessageState.REJECTED, "3", None, "")),
        (b"id:77 stat:ACCEPTED done_date:9999999999", ("77", MessageState.ACCEPTED, "", None, "")),
    ],
)
def test_the_dialects_of_receipts(octets, expected):
    read = ReceiptText.decode(octets)

    assert read is not None
    assert (read.id, read.state, read.err, read.done_date, read.text) == expected


@pytest.mark.parametrize("octets", [b"", b"STOP", b"my id is 7", b"text:id:7 stat:DELIVRD", b"id: stat: err:5"])
def test_what_names_neither_a_message_nor_a_status_is_no_receipt(octets):
    assert ReceiptText.decode(octets) is None
