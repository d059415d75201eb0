"""SMPP's texts and ours: a submit_sm to a text for the network, and receipts and texts of handsets to deliver_sm.

Owns addresses, data codings, headers of parts, and the tables from the network's words to SMPP's. Holds no session.
See protocol.md, section 8.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache

from libs.common import gsm
from libs.common.gsm import Alphabet
from libs.common.smpp import (
    Concat,
    DataCoding,
    EsmClass,
    MessageState,
    Npi,
    Sm,
    Status,
    Tag,
    Ton,
    concat_header,
    parse_time,
    split_header,
)
from services.simulator.accounts import Account, Ids, LongTexts, ReceiptsBy
from services.simulator.network import Receipt, Text
from services.simulator.rules import Fate, Submit, Wanted

# The network's refusals as command_status (SMPP 3.4, 5.1.3).
STATUSES: Mapping[str, Status] = {
    "bad_number": Status.ESME_RINVDSTADR,
    "bad_sender": Status.ESME_RINVSRCADR,
    "bad_text": Status.ESME_RINVMSGLEN,
    "bad_coding": Status.ESME_RSUBMITFAIL,  # 3.4 has no status for it
    "bad_validity": Status.ESME_RINVEXPIRY,
    "bad_schedule": Status.ESME_RINVSCHED,  # nothing is kept for later here
    "bad_registered_delivery": Status.ESME_RINVREGDLVFLG,
    "throttled": Status.ESME_RTHROTTLED,
    "queue_full": Status.ESME_RMSGQFUL,
    "blocked": Status.ESME_RSUBMITFAIL,
    "no_route": Status.ESME_RINVDSTADR,
    "not_allowed": Status.ESME_RSUBMITFAIL,
    "not_mobile": Status.ESME_RINVDSTADR,
    "busy": Status.ESME_RSYSERR,
    "server_error": Status.ESME_RSYSERR,
    "generic_nack": Status.ESME_RINVCMDLEN,
}

STATES: Mapping[str, MessageState] = {
    "accepted": MessageState.ACCEPTED,
    Fate.DELIVERED: MessageState.DELIVERED,
    Fate.NEVER: MessageState.DELIVERED,
    Fate.FAILED: MessageState.UNDELIVERABLE,
    Fate.EXPIRED: MessageState.EXPIRED,
}
_STAT = {  # Appendix B
    MessageState.ACCEPTED: "ACCEPTD",
    MessageState.DELIVERED: "DELIVRD",
    MessageState.UNDELIVERABLE: "UNDELIV",
    MessageState.EXPIRED: "EXPIRED",
}

# The network's errors in MAP's numbers: 3GPP TS 29.002, 17.6.6 (unknownSubscriber, callBarred, absentSubscriber, sm-DeliveryFailure).
MAP_ERRORS: Mapping[str, int] = {
    "unknown_subscriber": 1,
    "call_barred": 13,
    "absent_subscriber": 27,
    "memory_full": 32,
}
_GSM_NETWORK = 3  # 5.3.2.31, network_error_code

_WANTED = {0: Wanted.NONE, 1: Wanted.ALL, 2: Wanted.FAILURES}  # 5.2.17, the lowest two bits; 3 is reserved


def status_of(code: str) -> int:
    """Also of `esme_rinvexpiry` and of `0x0455`, which a fault may give as its reason."""
    if code.upper() in Status.__members__:
        return Status[code.upper()]
    if code.startswith("0x"):
        return int(code, 16) & 0xFFFFFFFF
    return STATUSES.get(code, Status.ESME_RSYSERR)


# -- out -----------------------------------------------------------------------------------------------------------


def submit_of(sequence: int, sm: Sm) -> Submit:
    octets, coding = sm.short_message, sm.data_coding
    concat = None
    if sm.tlvs:
        octets = octets or sm.tlvs.get(Tag.MESSAGE_PAYLOAD, b"")
        concat = _sar(sm)
    if sm.esm_class & EsmClass.UDHI:
        header, octets = split_header(octets)
        concat = header or concat
    text, broken, refused = _text(octets, coding)
    validity_s = 0
    if sm.validity_period:
        validity_s = _validity_s(sm.validity_period)
        refused = refused or ("bad_validity" if validity_s <= 0 else None)
    if sm.schedule_delivery_time:
        refused = refused or "bad_schedule"
    wanted = _WANTED.get(sm.registered_delivery & 3)
    if wanted is None:
        wanted, refused = Wanted.ALL, refused or "bad_registered_delivery"
    own_ref = ""
    if sm.tlvs and (own := sm.tlvs.get(Tag.USER_MESSAGE_REFERENCE)):
        own_ref = str(int.from_bytes(own, "big"))
    reference, parts, part = concat or (0, 1, 1)
    sender = _sender(sm.source_addr_ton, sm.source_addr)
    number = _number(sm.dest_addr_ton, sm.destination_addr)
    return Submit(
        sequence, sender, number, text, validity_s, own_ref, wanted, reference, part, parts, coding, broken, refused
    )


def _text(octets: bytes, coding: int) -> tuple[str, bytes, str | None]:
    """The text, its octets where they cannot be read alone, and why it is refused."""
    match coding:
        case DataCoding.DEFAULT:
            return gsm.decode(octets), octets if octets.endswith(b"\x1b") else b"", None
        case DataCoding.IA5:
            return octets.decode("ascii", "replace"), b"", None
        case DataCoding.LATIN1:
            return octets.decode("latin-1"), b"", None
        case DataCoding.UCS2 if len(octets) % 2 == 0:
            try:
                return octets.decode("utf-16-be"), b"", None
            except UnicodeDecodeError:
                return octets.decode("utf-16-be", "replace"), octets, None
    return "", b"", "bad_coding"


def _sar(sm: Sm) -> Concat | None:
    """5.3.2.22 to 5.3.2.24: three TLVs, or they mean nothing."""
    values = [sm.tlvs.get(tag) for tag in (Tag.SAR_MSG_REF_NUM, Tag.SAR_TOTAL_SEGMENTS, Tag.SAR_SEGMENT_SEQNUM)]
    if None in values:
        return None
    reference, parts, part = (int.from_bytes(value or b"", "big") for value in values)
    return Concat(reference & 0xFFFF, parts, part) if 1 <= part <= parts <= 255 else None


def _validity_s(period: str) -> int:
    """0 or less: no time at all, or one that has passed."""
    if period.endswith("R"):
        return _relative_s(period)
    now = datetime.now(UTC)
    until = parse_time(period, now)
    return int((until - now).total_seconds()) if until else 0


@lru_cache(maxsize=1_000)
def _relative_s(period: str) -> int:
    now = datetime.now(UTC)
    until = parse_time(period, now)
    return round((until - now).total_seconds()) if until else 0


def _number(ton: int, address: str) -> str:
    """E.164. What is written as at home is read as British, where this network is."""
    if address[:1] == "+":
        return address
    if address[:2] == "00":
        return f"+{address[2:]}"
    if address[:1] == "0" or ton == Ton.NATIONAL:
        return f"+44{address.removeprefix('0')}"
    return f"+{address}"


def _sender(ton: int, address: str) -> str:
    return f"+{address}" if ton == Ton.INTERNATIONAL and address[:1] != "+" else address


# -- in ------------------------------------------------------------------------------------------------------------


def address_of(address: str) -> tuple[int, int, str]:
    """TON, NPI and the address itself."""
    if address.startswith("+"):
        return Ton.INTERNATIONAL, Npi.ISDN, address[1:]
    if address.isascii() and address.isdigit():
        return Ton.NETWORK_SPECIFIC, Npi.ISDN, address
    return Ton.ALPHANUMERIC, Npi.UNKNOWN, address


def as_id(number: int, ids: Ids) -> str:
    return f"{number:X}" if ids is Ids.HEXADECIMAL else str(number)


def number_of(message_id: str, ids: Ids) -> int | None:
    """None where it is no id of that form."""
    try:
        return int(message_id, 16 if ids is Ids.HEXADECIMAL else 10)
    except ValueError:
        return None


def receipt_sm(receipt: Receipt, account: Account) -> bytes:
    """The body of a deliver_sm, from the handset's number to whom the text came from."""
    state = STATES[receipt.status]
    error = MAP_ERRORS.get(receipt.error or "", 0)
    message_id = receipt.ref
    if account.receipt_ids is not None and account.receipt_ids is not account.ids:
        number = number_of(receipt.ref, account.ids)
        message_id = receipt.ref if number is None else as_id(number, account.receipt_ids)
    intermediate = EsmClass.INTERMEDIATE if state is MessageState.ACCEPTED else EsmClass.RECEIPT
    source_ton, source_npi, source = address_of(receipt.number)
    dest_ton, dest_npi, dest = address_of(receipt.sender)
    sm = Sm(
        source_addr_ton=source_ton,
        source_addr_npi=source_npi,
        source_addr=source,
        dest_addr_ton=dest_ton,
        dest_addr_npi=dest_npi,
        destination_addr=dest,
        esm_class=intermediate,
    )
    if account.receipts_by is not ReceiptsBy.TLV:
        submitted, done = _minute(int(receipt.submitted_at // 60)), _minute(int(receipt.at // 60))
        sm.short_message = (
            f"id:{message_id} sub:001 dlvrd:{state is MessageState.DELIVERED:03d} submit date:{submitted}"
            f" done date:{done} stat:{_STAT[state]} err:{error:03d} text:{receipt.text[:20]}"
        ).encode("latin-1", "replace")
    if account.receipts_by is not ReceiptsBy.TEXT:
        sm.tlvs[Tag.RECEIPTED_MESSAGE_ID] = message_id.encode() + b"\0"
        sm.tlvs[Tag.MESSAGE_STATE] = bytes((state,))
        if error:
            sm.tlvs[Tag.NETWORK_ERROR_CODE] = bytes((_GSM_NETWORK,)) + error.to_bytes(2, "big")
    return sm.encode()


@lru_cache(maxsize=100)
def _minute(since_1970: int) -> str:
    """As receipts have it. Written for each one anew, the dates take half of its time."""
    return f"{datetime.fromtimestamp(since_1970 * 60, UTC):%y%m%d%H%M}"


def text_sms(text: Text, account: Account, reference: int) -> list[bytes]:
    """The bodies of the deliver_sm of a text from a handset: one, or one a part."""
    coding, alphabet = _coding_of(text.text, account.coding)
    parts = gsm.cut(text.text, alphabet)
    if len(parts) == 1:
        return [_text_sm(text, account, coding, _octets(text.text, coding), None).encode()]
    if account.long_texts is LongTexts.PAYLOAD:
        sm = _text_sm(text, account, coding, b"", None)
        sm.tlvs[Tag.MESSAGE_PAYLOAD] = _octets(text.text, coding)
        return [sm.encode()]
    reference &= 0xFF if account.long_texts is LongTexts.UDH8 else 0xFFFF
    return [
        _text_sm(text, account, coding, _octets(part, coding), Concat(reference, len(parts), n)).encode()
        for n, part in enumerate(parts, 1)
    ]


def _coding_of(text: str, asked: int | None) -> tuple[int, Alphabet]:
    """As asked where that has all the characters; else the default alphabet, or UCS-2. And what it takes on the air."""
    alphabet = gsm.alphabet(text)
    below = {DataCoding.IA5: 0x80, DataCoding.LATIN1: 0x100}.get(DataCoding(asked or 0), 0)
    if asked is not None and all(ord(character) < below for character in text):
        return asked, alphabet
    if asked == DataCoding.UCS2 or alphabet is Alphabet.UCS2:
        return DataCoding.UCS2, Alphabet.UCS2
    return DataCoding.DEFAULT, alphabet


def _octets(text: str, coding: int) -> bytes:
    match coding:
        case DataCoding.DEFAULT:
            return gsm.encode(text)
        case DataCoding.UCS2:
            return text.encode("utf-16-be", "surrogatepass")
    return text.encode("latin-1")


def _text_sm(text: Text, account: Account, coding: int, octets: bytes, concat: Concat | None) -> Sm:
    source_ton, source_npi, source = address_of(text.sender)
    dest_ton, dest_npi, dest = address_of(text.to)
    sm = Sm(
        source_addr_ton=source_ton,
        source_addr_npi=source_npi,
        source_addr=source,
        dest_addr_ton=dest_ton,
        dest_addr_npi=dest_npi,
        destination_addr=dest,
        data_coding=coding,
        short_message=octets,
    )
    if account.text_ids:
        part = f"-{concat.part}" if concat else ""
        sm.tlvs[Tag.RECEIPTED_MESSAGE_ID] = f"{text.id}{part}".encode() + b"\0"
    if concat is None:
        return sm
    if account.long_texts is LongTexts.SAR:
        sm.tlvs[Tag.SAR_MSG_REF_NUM] = concat.reference.to_bytes(2, "big")
        sm.tlvs[Tag.SAR_TOTAL_SEGMENTS] = bytes((concat.parts,))
        sm.tlvs[Tag.SAR_SEGMENT_SEQNUM] = bytes((concat.part,))
    else:
        sm.esm_class = EsmClass.UDHI
        sm.short_message = concat_header(concat, wide=account.long_texts is LongTexts.UDH16) + octets
    return sm
