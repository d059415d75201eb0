"""Companies, their headers and brands: made by an operator, told to those who send and receive by them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from libs.common import phone
from libs.common.bus import Asked
from libs.common.contracts.auth import Created, Folder, Strings, User
from libs.common.contracts.base import Code, Done, Refusal
from libs.common.contracts.companies import Companies, Company, CreateCompany, ListCompanies
from libs.common.contracts.senders import (
    ActiveBrands,
    ActiveHeaders,
    AddBrand,
    AddHeader,
    ApproveHeader,
    Brand,
    BrandsChanged,
    Header,
    HeaderDecisions,
    HeadersChanged,
    ListProtectedNames,
    ProtectName,
    ReadHeaderDecisions,
    RejectHeader,
    SetBrandActive,
    SetHeaderActive,
    SetHeaderBrand,
    UnprotectName,
)
from libs.common.countries.senders import skeleton
from libs.common.db import Tx
from libs.common.db.pool import Record
from services.auth.company import rules, store
from services.auth.folders import store as folders
from services.auth.names import name_key
from services.auth.people import store as people

COMPANIES_MAX = 100  # a page, each whole

NO_COMPANY = "there is no such company"
NO_HEADER = "the company has no such header"


async def create_company(tx: Tx, ask: Asked[CreateCompany]) -> Created:
    company_id = await store.insert_company(tx, ask.body.name, name_key(ask.body.name))
    if company_id is None:
        raise Refusal(Code.DUPLICATE, "a company is called so")
    return Created(id=company_id)


async def add_header(tx: Tx, ask: Asked[AddHeader]) -> Header:
    company_id = ask.body.company_id
    header = rules.canonical_header(ask.body.header)
    if not await store.exists(tx, company_id):
        raise Refusal(Code.NOT_FOUND, NO_COMPANY)

    key, shared = phone.sender_key(header), ask.body.shared
    if rules.is_number(header):
        if not await store.settle_number(tx, key, shared):
            raise Refusal(Code.DUPLICATE, "a company has this number as its own" if shared else "this number is shared")
    elif shared:
        raise Refusal(Code.INVALID_REQUEST, "only a number is shared or not: any company may add a name")
    approval = rules.approval(header, await store.protected_names(tx))
    added = await store.insert_header(tx, company_id, key, header, shared, approval)
    if added is None:
        raise Refusal(Code.DUPLICATE, "the company has this header, or it is another company's number")
    tx.emit(HeadersChanged(company_id=company_id, items=[added]))
    return added


async def set_header_active(tx: Tx, ask: Asked[SetHeaderActive]) -> Done:
    header = await _locked(tx, ask.body)
    if ask.body.active and header.approval != "approved":
        raise Refusal(Code.WRONG_STATE, f"the header is {header.approval}: it needs approval, with evidence")
    await _change(tx, ask.body, header, active=ask.body.active)
    return Done()


async def set_header_brand(tx: Tx, ask: Asked[SetHeaderBrand]) -> Done:
    header = await _locked(tx, ask.body)
    brand = await store.brand_name(tx, ask.body.company_id, name_key(ask.body.brand)) if ask.body.brand else ""
    if brand is None:
        raise Refusal(Code.NOT_FOUND, "the company has no such brand")
    await _change(tx, ask.body, header, brand=brand)
    return Done()


async def approve_header(tx: Tx, ask: Asked[ApproveHeader]) -> Done:
    header = await _decided(tx, ask, approved=True)
    active = header.active or header.approval != "approved"  # one that was switched off by hand stays so
    await _change(tx, ask.body, header, approval="approved", active=active)
    return Done()


async def reject_header(tx: Tx, ask: Asked[RejectHeader]) -> Done:
    header = await _decided(tx, ask, approved=False)
    await _change(tx, ask.body, header, approval="rejected", active=False)
    return Done()


async def _decided(tx: Tx, ask: Asked[ApproveHeader] | Asked[RejectHeader], *, approved: bool) -> Header:
    """The header as it was, with the decision about it written down."""
    header = await _locked(tx, ask.body)
    key = phone.sender_key(ask.body.header)
    await store.insert_decision(tx, ask.body.company_id, key, approved, ask.body.evidence, ask.caller.user_id)
    return header


OfHeader = SetHeaderActive | SetHeaderBrand | ApproveHeader | RejectHeader


async def _locked(tx: Tx, ask: OfHeader) -> Header:
    header = await store.lock_header(tx, ask.company_id, phone.sender_key(ask.header))
    if header is None:
        raise Refusal(Code.NOT_FOUND, NO_HEADER)
    return header


async def _change(tx: Tx, ask: OfHeader, header: Header, **changes: object) -> None:
    """Keeps and announces the change, if it is one."""
    wanted = header.model_copy(update=changes)
    if wanted != header:
        changed = await store.change_header(tx, ask.company_id, phone.sender_key(ask.header), wanted)
        tx.emit(HeadersChanged(company_id=ask.company_id, items=[changed]))


async def read_header_decisions(tx: Tx, ask: Asked[ReadHeaderDecisions]) -> HeaderDecisions:
    return HeaderDecisions(items=await store.decisions_of(tx, ask.body.company_id, phone.sender_key(ask.body.header)))


async def protect_name(tx: Tx, ask: Asked[ProtectName]) -> Done:
    if not await store.protect(tx, skeleton(ask.body.name), ask.body.name.strip()):
        raise Refusal(Code.DUPLICATE, "this name, or one that looks the same, is protected")
    return Done()


async def unprotect_name(tx: Tx, ask: Asked[UnprotectName]) -> Done:
    if not await store.unprotect(tx, skeleton(ask.body.name)):
        raise Refusal(Code.NOT_FOUND, "no operator has protected this name")
    return Done()


async def list_protected_names(tx: Tx, _: Asked[ListProtectedNames]) -> Strings:
    return Strings(items=await store.protected_names(tx))


async def add_brand(tx: Tx, ask: Asked[AddBrand]) -> Done:
    company_id = ask.body.company_id
    if not await store.exists(tx, company_id):
        raise Refusal(Code.NOT_FOUND, NO_COMPANY)

    added = await store.insert_brand(tx, company_id, name_key(ask.body.name), ask.body.name)
    if added is None:
        raise Refusal(Code.DUPLICATE, "the company has a brand that is called so")
    tx.emit(BrandsChanged(company_id=company_id, items=[added]))
    return Done()


async def set_brand_active(tx: Tx, ask: Asked[SetBrandActive]) -> Done:
    company_id, key = ask.body.company_id, name_key(ask.body.name)
    changed = await store.set_brand_active_if_other(tx, company_id, key, ask.body.active)
    if changed:
        tx.emit(BrandsChanged(company_id=company_id, items=[changed]))
    elif await store.brand_name(tx, company_id, key) is None:
        raise Refusal(Code.NOT_FOUND, "the company has no such brand")
    return Done()


async def active_headers(tx: Tx, asked: Sequence[Asked[ActiveHeaders]]) -> list[Strings | Refusal]:
    of_company = _by_company(await store.headers_of(tx, list({one.caller.company_id for one in asked})))
    return [
        Strings(items=[row["header"] for row in of_company[one.caller.company_id] if row["active"]]) for one in asked
    ]


async def active_brands(tx: Tx, asked: Sequence[Asked[ActiveBrands]]) -> list[Strings | Refusal]:
    of_company = _by_company(await store.brands_of(tx, list({one.caller.company_id for one in asked})))
    return [Strings(items=[row["name"] for row in of_company[one.caller.company_id] if row["active"]]) for one in asked]


async def list_companies(tx: Tx, ask: Asked[ListCompanies]) -> Companies:
    key = name_key(ask.body.name) if ask.body.name else None
    rows = await store.companies(tx, ask.body.after, key, COMPANIES_MAX + 1)
    page = rows[:COMPANIES_MAX]
    ids = [row["id"] for row in page]
    users = _by_company(await people.users_of(tx, ids))
    headers = _by_company(await store.headers_of(tx, ids))
    brands = _by_company(await store.brands_of(tx, ids))
    tree = _by_company(await folders.folders_of(tx, ids))
    items = [
        Company(
            id=row["id"],
            name=row["name"],
            users=[User(**user) for user in users[row["id"]]],
            headers=[Header(**header) for header in headers[row["id"]]],
            brands=[Brand(**brand) for brand in brands[row["id"]]],
            folders=[Folder(**folder) for folder in tree[row["id"]]],
        )
        for row in page
    ]
    return Companies(items=items, more=len(rows) > len(page))


def _by_company(rows: Sequence[Record]) -> dict[int, list[Record]]:
    grouped: dict[int, list[Record]] = defaultdict(list)
    for row in rows:
        grouped[row["company_id"]].append(row)
    return grouped
