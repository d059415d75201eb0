"""SMPP 3.4's numbers and their names, with the section that gives each. Names are the specification's own."""

from enum import IntEnum

RESPONSE = 0x80000000  # 5.1.2: the bit by which an answer's command_id differs from its request's
SEQUENCE_MAX = 0x7FFFFFFF  # 5.1.4


class Command(IntEnum):
    """5.1.2.1. submit_multi (0x21) is not among them: it is answered as an unknown one."""

    GENERIC_NACK = 0x80000000
    BIND_RECEIVER = 0x00000001
    BIND_RECEIVER_RESP = 0x80000001
    BIND_TRANSMITTER = 0x00000002
    BIND_TRANSMITTER_RESP = 0x80000002
    QUERY_SM = 0x00000003
    QUERY_SM_RESP = 0x80000003
    SUBMIT_SM = 0x00000004
    SUBMIT_SM_RESP = 0x80000004
    DELIVER_SM = 0x00000005
    DELIVER_SM_RESP = 0x80000005
    UNBIND = 0x00000006
    UNBIND_RESP = 0x80000006
    REPLACE_SM = 0x00000007
    REPLACE_SM_RESP = 0x80000007
    CANCEL_SM = 0x00000008
    CANCEL_SM_RESP = 0x80000008
    BIND_TRANSCEIVER = 0x00000009
    BIND_TRANSCEIVER_RESP = 0x80000009
    OUTBIND = 0x0000000B
    ENQUIRE_LINK = 0x00000015
    ENQUIRE_LINK_RESP = 0x80000015
    ALERT_NOTIFICATION = 0x00000102
    DATA_SM = 0x00000103
    DATA_SM_RESP = 0x80000103


class Status(IntEnum):
    """5.1.3, command_status: the whole table."""

    ESME_ROK = 0x00
    ESME_RINVMSGLEN = 0x01
    ESME_RINVCMDLEN = 0x02
    ESME_RINVCMDID = 0x03
    ESME_RINVBNDSTS = 0x04
    ESME_RALYBND = 0x05
    ESME_RINVPRTFLG = 0x06
    ESME_RINVREGDLVFLG = 0x07
    ESME_RSYSERR = 0x08
    ESME_RINVSRCADR = 0x0A
    ESME_RINVDSTADR = 0x0B
    ESME_RINVMSGID = 0x0C
    ESME_RBINDFAIL = 0x0D
    ESME_RINVPASWD = 0x0E
    ESME_RINVSYSID = 0x0F
    ESME_RCANCELFAIL = 0x11
    ESME_RREPLACEFAIL = 0x13
    ESME_RMSGQFUL = 0x14
    ESME_RINVSERTYP = 0x15
    ESME_RINVNUMDESTS = 0x33
    ESME_RINVDLNAME = 0x34
    ESME_RINVDESTFLAG = 0x40
    ESME_RINVSUBREP = 0x42
    ESME_RINVESMCLASS = 0x43
    ESME_RCNTSUBDL = 0x44
    ESME_RSUBMITFAIL = 0x45
    ESME_RINVSRCTON = 0x48
    ESME_RINVSRCNPI = 0x49
    ESME_RINVDSTTON = 0x50
    ESME_RINVDSTNPI = 0x51
    ESME_RINVSYSTYP = 0x53
    ESME_RINVREPFLAG = 0x54
    ESME_RINVNUMMSGS = 0x55
    ESME_RTHROTTLED = 0x58
    ESME_RINVSCHED = 0x61
    ESME_RINVEXPIRY = 0x62
    ESME_RINVDFTMSGID = 0x63
    ESME_RX_T_APPN = 0x64
    ESME_RX_P_APPN = 0x65
    ESME_RX_R_APPN = 0x66
    ESME_RQUERYFAIL = 0x67
    ESME_RINVOPTPARSTREAM = 0xC0
    ESME_ROPTPARNOTALLWD = 0xC1
    ESME_RINVPARLEN = 0xC2
    ESME_RMISSINGOPTPARAM = 0xC3
    ESME_RINVOPTPARAMVAL = 0xC4
    ESME_RDELIVERYFAILURE = 0xFE
    ESME_RUNKNOWNERR = 0xFF


# 5.1.3, its last column in few words: for people who read logs.
MEANINGS = {
    Status.ESME_ROK: "no error",
    Status.ESME_RINVMSGLEN: "message length is invalid",
    Status.ESME_RINVCMDLEN: "command length is invalid",
    Status.ESME_RINVCMDID: "invalid command id",
    Status.ESME_RINVBNDSTS: "not allowed in this bind state",
    Status.ESME_RALYBND: "already bound",
    Status.ESME_RINVPRTFLG: "invalid priority flag",
    Status.ESME_RINVREGDLVFLG: "invalid registered delivery flag",
    Status.ESME_RSYSERR: "system error",
    Status.ESME_RINVSRCADR: "invalid source address",
    Status.ESME_RINVDSTADR: "invalid destination address",
    Status.ESME_RINVMSGID: "invalid message id",
    Status.ESME_RBINDFAIL: "bind failed",
    Status.ESME_RINVPASWD: "invalid password",
    Status.ESME_RINVSYSID: "invalid system id",
    Status.ESME_RCANCELFAIL: "cancel_sm failed",
    Status.ESME_RREPLACEFAIL: "replace_sm failed",
    Status.ESME_RMSGQFUL: "message queue full",
    Status.ESME_RINVSERTYP: "invalid service type",
    Status.ESME_RINVNUMDESTS: "invalid number of destinations",
    Status.ESME_RINVDLNAME: "invalid distribution list name",
    Status.ESME_RINVDESTFLAG: "invalid destination flag",
    Status.ESME_RINVSUBREP: "submit with replace is not supported",
    Status.ESME_RINVESMCLASS: "invalid esm_class",
    Status.ESME_RCNTSUBDL: "cannot submit to a distribution list",
    Status.ESME_RSUBMITFAIL: "submit_sm failed",
    Status.ESME_RINVSRCTON: "invalid source TON",
    Status.ESME_RINVSRCNPI: "invalid source NPI",
    Status.ESME_RINVDSTTON: "invalid destination TON",
    Status.ESME_RINVDSTNPI: "invalid destination NPI",
    Status.ESME_RINVSYSTYP: "invalid system_type",
    Status.ESME_RINVREPFLAG: "invalid replace_if_present flag",
    Status.ESME_RINVNUMMSGS: "invalid number of messages",
    Status.ESME_RTHROTTLED: "throttled: over the allowed rate",
    Status.ESME_RINVSCHED: "invalid scheduled delivery time",
    Status.ESME_RINVEXPIRY: "invalid validity period",
    Status.ESME_RINVDFTMSGID: "predefined message not found",
    Status.ESME_RX_T_APPN: "receiver: temporary application error",
    Status.ESME_RX_P_APPN: "receiver: permanent application error",
    Status.ESME_RX_R_APPN: "receiver: message rejected",
    Status.ESME_RQUERYFAIL: "query_sm failed",
    Status.ESME_RINVOPTPARSTREAM: "error in the optional part of the PDU",
    Status.ESME_ROPTPARNOTALLWD: "optional parameter not allowed",
    Status.ESME_RINVPARLEN: "invalid parameter length",
    Status.ESME_RMISSINGOPTPARAM: "expected optional parameter missing",
    Status.ESME_RINVOPTPARAMVAL: "invalid optional parameter value",
    Status.ESME_RDELIVERYFAILURE: "delivery failure",
    Status.ESME_RUNKNOWNERR: "unknown error",
}


def describe(status: int) -> str:
    """'ESME_RINVPASWD (0x0E): invalid password'. A status that is not in 5.1.3 is its number."""
    try:
        known = Status(status)
    except ValueError:
        return f"0x{status:02X}: not in SMPP 3.4, 5.1.3"
    return f"{known.name} (0x{status:02X}): {MEANINGS[known]}"


class Tag(IntEnum):
    """5.3.2, optional parameters: those that somebody here reads or writes."""

    ADDITIONAL_STATUS_INFO_TEXT = 0x001D
    RECEIPTED_MESSAGE_ID = 0x001E
    USER_MESSAGE_REFERENCE = 0x0204
    SAR_MSG_REF_NUM = 0x020C
    SAR_TOTAL_SEGMENTS = 0x020E
    SAR_SEGMENT_SEQNUM = 0x020F
    SC_INTERFACE_VERSION = 0x0210
    MS_AVAILABILITY_STATUS = 0x0422
    NETWORK_ERROR_CODE = 0x0423
    MESSAGE_PAYLOAD = 0x0424
    MORE_MESSAGES_TO_SEND = 0x0426
    MESSAGE_STATE = 0x0427


class EsmClass(IntEnum):
    """5.2.12. The middle bits say what the text is, the upper two what is in it; what it is counts only from the SMSC."""

    TYPE_MASK = 0x3C
    RECEIPT = 0x04  # SMSC delivery receipt
    DELIVERY_ACKNOWLEDGEMENT = 0x08  # of the handset
    USER_ACKNOWLEDGEMENT = 0x10
    INTERMEDIATE = 0x20  # intermediate delivery notification
    UDHI = 0x40


class DataCoding(IntEnum):
    """5.2.19."""

    DEFAULT = 0x00  # the SMSC's own default alphabet: nearly always GSM 03.38, one septet an octet
    IA5 = 0x01
    BINARY = 0x02
    LATIN1 = 0x03
    BINARY_8 = 0x04
    UCS2 = 0x08


class Ton(IntEnum):
    """5.2.5."""

    UNKNOWN = 0
    INTERNATIONAL = 1
    NATIONAL = 2
    NETWORK_SPECIFIC = 3
    SUBSCRIBER = 4
    ALPHANUMERIC = 5
    ABBREVIATED = 6


class Npi(IntEnum):
    """5.2.6."""

    UNKNOWN = 0
    ISDN = 1  # E.163, E.164
    NATIONAL = 8
    PRIVATE = 9


class MessageState(IntEnum):
    """5.2.28; the abbreviation of each in a receipt's text is in receipts.py."""

    ENROUTE = 1
    DELIVERED = 2
    EXPIRED = 3
    DELETED = 4
    UNDELIVERABLE = 5
    ACCEPTED = 6
    UNKNOWN = 7
    REJECTED = 8
