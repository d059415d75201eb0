"""Twilio's error codes and message statuses, and ours for them.

Source: Twilio's Error and Warning Dictionary (twilio.com/docs/api/errors, one page a code) and the Messages resource (twilio.com/docs/messaging/api/
message-resource), as of 2026-11. A code that is not in a table becomes UNLISTED (of a receipt: UNKNOWN) and is kept as received.
"""

from services.messaging.carriers.carrier import Failure, ReceiptStatus, Refusal

# In the answer to a POST. Each is said before the message is made, so that trying again cannot double it.
REFUSALS = {
    10001: Refusal.NOT_ALLOWED,  # account is not active
    20003: Refusal.NOT_CONNECTED,  # authentication failed: wrong, rotated or revoked token
    20005: Refusal.NOT_ALLOWED,  # account is not active
    20403: Refusal.NOT_ALLOWED,  # forbidden
    20404: Refusal.NOT_ALLOWED,  # no such account or service
    20429: Refusal.THROTTLED,  # too many requests at a time
    21211: Refusal.BAD_NUMBER,  # 'To' is not a number
    21212: Refusal.BAD_SENDER,  # 'From' is not a number or sender id
    21263: Refusal.BAD_NUMBER,  # 'To' is a short code
    21264: Refusal.BAD_NUMBER,  # 'From' is a short code of another country
    21265: Refusal.BAD_NUMBER,  # 'To' cannot be a short code
    21266: Refusal.BAD_NUMBER,  # 'To' and 'From' are the same
    21267: Refusal.BAD_SENDER,  # letters as 'From' on a trial account
    21268: Refusal.BAD_NUMBER,  # 'To' is a premium or information service
    21408: Refusal.NOT_ALLOWED,  # no permission for this country
    21601: Refusal.BAD_SENDER,  # 'From' cannot send texts
    21602: Refusal.BAD_TEXT,  # no body
    21603: Refusal.BAD_SENDER,  # no 'From'
    21604: Refusal.BAD_NUMBER,  # no 'To'
    21605: Refusal.BAD_TEXT,  # body too long
    21606: Refusal.BAD_SENDER,  # 'From' is not the account's
    21608: Refusal.NOT_ALLOWED,  # a trial account may text verified numbers only
    21609: Refusal.NOT_ALLOWED,  # StatusCallback is no valid address: HELIOGRAPH's own public address is wrong
    21610: Refusal.BLOCKED,  # the handset has opted out on their side
    21611: Refusal.QUEUE_FULL,  # 'From' has more in its queue than it may
    21612: Refusal.NOT_ALLOWED,  # 'To' cannot be reached from this 'From': no route
    21614: Refusal.BAD_NUMBER,  # 'To' is no mobile number
    21617: Refusal.BAD_TEXT,  # more than 1,600 characters
    21618: Refusal.BAD_TEXT,  # body cannot be sent
    21619: Refusal.BAD_TEXT,  # neither body nor media
    21624: Refusal.NOT_ALLOWED,  # ValidityPeriod out of range
    21635: Refusal.BAD_NUMBER,  # 'To' is a landline
    21659: Refusal.BAD_SENDER,  # 'From' is not a Twilio number
    21660: Refusal.BAD_SENDER,  # 'From' belongs to another account
    21661: Refusal.BAD_SENDER,  # 'From' cannot send texts
    21701: Refusal.NOT_ALLOWED,  # no such messaging service
    21703: Refusal.BAD_SENDER,  # the messaging service has no numbers
    21704: Refusal.BAD_SENDER,  # the messaging service has no numbers
    21730: Refusal.BUSY,  # under maintenance
    30001: Refusal.QUEUE_FULL,  # queue overflow
    30002: Refusal.NOT_ALLOWED,  # account suspended
    90007: Refusal.NOT_ALLOWED,  # validity period out of range
}
RETRY_AFTER_S = {
    Refusal.NOT_CONNECTED: 30.0,
    Refusal.THROTTLED: 1.0,
    Refusal.QUEUE_FULL: 5.0,
    Refusal.BUSY: 30.0,
}  # where no Retry-After says; the others are refused for good

STATUSES = {
    "accepted": ReceiptStatus.ACCEPTED,
    "scheduled": ReceiptStatus.ACCEPTED,
    "queued": ReceiptStatus.ACCEPTED,
    "sending": ReceiptStatus.ACCEPTED,
    "sent": ReceiptStatus.ACCEPTED,  # the network has it, and the handset not yet
    "delivered": ReceiptStatus.DELIVERED,
    "read": ReceiptStatus.DELIVERED,
    "undelivered": ReceiptStatus.FAILED,
    "failed": ReceiptStatus.FAILED,
    "canceled": ReceiptStatus.FAILED,
}
VALIDITY_EXPIRED = "30036"  # status failed, and yet nothing is wrong with the number

# ErrorCode of a text that failed later: what it says of the number.
FAILURES = {
    "21610": Failure.PERMANENT,  # opted out on their side, found out by the messaging service
    "30001": Failure.TEMPORARY,  # queue overflow
    "30003": Failure.TEMPORARY,  # unreachable: off, or out of coverage
    "30004": Failure.PERMANENT,  # barred: by the network or by the subscriber
    "30005": Failure.PERMANENT,  # unknown: no such subscriber any more
    "30006": Failure.PERMANENT,  # a landline, or a network that cannot be reached
    "30008": Failure.UNKNOWN,  # the network gave no reason
    "30017": Failure.TEMPORARY,  # congestion in the network
    "30410": Failure.TEMPORARY,  # the network did not answer in time
}
