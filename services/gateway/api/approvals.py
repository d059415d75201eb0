"""/v2/admin, headers' approval: who may use a protected name, on what evidence; the brand a header speaks for; the names that are protected."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field

from libs.common.contracts.auth import Name
from libs.common.contracts.base import Code
from libs.common.contracts.senders import (
    ApproveHeader,
    Evidence,
    HeaderDecision,
    ListProtectedNames,
    ProtectName,
    ReadHeaderDecisions,
    RejectHeader,
    SetHeaderBrand,
    UnprotectName,
)
from services.gateway.api.admin import CHANGING, NameInPath
from services.gateway.api.call import Reading, Writing
from services.gateway.api.inputs import Body, CompanyKey
from services.gateway.api.limits import SmallBody
from services.gateway.api.pages import Page, page
from services.gateway.api.problems import refuses

router = APIRouter(prefix="/v2/admin", tags=["admin"], route_class=SmallBody)


class Decision(Body):
    approved: bool
    evidence: Annotated[Evidence, Field(description="What shows it, and where it is kept; or why not.")]


class HeaderBrand(Body):
    brand: Name | Literal[""]


class ProtectedName(Body):
    name: str = Field(min_length=2, max_length=11, pattern=r"^[A-Za-z0-9 .&_-]+$")


@router.post("/companies/{company_id}/headers/{header}/decisions", status_code=204, responses=CHANGING)
async def decide_header(call: Writing, company_id: CompanyKey, header: NameInPath, decision: Decision) -> None:
    """Lets the company use the name, or not. Written down with who decided and when, never changed."""
    ask = ApproveHeader if decision.approved else RejectHeader
    await call.ask(ask(company_id=company_id, header=header, evidence=decision.evidence))


@router.get("/companies/{company_id}/headers/{header}/decisions", responses=refuses(Code.PERMISSION_DENIED))
async def list_header_decisions(call: Reading, company_id: CompanyKey, header: NameInPath) -> Page[HeaderDecision]:
    """All there were about the header, oldest first."""
    return page((await call.ask(ReadHeaderDecisions(company_id=company_id, header=header))).items)


@router.put("/companies/{company_id}/headers/{header}/brand", status_code=204, responses=CHANGING)
async def set_header_brand(call: Writing, company_id: CompanyKey, header: NameInPath, new: HeaderBrand) -> None:
    """The brand it speaks for, one of the company's; empty for none."""
    await call.ask(SetHeaderBrand(company_id=company_id, header=header, brand=new.brand))


@router.get("/protected-names", responses=refuses(Code.PERMISSION_DENIED))
async def list_protected_names(call: Reading) -> Page[str]:
    """Those that operators added to the country's."""
    return page((await call.ask(ListProtectedNames())).items)


@router.post("/protected-names", status_code=204, responses=refuses(Code.PERMISSION_DENIED, Code.DUPLICATE))
async def protect_name(call: Writing, new: ProtectedName) -> None:
    """From now on a header that is the name, or looks like it, needs approval."""
    await call.ask(ProtectName(name=new.name))


@router.delete("/protected-names/{name}", status_code=204, responses=CHANGING)
async def unprotect_name(call: Reading, name: NameInPath) -> None:
    """Only one that an operator added."""
    await call.ask(UnprotectName(name=name))
