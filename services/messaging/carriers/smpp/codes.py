"""SMPP's statuses, message states and receipts' errors, and ours for them.

Owns the tables, each with its source. A status that is not in a table becomes UNLISTED and keeps its number; an error that is not in one
says nothing of the number it was sent to.
"""

from libs.common.smpp import MessageState, Status, describe
from services.messaging.carriers.carrier import Failure, ReceiptStatus, Refusal, Refused, Unknown

# SMPP 3.4, 5.1.3, as the answer to a submit_sm. An answer with an error gives no message id (4.4.2): the text was not taken, and trying again cannot
# double it. None: the specification does not say that, so it may have been taken.
SUBMIT: dict[int, Refusal | None] = {
    Status.ESME_RINVMSGLEN: Refusal.BAD_TEXT,
    Status.ESME_RINVCMDLEN: Refusal.BAD_TEXT,
    Status.ESME_RINVCMDID: Refusal.NOT_ALLOWED,
    Status.ESME_RINVBNDSTS: Refusal.BUSY,  # the far side has lost our bind: see UNBOUND
    Status.ESME_RALYBND: Refusal.NOT_ALLOWED,
    Status.ESME_RINVPRTFLG: Refusal.NOT_ALLOWED,
    Status.ESME_RINVREGDLVFLG: Refusal.NOT_ALLOWED,
    Status.ESME_RSYSERR: Refusal.BUSY,
    Status.ESME_RINVSRCADR: Refusal.BAD_SENDER,
    Status.ESME_RINVDSTADR: Refusal.BAD_NUMBER,
    Status.ESME_RINVMSGID: Refusal.NOT_ALLOWED,
    Status.ESME_RBINDFAIL: Refusal.NOT_ALLOWED,
    Status.ESME_RINVPASWD: Refusal.NOT_ALLOWED,
    Status.ESME_RINVSYSID: Refusal.NOT_ALLOWED,
    Status.ESME_RCANCELFAIL: Refusal.NOT_ALLOWED,
    Status.ESME_RREPLACEFAIL: Refusal.NOT_ALLOWED,
    Status.ESME_RMSGQFUL: Refusal.QUEUE_FULL,
    Status.ESME_RINVSERTYP: Refusal.NOT_ALLOWED,
    Status.ESME_RINVNUMDESTS: Refusal.BAD_NUMBER,
    Status.ESME_RINVDLNAME: Refusal.BAD_NUMBER,
    Status.ESME_RINVDESTFLAG: Refusal.BAD_NUMBER,
    Status.ESME_RINVSUBREP: Refusal.NOT_ALLOWED,
    Status.ESME_RINVESMCLASS: Refusal.NOT_ALLOWED,
    Status.ESME_RCNTSUBDL: Refusal.NOT_ALLOWED,
    Status.ESME_RSUBMITFAIL: Refusal.BUSY,  # "submit_sm failed", and nothing of why: it may work later
    Status.ESME_RINVSRCTON: Refusal.BAD_SENDER,
    Status.ESME_RINVSRCNPI: Refusal.BAD_SENDER,
    Status.ESME_RINVDSTTON: Refusal.BAD_NUMBER,
    Status.ESME_RINVDSTNPI: Refusal.BAD_NUMBER,
    Status.ESME_RINVSYSTYP: Refusal.NOT_ALLOWED,
    Status.ESME_RINVREPFLAG: Refusal.NOT_ALLOWED,
    Status.ESME_RINVNUMMSGS: Refusal.NOT_ALLOWED,
    Status.ESME_RTHROTTLED: Refusal.THROTTLED,
    Status.ESME_RINVSCHED: Refusal.NOT_ALLOWED,
    Status.ESME_RINVEXPIRY: Refusal.NOT_ALLOWED,
    Status.ESME_RINVDFTMSGID: Refusal.NOT_ALLOWED,
    Status.ESME_RX_T_APPN: Refusal.BUSY,
    Status.ESME_RX_P_APPN: Refusal.NOT_ALLOWED,
    Status.ESME_RX_R_APPN: Refusal.NOT_ALLOWED,
    Status.ESME_RQUERYFAIL: Refusal.NOT_ALLOWED,
    Status.ESME_RINVOPTPARSTREAM: Refusal.BAD_TEXT,
    Status.ESME_ROPTPARNOTALLWD: Refusal.NOT_ALLOWED,
    Status.ESME_RINVPARLEN: Refusal.BAD_TEXT,
    Status.ESME_RMISSINGOPTPARAM: Refusal.NOT_ALLOWED,
    Status.ESME_RINVOPTPARAMVAL: Refusal.NOT_ALLOWED,
    Status.ESME_RDELIVERYFAILURE: None,  # of a delivery that was tried: it may have been reached
    Status.ESME_RUNKNOWNERR: None,
}
# Of what waiting mends; the others are refused for good.
RETRY_AFTER_S = {
    Refusal.THROTTLED: 1.0,
    Refusal.QUEUE_FULL: 5.0,
    Refusal.BUSY: 30.0,
}
SLOW_DOWN = frozenset({Status.ESME_RTHROTTLED, Status.ESME_RMSGQFUL})
UNBOUND = Status.ESME_RINVBNDSTS
# Refusals of a bind which come again until somebody changes something: asked for rarely, since some carriers lock an account after a few.
WRONG_ACCOUNT = frozenset({Status.ESME_RINVPASWD, Status.ESME_RINVSYSID, Status.ESME_RINVSYSTYP, Status.ESME_RBINDFAIL})

# SMPP 3.4, 5.2.28. UNKNOWN, "the message is in an invalid state", tells nothing and is not an end: it stays UNLISTED.
STATES = {
    MessageState.ENROUTE: ReceiptStatus.ACCEPTED,
    MessageState.ACCEPTED: ReceiptStatus.ACCEPTED,
    MessageState.DELIVERED: ReceiptStatus.DELIVERED,
    MessageState.EXPIRED: ReceiptStatus.EXPIRED,
    MessageState.DELETED: ReceiptStatus.FAILED,
    MessageState.UNDELIVERABLE: ReceiptStatus.FAILED,
    MessageState.REJECTED: ReceiptStatus.FAILED,
}

# MAP's user errors by their local values: 3GPP TS 29.002, 17.6. What TS 23.040, 3.3, says of each: permanent or temporary.
MAP_ERRORS = {
    1: Failure.PERMANENT,  # unknownSubscriber
    5: Failure.PERMANENT,  # unidentifiedSubscriber
    6: Failure.TEMPORARY,  # absentSubscriberSM
    8: Failure.TEMPORARY,  # roamingNotAllowed
    9: Failure.PERMANENT,  # illegalSubscriber
    10: Failure.PERMANENT,  # bearerServiceNotProvisioned
    11: Failure.PERMANENT,  # teleserviceNotProvisioned
    12: Failure.PERMANENT,  # illegalEquipment
    13: Failure.PERMANENT,  # callBarred
    21: Failure.TEMPORARY,  # facilityNotSupported: by where the handset is now
    27: Failure.TEMPORARY,  # absentSubscriber
    31: Failure.TEMPORARY,  # subscriberBusyForMT-SMS
    32: Failure.TEMPORARY,  # sm-DeliveryFailure: memory full, equipment error
    33: Failure.TEMPORARY,  # messageWaitingListFull
    34: Failure.TEMPORARY,  # systemFailure
}
GSM_NETWORK = 3  # 5.3.2.31, network_error_code: the type of network whose codes are MAP's


def refused(status: int) -> Refused | Unknown:
    """The answer to a part whose submit_sm_resp (or generic_nack) has this status, which is not ESME_ROK."""
    code = describe(status)
    reason = SUBMIT.get(status, Refusal.UNLISTED)
    if reason is None:
        return Unknown(code)
    return Refused(reason, RETRY_AFTER_S.get(reason), code)
