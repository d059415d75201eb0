"""The language of `auth` about companies as a whole: made empty, listed with all that they have."""

from __future__ import annotations

from typing import ClassVar

from libs.common.contracts.auth import Created, Folder, Id, Name, User
from libs.common.contracts.base import Command, Contract, Query
from libs.common.contracts.senders import Brand, Header


class CreateCompany(Command[Created]):
    owner: ClassVar[str] = "auth"

    name: Name


class Company(Contract):
    id: int
    name: str
    users: list[User]
    headers: list[Header]
    brands: list[Brand]
    folders: list[Folder]


class Companies(Contract):
    items: list[Company]
    more: bool


class ListCompanies(Query[Companies]):
    """Companies in the order of their ids; `after` is the last id of the page before. With `name`, only the one called so."""

    owner: ClassVar[str] = "auth"

    name: Name | None = None
    after: Id = 0
