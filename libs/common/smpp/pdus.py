"""The PDUs: what stands in each body, to values and back. SMPP 3.4, chapter 4; the fields' names are the specification's.

Owns both directions. Reading is lenient where real far sides are (strings in Latin-1 and longer than allowed, answers
without a body); what cannot be read is BadPdu with the status that says so. Writing is strict: what the specification
does not allow raises BadPdu too, before anything is written.
Strings go to and from the wire as Latin-1, so that none is unreadable and each comes back as it was.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from libs.common.smpp.frames import HEADER, HEADER_OCTETS
from libs.common.smpp.values import RESPONSE, Command, Status

SHORT_MESSAGE_OCTETS_MAX = 254  # 4.4.1; longer ones go as message_payload
_TLV = struct.Struct(">HH")


class BadPdu(Exception):
    """One PDU that cannot be read (or must not be written); the stream goes on after it. `status` answers it."""

    def __init__(self, status: Status, why: str) -> None:
        super().__init__(f"{why} ({status.name})")
        self.status = status


Tlvs: TypeAlias = dict[int, bytes]


def pdu(command: int, sequence: int, body: bytes = b"", status: int = 0) -> bytes:
    return HEADER.pack(HEADER_OCTETS + len(body), command, status, sequence) + body


def submit_sm_resp(sequence: int, message_id: str, status: int = 0) -> bytes:
    """4.4.2: no body where the status is an error."""
    return pdu(Command.SUBMIT_SM_RESP, sequence, b"" if status else message_id.encode("latin-1") + b"\0", status)


def deliver_sm_resp(sequence: int, status: int = 0) -> bytes:
    """4.6.2: its message_id is unused and empty."""
    return HEADER.pack(HEADER_OCTETS + 1, Command.DELIVER_SM_RESP, status, sequence) + b"\0"


def nack(command: int, sequence: int, status: int) -> bytes:
    """The answer to what could not be read: its own answer with the status, generic_nack (4.3) where its id is unknown, nothing to an answer."""
    if command & RESPONSE or command in (Command.OUTBIND, Command.ALERT_NOTIFICATION):
        return b""
    answer = Command.GENERIC_NACK if command not in _DECODERS else command | RESPONSE
    body = b"\0" if answer == Command.DELIVER_SM_RESP else b""
    return pdu(answer, sequence, body, status)


# -- pieces ------------------------------------------------------------------------------------------------------


def _c_octets(value: str, octets_max: int, name: str, status: Status = Status.ESME_RINVPARLEN) -> bytes:
    """3.1: ended by a NUL, which `octets_max` counts."""
    try:
        octets = value.encode("latin-1")
    except UnicodeEncodeError:
        raise BadPdu(status, f"{name} has characters that SMPP cannot carry") from None
    if len(octets) >= octets_max or 0 in octets:
        raise BadPdu(status, f"{name} is not at most {octets_max - 1} octets without a NUL")
    return octets + b"\0"


def _encode_tlvs(tlvs: Mapping[int, bytes]) -> bytes:
    """5.3.1."""
    try:
        return b"".join(_TLV.pack(tag, len(value)) + value for tag, value in tlvs.items())
    except struct.error:
        raise BadPdu(Status.ESME_RINVOPTPARSTREAM, "a TLV's tag or length is above 65535") from None


def _decode_tlvs(body: bytes, at: int) -> Tlvs:
    """A tag that comes twice counts as it came last."""
    tlvs: Tlvs = {}
    end = len(body)
    while at < end:
        if end - at < _TLV.size:
            raise BadPdu(Status.ESME_RINVOPTPARSTREAM, "a TLV is cut off")
        tag, size = _TLV.unpack_from(body, at)
        at += _TLV.size
        if end - at < size:
            raise BadPdu(Status.ESME_RINVOPTPARSTREAM, "a TLV is longer than its PDU")
        tlvs[tag] = body[at : at + size]
        at += size
    return tlvs


class _Reader:
    """For the bodies that are not on the hot path."""

    def __init__(self, body: bytes) -> None:
        self._body, self._at = body, 0

    def string(self) -> str:
        end = self._body.find(0, self._at)
        if end < 0:
            raise BadPdu(Status.ESME_RINVPARLEN, "a string does not end")
        start, self._at = self._at, end + 1
        return self._body[start:end].decode("latin-1")

    def octet(self) -> int:
        return self.octets(1)[0]

    def octets(self, count: int) -> bytes:
        taken = self._body[self._at : self._at + count]
        if len(taken) < count:
            raise BadPdu(Status.ESME_RINVCMDLEN, "the PDU is too short")
        self._at += count
        return taken

    def tlvs(self) -> Tlvs:
        return _decode_tlvs(self._body, self._at)


# -- bodies ------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Bind:
    """4.1.1, 4.1.3, 4.1.5: bind_transmitter, bind_receiver and bind_transceiver have the same body."""

    system_id: str
    password: str = field(repr=False)
    system_type: str = ""
    interface_version: int = 0x34
    addr_ton: int = 0
    addr_npi: int = 0
    address_range: str = ""

    def encode(self) -> bytes:
        return (
            _c_octets(self.system_id, 16, "system_id", Status.ESME_RINVSYSID)
            + _c_octets(self.password, 9, "password", Status.ESME_RINVPASWD)
            + _c_octets(self.system_type, 13, "system_type", Status.ESME_RINVSYSTYP)
            + bytes((self.interface_version, self.addr_ton, self.addr_npi))
            + _c_octets(self.address_range, 41, "address_range")
        )

    @classmethod
    def decode(cls, body: bytes) -> "Bind":
        read = _Reader(body)
        return cls(
            read.string(),
            read.string(),
            read.string(),
            read.octet(),
            read.octet(),
            read.octet(),
            read.string(),
        )


@dataclass(slots=True)
class BindResp:
    """4.1.2, 4.1.4, 4.1.6."""

    system_id: str = ""
    tlvs: Tlvs = field(default_factory=dict)

    def encode(self) -> bytes:
        return _c_octets(self.system_id, 16, "system_id") + _encode_tlvs(self.tlvs)

    @classmethod
    def decode(cls, body: bytes) -> "BindResp":
        """An answer is an answer, whatever is wrong with its end: what can be read is read."""
        system_id, _, rest = body.partition(b"\0")
        try:
            return cls(system_id.decode("latin-1"), _decode_tlvs(rest, 0))
        except BadPdu:
            return cls(system_id.decode("latin-1"))


@dataclass(slots=True)
class Sm:
    """4.4.1 submit_sm and 4.6.1 deliver_sm. A data_sm (4.7.1) reads as one without what it lacks: its text is in message_payload."""

    service_type: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""
    esm_class: int = 0
    protocol_id: int = 0
    priority_flag: int = 0
    schedule_delivery_time: str = ""
    validity_period: str = ""
    registered_delivery: int = 0
    replace_if_present_flag: int = 0
    data_coding: int = 0
    sm_default_msg_id: int = 0
    short_message: bytes = b""
    tlvs: Tlvs = field(default_factory=dict)

    def encode(self) -> bytes:
        """As submit_sm and deliver_sm."""
        text = self.short_message
        if len(text) > SHORT_MESSAGE_OCTETS_MAX:
            raise BadPdu(Status.ESME_RINVMSGLEN, "short_message is longer than 254 octets")
        return b"".join(
            (
                _c_octets(self.service_type, 6, "service_type", Status.ESME_RINVSERTYP),
                bytes((self.source_addr_ton, self.source_addr_npi)),
                _c_octets(self.source_addr, 21, "source_addr", Status.ESME_RINVSRCADR),
                bytes((self.dest_addr_ton, self.dest_addr_npi)),
                _c_octets(self.destination_addr, 21, "destination_addr", Status.ESME_RINVDSTADR),
                bytes((self.esm_class, self.protocol_id, self.priority_flag)),
                _c_octets(self.schedule_delivery_time, 17, "schedule_delivery_time", Status.ESME_RINVSCHED),
                _c_octets(self.validity_period, 17, "validity_period", Status.ESME_RINVEXPIRY),
                bytes(
                    (
                        self.registered_delivery,
                        self.replace_if_present_flag,
                        self.data_coding,
                        self.sm_default_msg_id,
                        len(text),
                    )
                ),
                text,
                _encode_tlvs(self.tlvs) if self.tlvs else b"",
            )
        )

    @classmethod
    def decode(cls, body: bytes) -> "Sm":
        """The hot path: 10,000 a second and more go through here."""
        try:
            type_end = body.index(0)
            source = type_end + 3
            source_end = body.index(0, source)
            dest = source_end + 3
            dest_end = body.index(0, dest)
            schedule = dest_end + 4
            schedule_end = body.index(0, schedule)
            validity_end = body.index(0, schedule_end + 1)
            registered, replace, coding, default_id, size = body[validity_end + 1 : validity_end + 6]
        except ValueError:
            raise BadPdu(Status.ESME_RINVPARLEN, "a field does not end") from None
        text = validity_end + 6
        text_end = text + size
        if text_end > len(body):
            raise BadPdu(Status.ESME_RINVMSGLEN, "sm_length is longer than the PDU")
        return cls(
            body[:type_end].decode("latin-1"),
            body[type_end + 1],
            body[type_end + 2],
            body[source:source_end].decode("latin-1"),
            body[source_end + 1],
            body[source_end + 2],
            body[dest:dest_end].decode("latin-1"),
            body[dest_end + 1],
            body[dest_end + 2],
            body[dest_end + 3],
            body[schedule:schedule_end].decode("latin-1"),
            body[schedule_end + 1 : validity_end].decode("latin-1"),
            registered,
            replace,
            coding,
            default_id,
            body[text:text_end],
            _decode_tlvs(body, text_end) if text_end < len(body) else {},
        )

    @classmethod
    def decode_data(cls, body: bytes) -> "Sm":
        """4.7.1."""
        read = _Reader(body)
        sm = cls(
            read.string(),
            read.octet(),
            read.octet(),
            read.string(),
            read.octet(),
            read.octet(),
            read.string(),
            read.octet(),
        )
        sm.registered_delivery, sm.data_coding = read.octets(2)
        sm.tlvs = read.tlvs()
        return sm

    def encode_data(self) -> bytes:
        return b"".join(
            (
                _c_octets(self.service_type, 6, "service_type", Status.ESME_RINVSERTYP),
                bytes((self.source_addr_ton, self.source_addr_npi)),
                _c_octets(self.source_addr, 65, "source_addr", Status.ESME_RINVSRCADR),
                bytes((self.dest_addr_ton, self.dest_addr_npi)),
                _c_octets(self.destination_addr, 65, "destination_addr", Status.ESME_RINVDSTADR),
                bytes((self.esm_class, self.registered_delivery, self.data_coding)),
                _encode_tlvs(self.tlvs),
            )
        )


@dataclass(slots=True)
class QuerySm:
    """4.8.1."""

    message_id: str
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""

    def encode(self) -> bytes:
        return (
            _c_octets(self.message_id, 65, "message_id", Status.ESME_RINVMSGID)
            + bytes((self.source_addr_ton, self.source_addr_npi))
            + _c_octets(self.source_addr, 21, "source_addr", Status.ESME_RINVSRCADR)
        )

    @classmethod
    def decode(cls, body: bytes) -> "QuerySm":
        read = _Reader(body)
        return cls(read.string(), read.octet(), read.octet(), read.string())


@dataclass(slots=True)
class QuerySmResp:
    """4.8.2."""

    message_id: str = ""
    final_date: str = ""  # 7.1.1; empty while there is none
    message_state: int = 0  # 0: the answer had no body
    error_code: int = 0

    def encode(self) -> bytes:
        return (
            _c_octets(self.message_id, 65, "message_id")
            + _c_octets(self.final_date, 17, "final_date")
            + bytes((self.message_state, self.error_code))
        )

    @classmethod
    def decode(cls, body: bytes) -> "QuerySmResp":
        if not body:
            return cls()
        read = _Reader(body)
        return cls(read.string(), read.string(), read.octet(), read.octet())


@dataclass(slots=True)
class CancelSm:
    """4.9.1."""

    service_type: str
    message_id: str
    source_addr_ton: int
    source_addr_npi: int
    source_addr: str
    dest_addr_ton: int
    dest_addr_npi: int
    destination_addr: str

    @classmethod
    def decode(cls, body: bytes) -> "CancelSm":
        read = _Reader(body)
        service_type, message_id, source_ton, source_npi = read.string(), read.string(), read.octet(), read.octet()
        source = read.string()
        return cls(service_type, message_id, source_ton, source_npi, source, read.octet(), read.octet(), read.string())


@dataclass(slots=True)
class ReplaceSm:
    """4.10.1."""

    message_id: str
    source_addr_ton: int
    source_addr_npi: int
    source_addr: str
    schedule_delivery_time: str
    validity_period: str
    registered_delivery: int
    sm_default_msg_id: int
    short_message: bytes

    @classmethod
    def decode(cls, body: bytes) -> "ReplaceSm":
        read = _Reader(body)
        message_id, ton, npi, source = read.string(), read.octet(), read.octet(), read.string()
        schedule, validity, registered, default_id = read.string(), read.string(), read.octet(), read.octet()
        return cls(message_id, ton, npi, source, schedule, validity, registered, default_id, read.octets(read.octet()))


@dataclass(slots=True)
class Outbind:
    """4.1.7.1: the SMSC asks to be bound to."""

    system_id: str
    password: str = field(repr=False)

    @classmethod
    def decode(cls, body: bytes) -> "Outbind":
        read = _Reader(body)
        return cls(read.string(), read.string())


@dataclass(slots=True)
class AlertNotification:
    """4.12.1: a handset is there again."""

    source_addr_ton: int
    source_addr_npi: int
    source_addr: str
    esme_addr_ton: int
    esme_addr_npi: int
    esme_addr: str
    tlvs: Tlvs = field(default_factory=dict)

    @classmethod
    def decode(cls, body: bytes) -> "AlertNotification":
        read = _Reader(body)
        source_ton, source_npi, source = read.octet(), read.octet(), read.string()
        return cls(source_ton, source_npi, source, read.octet(), read.octet(), read.string(), read.tlvs())


Body: TypeAlias = (
    Bind | BindResp | Sm | QuerySm | QuerySmResp | CancelSm | ReplaceSm | Outbind | AlertNotification | str | None
)


def _message_id(body: bytes) -> str:
    """Of submit_sm_resp, deliver_sm_resp, data_sm_resp: '' where there is none. What follows it is not read."""
    return body.partition(b"\0")[0].decode("latin-1")


def _nothing(_: bytes) -> None:
    return None


_DECODERS: Mapping[int, Callable[[bytes], Body]] = {
    Command.GENERIC_NACK: _nothing,
    Command.BIND_RECEIVER: Bind.decode,
    Command.BIND_RECEIVER_RESP: BindResp.decode,
    Command.BIND_TRANSMITTER: Bind.decode,
    Command.BIND_TRANSMITTER_RESP: BindResp.decode,
    Command.BIND_TRANSCEIVER: Bind.decode,
    Command.BIND_TRANSCEIVER_RESP: BindResp.decode,
    Command.OUTBIND: Outbind.decode,
    Command.UNBIND: _nothing,
    Command.UNBIND_RESP: _nothing,
    Command.SUBMIT_SM: Sm.decode,
    Command.SUBMIT_SM_RESP: _message_id,
    Command.DELIVER_SM: Sm.decode,
    Command.DELIVER_SM_RESP: _message_id,
    Command.DATA_SM: Sm.decode_data,
    Command.DATA_SM_RESP: _message_id,
    Command.QUERY_SM: QuerySm.decode,
    Command.QUERY_SM_RESP: QuerySmResp.decode,
    Command.CANCEL_SM: CancelSm.decode,
    Command.CANCEL_SM_RESP: _nothing,
    Command.REPLACE_SM: ReplaceSm.decode,
    Command.REPLACE_SM_RESP: _nothing,
    Command.ENQUIRE_LINK: _nothing,
    Command.ENQUIRE_LINK_RESP: _nothing,
    Command.ALERT_NOTIFICATION: AlertNotification.decode,
}


def decode(command: int, body: bytes) -> Body:
    """Raises BadPdu, whose status is ESME_RINVCMDID where the command is unknown."""
    decoder = _DECODERS.get(command)
    if decoder is None:
        raise BadPdu(Status.ESME_RINVCMDID, f"command 0x{command:08X}")
    return decoder(body)
