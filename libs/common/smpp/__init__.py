"""The SMPP 3.4 codec: octets to values and back (SMPP Protocol Specification v3.4, Issue 1.2).

Owns the wire form of every PDU that messaging's client and the simulator speak, receipts as text (Appendix B) and user
data headers. Holds no connection and no clock. What a far side can send raises BadFrame (the stream cannot be followed
any more: end the session) or BadPdu (this PDU cannot be read: `nack` answers it), and nothing else.

    frames = Frames()
    for command, status, sequence, body in frames.feed(data):  # raises BadFrame
        try:
            match decode(command, body):  # raises BadPdu
                case Sm() as sm if command == Command.SUBMIT_SM:
                    transport.write(submit_sm_resp(sequence, "0A1B"))
                case Bind() as bind:
                    transport.write(pdu(command | RESPONSE, sequence, BindResp("heliograph").encode()))
                case None if command == Command.ENQUIRE_LINK:
                    transport.write(pdu(Command.ENQUIRE_LINK_RESP, sequence))
        except BadPdu as bad:
            transport.write(nack(command, sequence, bad.status))  # b"" where nothing may be answered

Bodies: PDUs without one decode to None, *_sm_resp with nothing but a message id to str. `sm.encode()` is a body,
`pdu(Command.SUBMIT_SM, sequence, sm.encode())` the whole. TLVs are a dict from tag to the value's octets.
"""

from libs.common.smpp.frames import PDU_OCTETS_MAX, BadFrame, Frame, Frames
from libs.common.smpp.pdus import (
    AlertNotification,
    BadPdu,
    Bind,
    BindResp,
    Body,
    CancelSm,
    Outbind,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    Sm,
    decode,
    deliver_sm_resp,
    nack,
    pdu,
    submit_sm_resp,
)
from libs.common.smpp.receipts import ReceiptText
from libs.common.smpp.times import absolute_time, parse_time, relative_time
from libs.common.smpp.udh import Concat, concat_header, split_header
from libs.common.smpp.values import (
    RESPONSE,
    SEQUENCE_MAX,
    Command,
    DataCoding,
    EsmClass,
    MessageState,
    Npi,
    Status,
    Tag,
    Ton,
    describe,
)

__all__ = [
    "PDU_OCTETS_MAX",
    "RESPONSE",
    "SEQUENCE_MAX",
    "AlertNotification",
    "BadFrame",
    "BadPdu",
    "Bind",
    "BindResp",
    "Body",
    "CancelSm",
    "Command",
    "Concat",
    "DataCoding",
    "EsmClass",
    "Frame",
    "Frames",
    "MessageState",
    "Npi",
    "Outbind",
    "QuerySm",
    "QuerySmResp",
    "ReceiptText",
    "ReplaceSm",
    "Sm",
    "Status",
    "Tag",
    "Ton",
    "absolute_time",
    "concat_header",
    "decode",
    "deliver_sm_resp",
    "describe",
    "nack",
    "parse_time",
    "pdu",
    "relative_time",
    "split_header",
    "submit_sm_resp",
]
