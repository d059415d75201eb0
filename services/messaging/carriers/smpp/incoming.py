"""A deliver_sm or data_sm as a receipt or a text (SMPP 3.4, 4.6, 5.2.12), by the carrier's settings.

Owns how receipts are told from texts, message ids that answers and receipts write differently, and data codings. Plain functions that take whatever a
far side sends: what cannot be read is kept as it came.
"""

from dataclasses import dataclass
from datetime import datetime

from libs.common import gsm
from libs.common.smpp import (
    Concat,
    EsmClass,
    MessageState,
    QuerySmResp,
    ReceiptText,
    Sm,
    Tag,
    Ton,
    parse_time,
    split_header,
)
from services.messaging.carriers.carrier import Arrived, Failure, Receipt, ReceiptStatus
from services.messaging.carriers.smpp import codes
from services.messaging.carriers.smpp.settings import SmppSettings

INTERNATIONAL_DIGITS = range(10, 16)  # E.164; what is shorter may be a short code
RAW_CHARACTERS_MAX = 1_000


def read(sm: Sm, settings: SmppSettings, now: datetime) -> Receipt | Arrived:
    kind = sm.esm_class & EsmClass.TYPE_MASK
    by_tlv = Tag.RECEIPTED_MESSAGE_ID in sm.tlvs and Tag.MESSAGE_STATE in sm.tlvs
    if kind in (EsmClass.RECEIPT, EsmClass.INTERMEDIATE) or by_tlv:
        return _receipt(sm, settings, now)
    return _arrived(sm, settings, now)


# -- receipts ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Ids:
    """Whose ids are written in which base; `reference` is the answer's id in the form by which receipts are matched."""

    of_answers: int
    of_receipts: int


_IDS = {"hex_to_dec": _Ids(16, 10), "dec_to_hex": _Ids(10, 16)}


def reference(message_id: str, settings: SmppSettings) -> str:
    """Of an answer's id: as it is, or the number it stands for in the answers' own base, where receipts write it in another one."""
    ids = _IDS.get(settings.receipt_ids)
    return message_id if ids is None else _rewritten(message_id, ids.of_answers, ids.of_answers)


def _rewritten(message_id: str, from_base: int, to_base: int) -> str:
    if not message_id.isalnum():
        return message_id  # int() would take signs and spaces too
    try:
        number = int(message_id, from_base)
        return f"{number:X}" if to_base == 16 else str(number)
    except ValueError:
        return message_id


def _receipt(sm: Sm, settings: SmppSettings, now: datetime) -> Receipt:
    octets = _octets(sm)
    if sm.esm_class & EsmClass.UDHI:
        octets = split_header(octets)[1]
    octets = octets.replace(b"\0", b" ")  # a habit of C, which no field means
    text = ReceiptText.decode(octets) or ReceiptText("", "")
    state = _state(sm) or text.state
    status = codes.STATES.get(state, ReceiptStatus.UNLISTED) if state else ReceiptStatus.UNLISTED
    if sm.esm_class & EsmClass.TYPE_MASK == EsmClass.INTERMEDIATE and status is not ReceiptStatus.UNLISTED:
        status = ReceiptStatus.ACCEPTED  # 5.2.12: whatever happened, it is not the end
    error, failure = _error(sm, text, settings)
    number = _number(sm.source_addr_ton, sm.source_addr)  # of the handset: a receipt comes the way the text did not go
    if status is ReceiptStatus.UNLISTED:
        error = text.stat or (state.name if state else error)
    return Receipt(
        _receipted(sm, text, settings),
        status,
        text.done_date or now,
        error or None,
        failure=failure if status is ReceiptStatus.FAILED else Failure.UNKNOWN,
        raw=_raw(sm, octets),
        number=number if number.startswith("+") else "",
    )


def _state(sm: Sm) -> MessageState | None:
    value = sm.tlvs.get(Tag.MESSAGE_STATE, b"")
    try:
        return MessageState(value[0]) if value else None
    except ValueError:
        return None


def _receipted(sm: Sm, text: ReceiptText, settings: SmppSettings) -> str:
    """By the TLV, which holds the answer's id whole; but by the text, which some cut to ten digits, where that has it in another base."""
    ids = _IDS.get(settings.receipt_ids)
    in_tlv = sm.tlvs.get(Tag.RECEIPTED_MESSAGE_ID, b"").partition(b"\0")[0].decode("latin-1")
    if ids is None:
        return in_tlv or text.id
    return _rewritten(text.id, ids.of_receipts, ids.of_answers) if text.id else reference(in_tlv, settings)


def _error(sm: Sm, text: ReceiptText, settings: SmppSettings) -> tuple[str, Failure]:
    network = sm.tlvs.get(Tag.NETWORK_ERROR_CODE, b"")
    if len(network) == 3:
        code = int.from_bytes(network[1:], "big")
        by_map = codes.MAP_ERRORS.get(code, Failure.UNKNOWN) if network[0] == codes.GSM_NETWORK else Failure.UNKNOWN
        if code:
            return text.err or f"{network[0]}:{code}", by_map
    if text.err.strip("0") == "":
        return "", Failure.UNKNOWN  # 000: none
    return text.err, _failure(text.err, settings)


def _failure(error: str, settings: SmppSettings) -> Failure:
    if settings.receipt_errors == "own" or not (error.isascii() and error.isdecimal()):
        return Failure.UNKNOWN
    return codes.MAP_ERRORS.get(int(error[:9]), Failure.UNKNOWN)


def _raw(sm: Sm, octets: bytes) -> str:
    tlvs = "".join(f" {tag:04x}={value.hex()}" for tag, value in sm.tlvs.items() if tag != Tag.MESSAGE_PAYLOAD)
    return (octets.decode("latin-1") + tlvs)[:RAW_CHARACTERS_MAX]


def queried(asked: str, answer: QuerySmResp, settings: SmppSettings, now: datetime) -> Receipt | None:
    """None where the carrier cannot say (4.8.2)."""
    try:
        status = codes.STATES[MessageState(answer.message_state)]
    except (ValueError, KeyError):
        return None
    error = str(answer.error_code) if answer.error_code else ""
    failure = _failure(error, settings) if status is ReceiptStatus.FAILED else Failure.UNKNOWN
    at = parse_time(answer.final_date, now) or now
    return Receipt(asked, status, at, error or None, failure=failure, raw=f"query_sm_resp {answer}")


# -- texts ---------------------------------------------------------------------------------------------------------


def _arrived(sm: Sm, settings: SmppSettings, now: datetime) -> Arrived:
    octets, concat = _octets(sm), None
    if sm.esm_class & EsmClass.UDHI:
        concat, octets = split_header(octets)
    concat = concat or _sar(sm) or Concat(0, 1, 1)
    return Arrived(
        sm.tlvs.get(Tag.RECEIPTED_MESSAGE_ID, b"").partition(b"\0")[0].decode("latin-1"),
        _number(sm.source_addr_ton, sm.source_addr),
        _number(sm.dest_addr_ton, sm.destination_addr),
        decoded(octets, sm.data_coding, settings),
        now,
        concat.part,
        concat.parts,
        concat.reference if concat.parts > 1 else 0,
    )


def _octets(sm: Sm) -> bytes:
    return sm.tlvs.get(Tag.MESSAGE_PAYLOAD) or sm.short_message


def _sar(sm: Sm) -> Concat | None:
    """5.3.2.22 to 24; all three or none."""
    numbers = [
        int.from_bytes(sm.tlvs.get(tag, b""), "big")
        for tag in (Tag.SAR_MSG_REF_NUM, Tag.SAR_TOTAL_SEGMENTS, Tag.SAR_SEGMENT_SEQNUM)
    ]
    concat = Concat(numbers[0] & 0xFFFF, numbers[1], numbers[2])
    return concat if 1 <= concat.part <= concat.parts <= 255 else None


def _number(ton: int, address: str) -> str:
    """E.164 where it is an international number, said to be one or written as one; else as it came: a short code, a name, a national number."""
    digits = address.removeprefix("+").removeprefix("00")
    if ton not in (Ton.UNKNOWN, Ton.INTERNATIONAL) or not (digits.isascii() and digits.isdecimal()):
        return address
    if digits != address or (len(digits) in INTERNATIONAL_DIGITS and digits[0] != "0"):
        return f"+{digits}"
    return address


# 5.2.19, beside 0 and 8. Latin-1 is 3; it is also what keeps 1 (ASCII), binary, and what no Python codec reads (JIS, pictograms).
_PYTHON_CODECS = {6: "iso8859_5", 7: "iso8859_8", 10: "iso2022_jp", 14: "euc_kr"}


def decoded(octets: bytes, coding: int, settings: SmppSettings) -> str:
    """The text, whatever the octets are. Binary is kept, an octet a character."""
    match coding:
        case 0 if settings.default_alphabet == "gsm":
            return gsm.decode(octets)
        case 8:
            return _utf16(octets)
        case _ if coding < 0x10:
            return octets.decode(_PYTHON_CODECS.get(coding, "latin-1"), "replace")
    return _by_gsm_coding(octets, coding)


def _by_gsm_coding(octets: bytes, coding: int) -> str:
    """TS 23.038, 4, as 5.2.19 lets through from 0xC0 on, and some SMSCs let through below it."""
    group = coding >> 4
    if group == 0xE or (group < 0x4 and coding & 0x0C == 0x08):
        return _utf16(octets)
    if group in (0xC, 0xD) or (group in (0x1, 0x3, 0xF) and coding & 0x04 == 0):
        return gsm.decode(octets)
    return octets.decode("latin-1")


def _utf16(octets: bytes) -> str:
    """A lone half of a surrogate pair stays one: the next part may have the other. An odd octet at the end is no character."""
    return octets[: len(octets) // 2 * 2].decode("utf-16-be", "surrogatepass")
