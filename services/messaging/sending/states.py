"""The states of a text: which may follow which, and who moves it. The SQL's CHECKs and guards are compared with this by tests/house.

An end state is never left. `in_doubt` may be settled later by a receipt, a late answer or an operator, and ages out into `expired`.
"""

from __future__ import annotations

from libs.common.contracts.messaging import State

NEXT: dict[State, dict[State, str]] = {
    State.QUEUED: {
        State.SUBMITTING: "submitting: claimed for a carrier",
        State.SUPPRESSED: "submitting, or suppressions: the number is opted out",
        State.EXPIRED: "submitting: its time was over before it could be sent",
        State.CANCELLED: "sending: its company cancelled it, or its campaign was stopped",
        State.REJECTED: "sending: no carrier is for such texts",
    },
    State.SUBMITTING: {
        State.SUBMITTED: "submitting: the carrier took it",
        State.QUEUED: "submitting: the carrier surely did not take it, and may later",
        State.REJECTED: "submitting: the carrier will not take it",
        State.EXPIRED: "submitting: not taken in time",
        State.SUPPRESSED: "submitting: a STOP came before the write",
        State.IN_DOUBT: "submitting: no answer, or the worker died",
        State.DELIVERED: "receipts: a receipt overtook the answer",
        State.FAILED: "submitting: the carrier took some parts and refused others; receipts: a receipt overtook the answer",
    },
    State.SUBMITTED: {
        State.DELIVERED: "receipts",
        State.FAILED: "receipts",
        State.EXPIRED: "receipts, or none came in time",
    },
    State.IN_DOUBT: {
        State.SUBMITTED: "receipts: a late answer",
        State.QUEUED: "doubts: tried once more, where its company chose so and the session is surely dead",
        State.REJECTED: "receipts: a late answer says it will not be taken",
        State.DELIVERED: "receipts, or an operator",
        State.FAILED: "receipts, or an operator",
        State.EXPIRED: "receipts, an operator, or it aged out",
    },
}

OPEN = frozenset(NEXT)
END = frozenset(State) - OPEN
