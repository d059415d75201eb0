"""api/Company: what a company may send as."""

from __future__ import annotations

from libs.common.contracts.senders import ActiveBrands, ActiveHeaders
from services.gateway.documented.call import Call


async def get_headers(call: Call) -> object:
    return (await call.ask(ActiveHeaders())).items


async def get_brands(call: Call) -> object:
    return (await call.ask(ActiveBrands())).items
