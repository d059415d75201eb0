"""/v2/admin: provisioning, by users who may `administer`. Who may what is decided by the owners; nothing is checked here."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import AfterValidator, ConfigDict, Field

from libs.common.contracts.auth import (
    Created,
    CreateFolder,
    CreateUser,
    Id,
    Name,
    Password,
    Permission,
    SetPassword,
    SetPermissions,
    SetUserActive,
)
from libs.common.contracts.base import Code
from libs.common.contracts.companies import Company, CreateCompany, ListCompanies
from libs.common.contracts.inbound import CreateTextIn, SetTextInActive, TextIn
from libs.common.contracts.senders import AddBrand, AddHeader, Header, SetBrandActive, SetHeaderActive
from services.gateway.api.call import Reading, Writing
from services.gateway.api.inputs import Body, CompanyKey, Key, kept
from services.gateway.api.limits import SmallBody
from services.gateway.api.pages import AfterKey, Page, page
from services.gateway.api.problems import refuses

router = APIRouter(prefix="/v2/admin", tags=["admin"], route_class=SmallBody)

NameInPath = Annotated[Name, AfterValidator(kept), Path()]

ADDING = refuses(Code.PERMISSION_DENIED, Code.NOT_FOUND, Code.DUPLICATE)
CHANGING = refuses(Code.PERMISSION_DENIED, Code.NOT_FOUND)


class NewCompany(Body):
    model_config = ConfigDict(json_schema_extra={"example": {"name": "Acme"}})

    name: Name


class NewUser(Body):
    model_config = ConfigDict(
        json_schema_extra={"example": {"username": "ann", "password": "a-long-password", "permissions": ["send"]}}
    )

    username: Name
    password: Password
    firstname: Name | Literal[""] = ""
    surname: Name | Literal[""] = ""
    phone_number: str = Field("", max_length=40)
    permissions: list[Permission] = Field(default_factory=list)


class NewPassword(Body):
    password: Password


class NewPermissions(Body):
    permissions: list[Permission]


class Activity(Body):
    active: bool


class NewHeader(Body):
    header: str = Field(min_length=1, max_length=20)
    shared: bool = Field(
        False, description="A number that other companies use, too: what comes in is theirs by keyword."
    )


class NewBrand(Body):
    name: Name


class NewFolder(Body):
    name: Name
    parent_id: Id = 0


class NewTextIn(Body):
    model_config = ConfigDict(json_schema_extra={"example": {"header": "82830", "keyword": "JOIN"}})

    header: str
    keyword: str = Field(min_length=1, max_length=40)


@router.post("/companies", status_code=201, responses=refuses(Code.PERMISSION_DENIED, Code.DUPLICATE))
async def create_company(call: Writing, new: NewCompany) -> Created:
    """Makes a company, with nothing in it."""
    return await call.ask(CreateCompany(name=new.name))


@router.get("/companies", responses=refuses(Code.PERMISSION_DENIED))
async def list_companies(
    call: Reading, name: Annotated[Name, AfterValidator(kept)] | None = None, after: AfterKey | None = None
) -> Page[Company]:
    """Each whole: users, headers, brands, folders. With `name`, only the one called so."""
    found = await call.ask(ListCompanies(name=name, after=after or 0))
    return page(found.items, found.items[-1].id if found.more else None)


@router.post("/companies/{company_id}/users", status_code=201, responses=ADDING)
async def create_user(call: Writing, company_id: CompanyKey, new: NewUser) -> Created:
    """Makes a user of the company; without permissions it may read."""
    return await call.ask(CreateUser.model_validate(new.model_dump() | {"company_id": company_id}))


@router.put("/users/{user_id}/password", status_code=204, responses=CHANGING)
async def set_password(call: Writing, user_id: Key, new: NewPassword) -> None:
    """Ends every session of the user."""
    await call.ask(SetPassword(user_id=user_id, password=new.password))


@router.put("/users/{user_id}/permissions", status_code=204, responses=CHANGING)
async def set_permissions(call: Writing, user_id: Key, new: NewPermissions) -> None:
    """Ends every session of the user."""
    await call.ask(SetPermissions(user_id=user_id, permissions=new.permissions))


@router.patch("/users/{user_id}", status_code=204, responses=CHANGING)
async def set_user_active(call: Writing, user_id: Key, activity: Activity) -> None:
    """One who is not active cannot log in; ends every session of the user."""
    await call.ask(SetUserActive(user_id=user_id, active=activity.active))


@router.post(
    "/companies/{company_id}/headers",
    status_code=201,
    responses=refuses(Code.INVALID_SENDER, Code.PERMISSION_DENIED, Code.NOT_FOUND, Code.DUPLICATE),
)
async def add_header(call: Writing, company_id: CompanyKey, new: NewHeader) -> Header:
    """Lets the company send as an MSISDN, a short code or a name of up to 11 characters; a protected name, once it is approved."""
    return await call.ask(AddHeader(company_id=company_id, header=new.header, shared=new.shared))


@router.patch(
    "/companies/{company_id}/headers/{header}",
    status_code=204,
    responses=refuses(Code.PERMISSION_DENIED, Code.NOT_FOUND, Code.WRONG_STATE),
)
async def set_header_active(call: Writing, company_id: CompanyKey, header: NameInPath, activity: Activity) -> None:
    """One that is not active sends nothing. 409 wrong_state where it is not approved."""
    await call.ask(SetHeaderActive(company_id=company_id, header=header, active=activity.active))


@router.post("/companies/{company_id}/brands", status_code=204, responses=ADDING)
async def add_brand(call: Writing, company_id: CompanyKey, new: NewBrand) -> None:
    """Adds a brand for campaigns to name."""
    await call.ask(AddBrand(company_id=company_id, name=new.name))


@router.patch("/companies/{company_id}/brands/{name:path}", status_code=204, responses=CHANGING)
async def set_brand_active(call: Writing, company_id: CompanyKey, name: NameInPath, activity: Activity) -> None:
    """Campaigns name only active brands."""
    await call.ask(SetBrandActive(company_id=company_id, name=name, active=activity.active))


@router.post(
    "/companies/{company_id}/folders",
    status_code=201,
    responses=refuses(Code.PERMISSION_DENIED, Code.NOT_FOUND, Code.DUPLICATE, Code.LIMIT_REACHED),
)
async def create_folder(call: Writing, company_id: CompanyKey, new: NewFolder) -> Created:
    """Makes a folder; `parent_id` 0: in the root."""
    return await call.ask(CreateFolder(company_id=company_id, name=new.name, parent_id=new.parent_id))


@router.post(
    "/companies/{company_id}/text-ins",
    status_code=201,
    responses=refuses(Code.INVALID_SENDER, Code.PERMISSION_DENIED, Code.NOT_FOUND, Code.DUPLICATE, Code.LIMIT_REACHED),
)
async def create_text_in(call: Writing, company_id: CompanyKey, new: NewTextIn) -> TextIn:
    """Texts to `header` whose first word is `keyword` are the company's."""
    return await call.ask(CreateTextIn(company_id=company_id, header=new.header, keyword=new.keyword))


@router.patch("/text-ins/{text_in_id}", status_code=204, responses=CHANGING)
async def set_text_in_active(call: Writing, text_in_id: CompanyKey, activity: Activity) -> None:
    """One that is not active claims no text; its keyword stays the company's."""
    await call.ask(SetTextInActive(id=text_in_id, active=activity.active))
