"""Our codec against smpp34's, an independent implementation in Rust: what one writes the other reads, field by field and TLV by TLV."""

import smpp34
from hypothesis import given
from hypothesis import strategies as st

from libs.common.smpp import BindResp, Command, Frames, Sm, Status, decode, pdu, submit_sm_resp

FIELDS = (
    "service_type",
    "source_addr_ton",
    "source_addr_npi",
    "source_addr",
    "dest_addr_ton",
    "dest_addr_npi",
    "destination_addr",
    "esm_class",
    "protocol_id",
    "priority_flag",
    "schedule_delivery_time",
    "validity_period",
    "registered_delivery",
    "replace_if_present_flag",
    "data_coding",
    "sm_default_msg_id",
)
octet = st.integers(0, 255)
ton, npi = st.sampled_from((0, 1, 2, 3, 4, 5, 6)), st.sampled_from((0, 1, 3, 4, 6, 8, 9, 10, 14, 18))


def words(size):
    return st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=size)


sms = st.builds(
    Sm,
    words(5),
    ton,
    npi,
    words(20),
    ton,
    npi,
    words(20),
    octet,
    octet,
    st.integers(0, 3),
    st.sampled_from(("", "260101120000000+", "000001000000000R")),
    st.sampled_from(("", "260101120000000+", "000002000000000R")),
    octet,
    st.integers(0, 1),
    octet,
    octet,
    st.binary(max_size=254),
    st.dictionaries(st.integers(0x1400, 0x3FFF), st.binary(max_size=300), max_size=4),
)
kinds = st.sampled_from(((Command.SUBMIT_SM, smpp34.SubmitSm), (Command.DELIVER_SM, smpp34.DeliverSm)))
sequences = st.integers(1, 0x7FFFFFFF)


def fields_of(sm):
    return {name: getattr(sm, name) for name in FIELDS}


@given(sms, kinds, sequences)
def test_what_we_write_smpp34_reads(sm, kind, sequence):
    command, theirs = kind

    read = smpp34.decode(pdu(command, sequence, sm.encode()))

    assert type(read) is theirs
    assert read.sequence_number == sequence
    assert fields_of(read) == fields_of(sm)
    assert bytes(read.short_message) == sm.short_message
    assert {tlv.tag: bytes(tlv.value) for tlv in read.tlvs} == sm.tlvs


@given(sms, kinds, sequences)
def test_what_smpp34_writes_we_read(sm, kind, sequence):
    command, theirs = kind
    values = fields_of(sm)
    source, destination = values.pop("source_addr"), values.pop("destination_addr")
    tlvs = [smpp34.Tlv(tag, value) for tag, value in sm.tlvs.items()]
    octets = theirs(source, destination, sm.short_message, sequence_number=sequence, tlvs=tlvs, **values).encode()

    [(read_command, status, read_sequence, body)] = Frames().feed(octets)

    assert (read_command, status, read_sequence) == (command, 0, sequence)
    assert decode(command, body) == sm


@given(words(64), sequences)
def test_an_answer_reads_as_the_same_header_and_body(message_id, sequence):
    raw = smpp34.decode(submit_sm_resp(sequence, message_id))

    assert (raw.command_id, raw.command_status, raw.sequence_number) == (Command.SUBMIT_SM_RESP, 0, sequence)
    assert decode(Command.SUBMIT_SM_RESP, bytes(raw.body)) == message_id


@given(st.sampled_from(Status), sequences)
def test_a_status_reads_as_the_same_number(status, sequence):
    raw = smpp34.decode(pdu(Command.BIND_TRANSCEIVER_RESP, sequence, BindResp("smsc").encode(), status))

    assert (raw.command_status, raw.sequence_number) == (status, sequence)


def test_statuses_and_tags_have_smpp34s_numbers():
    from libs.common.smpp import Tag

    assert {name: Status[name] for name in dir(smpp34) if name.startswith("ESME_")} == {
        name: getattr(smpp34, name) for name in dir(smpp34) if name.startswith("ESME_")
    }
    assert {tag.name: tag.value for tag in Tag} == {tag.name: getattr(smpp34, f"TLV_{tag.name}") for tag in Tag}
