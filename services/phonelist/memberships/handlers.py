"""Memberships: people put themselves on lists and take themselves off by texting in.

Owns nothing of the lists themselves: who is on one already stays, with all that is known of them. A list that the company has not is passed over:
the text-in outlived it.
"""

from __future__ import annotations

import structlog

from libs.common.contracts.inbound import MembershipsWanted
from libs.common.contracts.phonelist import Entry
from libs.common.db import Tx
from services.phonelist import entries
from services.phonelist.lists import store as lists
from services.phonelist.memberships import rules, store

log = structlog.get_logger()


async def wanted(tx: Tx, event: MembershipsWanted) -> None:
    """List by list in the order of their ids, so that two copies never wait for each other."""
    for list_id, wishes in rules.newest(event.items).items():
        if not await lists.lock(tx, event.company_id, list_id):
            log.warning("memberships_of_no_list", company=event.company_id, list=list_id, wishes=len(wishes))
            continue
        held = await store.keep_newest(tx, list_id, wishes)
        joining, _ = entries.check([Entry(phone_number=wish.number) for wish in held if wish.joins], first_line=1)
        await lists.add(tx, list_id, joining)
        await store.remove(tx, list_id, [wish.number for wish in held if not wish.joins])
