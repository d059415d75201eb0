"""The embedded carrier's words, and ours for them.

Owns the tables. Source: services/simulator/protocol.md, sections 3, 4 and 6. A word that is not in a table becomes
UNLISTED and is kept as received, never somebody else's.
"""

from services.messaging.carriers.carrier import Failure, ReceiptStatus, Refusal

REFUSALS = {
    "bad_number": Refusal.BAD_NUMBER,
    "bad_sender": Refusal.BAD_SENDER,
    "bad_text": Refusal.BAD_TEXT,
    "throttled": Refusal.THROTTLED,
    "queue_full": Refusal.QUEUE_FULL,
    "blocked": Refusal.BLOCKED,
}

STATUSES = {
    "accepted": ReceiptStatus.ACCEPTED,
    "delivered": ReceiptStatus.DELIVERED,
    "failed": ReceiptStatus.FAILED,
    "expired": ReceiptStatus.EXPIRED,
}

# Of a failed text's `error`: what it says of the number. One that is not here says nothing.
FAILURES = {
    "absent_subscriber": Failure.TEMPORARY,
    "memory_full": Failure.TEMPORARY,
    "call_barred": Failure.PERMANENT,
    "unknown_subscriber": Failure.PERMANENT,
}
