"""/v2/headers, /v2/brands, /v2/folders: what the caller's company sends as and files things in. Operators make them: see /v2/admin."""

from __future__ import annotations

from fastapi import APIRouter

from libs.common.contracts.auth import Folder, ReadFolders
from libs.common.contracts.senders import ActiveBrands, ActiveHeaders
from services.gateway.api.call import Reading
from services.gateway.api.limits import SmallBody
from services.gateway.api.pages import Page, page
from services.gateway.api.problems import refuses

router = APIRouter(prefix="/v2", tags=["company"], route_class=SmallBody)


@router.get("/headers", responses=refuses())
async def list_headers(call: Reading) -> Page[str]:
    """The numbers and names that you may send from now: all of them."""
    return page((await call.ask(ActiveHeaders())).items)


@router.get("/brands", responses=refuses())
async def list_brands(call: Reading) -> Page[str]:
    """The brands that a campaign may name now: all of them."""
    return page((await call.ask(ActiveBrands())).items)


@router.get("/folders", responses=refuses())
async def list_folders(call: Reading) -> Page[Folder]:
    """The tree of folders, all of it. `parent_id` 0: it stands in the root, which is no folder of its own."""
    return page((await call.ask(ReadFolders())).items)
