"""What auth tells about companies: the headers they may send with, their brands, their folders; and messaging, of their policies.

Owns the projections that a new campaign is checked against. Applies only a higher version, so order and repeats of events do not matter.
"""

from __future__ import annotations

from libs.common.contracts.auth import FoldersChanged
from libs.common.contracts.policies import PolicyChanged
from libs.common.contracts.senders import BrandsChanged, HeadersChanged
from libs.common.db import Tx
from services.campaign.company import store


async def headers_changed(tx: Tx, event: HeadersChanged) -> None:
    await store.put_headers_if_newer(tx, event.company_id, event.items)


async def brands_changed(tx: Tx, event: BrandsChanged) -> None:
    await store.put_brands_if_newer(tx, event.company_id, event.items)


async def folders_changed(tx: Tx, event: FoldersChanged) -> None:
    await store.put_folders_if_newer(tx, event.company_id, event.items)


async def policy_changed(tx: Tx, event: PolicyChanged) -> None:
    await store.put_policy_if_newer(tx, event)
