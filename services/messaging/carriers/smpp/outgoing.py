"""A part as a submit_sm (SMPP 3.4, 4.4), by the carrier's settings.

Owns addresses, data codings and how the parts of a long text say so. Plain functions. Never cuts a text, and never lets a character out that would
come in as another: what a data coding lacks goes in UCS-2, where there is room for it, or is refused.
"""

from libs.common import gsm
from libs.common.gsm import Alphabet
from libs.common.smpp import BadPdu, Concat, DataCoding, EsmClass, Sm, Tag, concat_header, relative_time
from services.messaging.carriers.carrier import Part, Refusal, Refused
from services.messaging.carriers.smpp import codes
from services.messaging.carriers.smpp.settings import SmppSettings

RECEIPT_OF_ANY_END = 1  # 5.2.17, registered_delivery
SEGMENT_OCTETS = 140  # TS 23.040: of a header and a text in 8 bits
SEGMENT_SEPTETS = 160  # the same in 7
SHORT_CODE_DIGITS_MAX = 8
PAYLOAD_OCTETS_MAX = 64_000  # 5.3.2.32


def submit_sm(part: Part, settings: SmppSettings) -> bytes | Refused:
    """The PDU's body."""
    coding, octets = _encoded(part, settings)
    source_ton, source_npi, source = address(part.sender, settings)
    sm = Sm(
        "",
        source_ton,
        source_npi,
        source,
        settings.number_ton,
        settings.number_npi,
        part.number.lstrip("+"),
        validity_period=relative_time(part.validity_s),
        registered_delivery=RECEIPT_OF_ANY_END,
        data_coding=coding,
    )
    header = b""
    if part.parts > 1:
        header = _say_part(sm, Concat(part.concat, part.parts, part.part), settings)
    if _fits(len(header), len(octets), part, coding):
        sm.short_message = header + octets
    elif settings.long == "payload" and part.parts == 1 and len(octets) <= PAYLOAD_OCTETS_MAX:
        sm.tlvs[Tag.MESSAGE_PAYLOAD] = octets
    else:
        return Refused(
            Refusal.BAD_TEXT, code=f"{len(header)} octets of header and {len(octets)} of text are no segment"
        )
    try:
        return sm.encode()
    except BadPdu as bad:
        return Refused(codes.SUBMIT.get(bad.status) or Refusal.BAD_TEXT, code=str(bad))


def address(sender: str, settings: SmppSettings) -> tuple[int, int, str]:
    """TON, NPI and the address as it is written: numbers without their plus (5.2.5, 5.2.6)."""
    digits = sender.lstrip("+")
    if not (digits.isascii() and digits.isdecimal()):
        return settings.alphanumeric_ton, settings.alphanumeric_npi, sender
    if digits == sender and len(digits) <= SHORT_CODE_DIGITS_MAX:
        return settings.short_code_ton, settings.short_code_npi, digits
    return settings.number_ton, settings.number_npi, digits


def _encoded(part: Part, settings: SmppSettings) -> tuple[int, bytes]:
    if part.alphabet is Alphabet.GSM:
        coding: int = settings.gsm_data_coding
        try:
            if coding == DataCoding.DEFAULT and settings.default_alphabet == "gsm":
                return coding, gsm.encode(part.body)
            return coding, part.body.encode("ascii" if coding == DataCoding.IA5 else "latin-1")
        except ValueError:
            pass  # the euro sign and Greek capitals in Latin-1, for instance
    return DataCoding.UCS2, part.body.encode("utf-16-be", "surrogatepass")


def _say_part(sm: Sm, concat: Concat, settings: SmppSettings) -> bytes:
    """By TLVs (5.3.2.22 to 24), else by a user data header, which it answers. Also for payload: a text that came cut stays cut."""
    if settings.long in ("udh8", "udh16"):
        sm.esm_class |= EsmClass.UDHI
        return concat_header(concat, wide=settings.long == "udh16")
    sm.tlvs[Tag.SAR_MSG_REF_NUM] = concat.reference.to_bytes(2, "big")
    sm.tlvs[Tag.SAR_TOTAL_SEGMENTS] = bytes((concat.parts,))
    sm.tlvs[Tag.SAR_SEGMENT_SEQNUM] = bytes((concat.part,))
    return b""


def _fits(header: int, text: int, part: Part, coding: int) -> bool:
    """Into one segment on the air. The far side writes the header of sar_* itself: six octets."""
    header = header or (6 if part.parts > 1 else 0)
    if coding == DataCoding.UCS2:
        return header + text <= SEGMENT_OCTETS
    return text <= SEGMENT_SEPTETS - -(-header * 8 // 7)  # in Latin-1 too: the far side packs it into septets
