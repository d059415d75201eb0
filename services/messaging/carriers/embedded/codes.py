"""The embedded carrier's words, and ours for them.

Owns the two tables. Source: services/simulator/protocol.md, sections 3 and 4. A word that is not in a table becomes
UNLISTED and is kept as received, never somebody else's.
"""

from services.messaging.carriers.carrier import ReceiptStatus, Refusal

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
