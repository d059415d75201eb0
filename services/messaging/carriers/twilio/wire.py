"""The message API's words: a form out, JSON back; signed forms in.

Owns values to requests and answers to values; every field from outside is checked here. Does no I/O.
Source: twilio.com/docs/messaging/api/message-resource, twilio.com/docs/usage/security (signatures).
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, urlencode
from uuid import UUID

import orjson

from services.messaging.carriers.carrier import (
    Answer,
    Arrived,
    Failure,
    Part,
    Receipt,
    ReceiptStatus,
    Refused,
    Taken,
    Unknown,
)
from services.messaging.carriers.http import Answered, by_status
from services.messaging.carriers.twilio.codes import FAILURES, REFUSALS, RETRY_AFTER_S, STATUSES, VALIDITY_EXPIRED

STATUS_PATH, INBOUND_PATH = "status", "inbound"
VALIDITY_S_MAX = 36_000  # error 90007
FIELDS_MAX = 200

Fields = Sequence[tuple[str, str]]


def form(part: Part, messaging_service_sid: str | None, callbacks_url: str) -> bytes:
    """Raises UnicodeEncodeError where the body is no text."""
    sender = {"MessagingServiceSid": messaging_service_sid} if messaging_service_sid else {"From": part.sender}
    fields = {"To": part.number, **sender, "Body": part.body}
    fields["ValidityPeriod"] = str(max(1, min(part.validity_s, VALIDITY_S_MAX)))
    if callbacks_url:
        fields["StatusCallback"] = f"{callbacks_url}/{STATUS_PATH}?text={part.text_id}"
    return urlencode(fields, quote_via=quote).encode()


def answer(answered: Answered) -> Answer:
    """201 with a sid is taken; an error code of the table is refused; else what the status says (http.by_status)."""
    content = _json_object(answered.body)
    if 200 <= answered.status < 300:
        sid = content.get("sid")
        return Taken(sid) if isinstance(sid, str) and sid else Unknown("taken, and no sid in the answer")
    code = content.get("code")
    by_its_status = by_status(answered, str(code) if isinstance(code, int) else None)
    reason = REFUSALS.get(code) if isinstance(code, int) else None
    if reason is None:
        return by_its_status
    retry_after_s = by_its_status.retry_after_s if isinstance(by_its_status, Refused) else None
    return Refused(
        reason, retry_after_s if reason in RETRY_AFTER_S and retry_after_s else RETRY_AFTER_S.get(reason), str(code)
    )


def queried(answered: Answered, at: datetime) -> Receipt | None:
    """What a GET of a message says; None where it says nothing that can be read."""
    content = _json_object(answered.body)
    sid, status = content.get("sid"), content.get("status")
    if answered.status != 200 or not isinstance(sid, str) or not isinstance(status, str):
        return None
    code = content.get("error_code")
    return _receipt(
        sid,
        status,
        "" if code is None else str(code),
        _time(content.get("date_updated"), at),
        str(content.get("to") or ""),
    )


def signature(token: str, url: str, fields: Fields) -> str:
    """HMAC-SHA1 over the address and each field's name and value, sorted, a repeated pair once."""
    signed = url + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.digest(token.encode(), signed.encode("utf-8", "surrogatepass"), hashlib.sha1)).decode()


def signed_by(token: str, url: str, fields: Fields, given: str) -> bool:
    return hmac.compare_digest(signature(token, url, fields).encode(), given.encode("utf-8", "surrogatepass"))


def fields_of(body: bytes) -> list[tuple[str, str]]:
    """The fields of a form. Raises ValueError."""
    return parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX)


def receipt(fields: Mapping[str, str], query: str, at: datetime, raw: str) -> Receipt:
    """Raises ValueError."""
    sid = _required(fields, "MessageSid", "SmsSid")
    status = _required(fields, "MessageStatus", "SmsStatus")
    return _receipt(sid, status, fields.get("ErrorCode", ""), at, fields.get("To", ""), _text_id(query), raw)


def arrived(fields: Mapping[str, str], at: datetime) -> Arrived:
    """The far side has put the parts of a long text together. Raises ValueError."""
    sid = _required(fields, "MessageSid", "SmsSid")
    return Arrived(sid, _required(fields, "From"), _required(fields, "To"), fields.get("Body", ""), at)


def _receipt(
    sid: str, word: str, code: str, at: datetime, number: str, text_id: UUID | None = None, raw: str = ""
) -> Receipt:
    status = STATUSES.get(word, ReceiptStatus.UNLISTED)
    if status is ReceiptStatus.UNLISTED:
        code = word
    elif status is ReceiptStatus.FAILED and code == VALIDITY_EXPIRED:
        status = ReceiptStatus.EXPIRED
    failure = FAILURES.get(code, Failure.UNKNOWN)
    return Receipt(sid, status, at, code or None, text_id=text_id, failure=failure, raw=raw, number=number)


def _required(fields: Mapping[str, str], *names: str) -> str:
    for name in names:
        if fields.get(name):
            return fields[name]
    raise ValueError(f"no {names[0]}")


def _text_id(query: str) -> UUID | None:
    """None where it is not one of ours: a status callback of another client of the account, or of a text sent by hand."""
    try:
        return UUID(parse_qs(query)["text"][0])
    except (KeyError, ValueError):
        return None


def _time(value: Any, otherwise: datetime) -> datetime:
    try:
        at = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return otherwise
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
