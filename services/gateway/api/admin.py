"""/v2/admin: provisioning, by users who may `administer`. Who may what is decided by the owners; nothing is checked here."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import Field

from libs.common.contracts.auth import (
    AddBrand,
    AddHeader,
    Companies,
    CreateCompany,
    Created,
    CreateFolder,
    CreateUser,
    Id,
    ListCompanies,
    Name,
    Password,
    Permission,
    SetHeaderActive,
    SetPassword,
    SetPermissions,
    SetUserActive,
)
from libs.common.contracts.inbound import CreateTextIn, TextIn
from services.gateway.api.call import Body, Reading, Writing
from services.gateway.api.limits import SmallBody

router = APIRouter(prefix="/v2/admin", tags=["admin"], route_class=SmallBody)

CompanyKey = Annotated[int, Path(ge=1, lt=2**31)]
UserKey = Annotated[Id, Path()]


class NewCompany(Body):
    name: Name


class NewUser(Body):
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


class NewBrand(Body):
    name: Name


class NewFolder(Body):
    name: Name
    parent_id: Id = 0


class NewTextIn(Body):
    header: str
    keyword: str = Field(min_length=1, max_length=40)


@router.post("/companies", status_code=201)
async def create_company(call: Writing, new: NewCompany) -> Created:
    return await call.ask(CreateCompany(name=new.name))


@router.get("/companies")
async def list_companies(call: Reading, name: Name | None = None, after: Id = 0) -> Companies:
    """Each whole: users, headers, brands, folders. `after` is the last id of the page before; with `name`, only the one called so."""
    return await call.ask(ListCompanies(name=name, after=after))


@router.post("/companies/{company_id}/users", status_code=201)
async def create_user(call: Writing, company_id: CompanyKey, new: NewUser) -> Created:
    return await call.ask(CreateUser.model_validate(new.model_dump() | {"company_id": company_id}))


@router.put("/users/{user_id}/password", status_code=204)
async def set_password(call: Writing, user_id: UserKey, new: NewPassword) -> None:
    """Ends every session of the user."""
    await call.ask(SetPassword(user_id=user_id, password=new.password))


@router.put("/users/{user_id}/permissions", status_code=204)
async def set_permissions(call: Writing, user_id: UserKey, new: NewPermissions) -> None:
    """Ends every session of the user."""
    await call.ask(SetPermissions(user_id=user_id, permissions=new.permissions))


@router.patch("/users/{user_id}", status_code=204)
async def set_user_active(call: Writing, user_id: UserKey, activity: Activity) -> None:
    """One who is not active cannot log in; ends every session of the user."""
    await call.ask(SetUserActive(user_id=user_id, active=activity.active))


@router.post("/companies/{company_id}/headers", status_code=204)
async def add_header(call: Writing, company_id: CompanyKey, new: NewHeader) -> None:
    """Lets the company send as an MSISDN, a short code or a name of up to 11 letters and digits."""
    await call.ask(AddHeader(company_id=company_id, header=new.header))


@router.patch("/companies/{company_id}/headers/{header}", status_code=204)
async def set_header_active(
    call: Writing, company_id: CompanyKey, header: Annotated[Name, Path()], activity: Activity
) -> None:
    await call.ask(SetHeaderActive(company_id=company_id, header=header, active=activity.active))


@router.post("/companies/{company_id}/brands", status_code=204)
async def add_brand(call: Writing, company_id: CompanyKey, new: NewBrand) -> None:
    await call.ask(AddBrand(company_id=company_id, name=new.name))


@router.post("/companies/{company_id}/folders", status_code=201)
async def create_folder(call: Writing, company_id: CompanyKey, new: NewFolder) -> Created:
    return await call.ask(CreateFolder(company_id=company_id, name=new.name, parent_id=new.parent_id))


@router.post("/companies/{company_id}/text-ins", status_code=201)
async def create_text_in(call: Writing, company_id: CompanyKey, new: NewTextIn) -> TextIn:
    """Texts to `header` whose first word is `keyword` are the company's."""
    return await call.ask(CreateTextIn(company_id=company_id, header=new.header, keyword=new.keyword))
