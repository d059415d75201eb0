"""Replies: a text of ours that answers one is told to messaging, which sends it, in the transaction that keeps what it answers.

Never answers for ever: the loop guard (rules.py) has its say on each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from libs.common.batches import in_messages
from libs.common.contracts.inbound import RepliesWanted, Reply
from libs.common.db import Tx
from libs.common.ids import uuid7
from services.inbound.replies import rules, store
from services.inbound.replies.rules import Answer


async def answer(tx: Tx, answers: Sequence[Answer]) -> list[Answer]:
    """Lets those go out that the guard lets through, and says which. Once a transaction: it holds numbers, in one order, until the end."""
    asked = rules.to_people(answers)
    if not asked:
        return []
    pasts, now = await store.lock_pasts(tx, map(rules.pair, asked))
    allowed, after = rules.guarded(asked, pasts, now)
    await store.set_pasts(tx, after)
    want(tx, allowed)
    return allowed


def want(tx: Tx, answers: Sequence[Answer]) -> None:
    """Tells messaging to send them, without the guard: a forward is no answer, and who gets it asked for each."""
    by_company: dict[int, list[Reply]] = defaultdict(list)
    for one in answers:
        by_company[one.company_id].append(
            Reply(id=uuid7(), to=one.number, sender=one.header, body=one.body, exempt=one.exempt)
        )
    for company_id, replies in by_company.items():
        for some in in_messages(replies, lambda reply: len(reply.body)):
            tx.emit(RepliesWanted(company_id=company_id, items=list(some)))
