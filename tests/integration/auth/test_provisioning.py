"""Companies, people, headers, brands, folders: who may make them, what is refused, what is told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from libs.common.contracts.auth import (
    ADMINISTER,
    FOLDERS_MAX,
    SEND,
    CreateFolder,
    CreateUser,
    CurrentUser,
    FoldersChanged,
    ReadFolders,
    SetPassword,
    SetPermissions,
    SetUserActive,
)
from libs.common.contracts.base import Ask, Code
from libs.common.contracts.companies import CreateCompany, ListCompanies
from libs.common.contracts.senders import (
    ActiveBrands,
    ActiveHeaders,
    AddBrand,
    AddHeader,
    ApproveHeader,
    BrandsChanged,
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
from libs.common.ids import uuid7
from libs.common.service import Process
from services.auth.folders import store as folders
from tests.harness import Client, client, eventually, grant, heard
from tests.infra import Infra
from tests.integration.auth.conftest import PASSWORD, a_company, a_user, is_waited_for, session_of, token_of

NOBODY = 2**62

PROVISIONING: list[Ask[Any]] = [
    CreateCompany(name="New"),
    CreateUser(company_id=1, username="new", password=PASSWORD),
    SetPassword(user_id=1, password=PASSWORD),
    SetPermissions(user_id=1, permissions=[]),
    SetUserActive(user_id=1, active=False),
    AddHeader(company_id=1, header="82830"),
    SetHeaderActive(company_id=1, header="82830", active=False),
    SetHeaderBrand(company_id=1, header="82830", brand=""),
    ApproveHeader(company_id=1, header="82830", evidence="x"),
    RejectHeader(company_id=1, header="82830", evidence="x"),
    ReadHeaderDecisions(company_id=1, header="82830"),
    ProtectName(name="New"),
    UnprotectName(name="New"),
    ListProtectedNames(),
    AddBrand(company_id=1, name="New"),
    SetBrandActive(company_id=1, name="New", active=False),
    CreateFolder(company_id=1, name="New"),
    ListCompanies(),
]


async def add_headers(console: Client, company_id: int, headers: Sequence[str]) -> None:
    await asyncio.gather(*(console.ask(AddHeader(company_id=company_id, header=header)) for header in headers))


async def headers_of(gateway: Client, company_id: int) -> list[str]:
    return (await gateway.ask(ActiveHeaders(), grant(company_id))).items


@pytest.mark.parametrize("ask", PROVISIONING, ids=lambda ask: type(ask).__name__)
async def test_only_an_operator_or_the_console_provisions(auth: Process, gateway: Client, ask: Ask[Any]) -> None:
    assert await gateway.refused(ask) == Code.SESSION_EXPIRED
    assert await gateway.refused(ask, grant(1, SEND)) == Code.PERMISSION_DENIED


async def test_an_operator_provisions_every_company(auth: Process, gateway: Client, console: Client) -> None:
    username, _ = await a_user(console, 0, ADMINISTER)
    operator = (await session_of(gateway, await token_of(gateway, username))).grant

    company = await gateway.ask(CreateCompany(name="An operator's"), operator)
    await gateway.ask(AddHeader(company_id=company.id, header="Operator"), operator)

    assert await headers_of(gateway, company.id) == ["Operator"]


@pytest.mark.parametrize(
    "ask",
    [
        CreateUser(company_id=NOBODY, username="of nobody", password=PASSWORD),
        SetPassword(user_id=NOBODY, password=PASSWORD),
        SetPermissions(user_id=NOBODY, permissions=[]),
        SetUserActive(user_id=NOBODY, active=False),
        AddHeader(company_id=NOBODY, header="Nobody"),
        SetHeaderActive(company_id=NOBODY, header="Nobody", active=False),
        SetHeaderBrand(company_id=NOBODY, header="Nobody", brand=""),
        ApproveHeader(company_id=NOBODY, header="Nobody", evidence="x"),
        RejectHeader(company_id=NOBODY, header="Nobody", evidence="x"),
        AddBrand(company_id=NOBODY, name="Nobody"),
        SetBrandActive(company_id=NOBODY, name="Nobody", active=False),
        CreateFolder(company_id=NOBODY, name="Nobody"),
    ],
    ids=lambda ask: type(ask).__name__,
)
async def test_what_is_not_there_is_not_found(auth: Process, console: Client, ask: Ask[Any]) -> None:
    assert await console.refused(ask) == Code.NOT_FOUND


async def test_a_name_that_differs_only_in_case_is_a_duplicate(auth: Process, console: Client) -> None:
    company = (await console.ask(CreateCompany(name="Café Ltd"))).id
    await console.ask(CreateUser(company_id=company, username="Zoë", password=PASSWORD))
    await console.ask(AddBrand(company_id=company, name="Straße"))
    await console.ask(CreateFolder(company_id=company, name="News"))

    other = await a_company(console)
    assert await console.refused(CreateCompany(name="CAFÉ LTD")) == Code.DUPLICATE
    assert await console.refused(CreateUser(company_id=other, username="ZOË", password=PASSWORD)) == Code.DUPLICATE
    assert await console.refused(AddBrand(company_id=company, name="STRASSE")) == Code.DUPLICATE
    assert await console.refused(CreateFolder(company_id=company, name="NEWS")) == Code.DUPLICATE


async def test_companies_may_have_brands_folders_and_names_alike_but_a_number_is_one_companys(
    auth: Process, gateway: Client, console: Client
) -> None:
    one, other = await a_company(console), await a_company(console)
    for company_id in (one, other):
        await console.ask(AddBrand(company_id=company_id, name="Alike"))
        await console.ask(CreateFolder(company_id=company_id, name="Alike"))
        await console.ask(AddHeader(company_id=company_id, header="Alike"))
    await console.ask(AddHeader(company_id=one, header="07700 900555"))
    await console.ask(AddHeader(company_id=one, header="60777"))

    assert await console.refused(AddHeader(company_id=other, header="+447700900555")) == Code.DUPLICATE
    assert await console.refused(AddHeader(company_id=other, header="60777")) == Code.DUPLICATE
    assert await console.refused(AddHeader(company_id=one, header="ALIKE")) == Code.DUPLICATE
    assert await headers_of(gateway, one) == ["Alike", "+447700900555", "60777"]


async def test_a_header_is_told_with_each_change_and_a_rising_version(
    auth: Process, gateway: Client, console: Client, infra: Infra
) -> None:
    company_id = await a_company(console)
    async with heard(infra, HeadersChanged) as events:
        id_ = uuid7()
        for _ in range(2):  # a repeat changes nothing and tells nothing
            await console.ask(AddHeader(company_id=company_id, header="Versions"), id_=id_)
        await console.ask(SetHeaderActive(company_id=company_id, header="VERSIONS", active=False))
        assert await headers_of(gateway, company_id) == []
        await console.ask(SetHeaderActive(company_id=company_id, header="Versions", active=False))
        await console.ask(SetHeaderActive(company_id=company_id, header="Versions", active=True))
        assert await headers_of(gateway, company_id) == ["Versions"]

        async def told() -> list[Any]:
            items = [event.items[0] for event in events if isinstance(event, HeadersChanged)]
            return items if len(items) >= 3 else []

        items = await eventually(told)
    assert [(item.header, item.active, item.version) for item in items] == [
        ("Versions", True, 1),
        ("Versions", False, 2),
        ("Versions", True, 3),
    ]
    assert {company_id} == {event.company_id for event in events}


async def test_a_brand_is_told_with_each_change_and_named_while_it_is_active(
    auth: Process, gateway: Client, console: Client, infra: Infra
) -> None:
    company_id, other = await a_company(console), await a_company(console)

    async def active() -> list[str]:
        return (await gateway.ask(ActiveBrands(), grant(company_id))).items

    async with heard(infra, BrandsChanged) as events:
        for name in ("Second", "First"):
            await console.ask(AddBrand(company_id=company_id, name=name))
        await console.ask(SetBrandActive(company_id=company_id, name="SECOND", active=False))
        await console.ask(SetBrandActive(company_id=company_id, name="Second", active=False))  # changes nothing
        assert await active() == ["First"]
        await console.ask(SetBrandActive(company_id=company_id, name="Second", active=True))
        assert await active() == ["Second", "First"]
        assert (await gateway.ask(ActiveBrands(), grant(other))).items == []

        async def told() -> list[Any]:
            items = [event.items[0] for event in events if isinstance(event, BrandsChanged)]
            return items if len(items) >= 4 else []

        items = await eventually(told)
    assert [(item.active, item.version) for item in items if item.name == "Second"] == [
        (True, 1),
        (False, 2),
        (True, 3),
    ]
    assert await console.refused(SetBrandActive(company_id=other, name="First", active=False)) == Code.NOT_FOUND


async def test_a_shared_number_is_every_companys_that_adds_it_as_shared_and_nobodys_own(
    auth: Process, gateway: Client, console: Client, infra: Infra
) -> None:
    one, other, third = [await a_company(console) for _ in range(3)]
    async with heard(infra, HeadersChanged) as events:
        await console.ask(AddHeader(company_id=one, header="60111", shared=True))
        await console.ask(AddHeader(company_id=other, header="60111", shared=True))
        await console.ask(SetHeaderActive(company_id=other, header="60111", active=False))
        await console.ask(AddHeader(company_id=third, header="+44 7700 900666"))

        async def told() -> bool:
            return len(events) >= 4

        await eventually(told)
    assert {
        (e.company_id, i.header, i.shared, i.version) for e in events if isinstance(e, HeadersChanged) for i in e.items
    } == {
        (one, "60111", True, 1),
        (other, "60111", True, 1),
        (other, "60111", True, 2),
        (third, "+447700900666", False, 1),
    }
    assert (await headers_of(gateway, one), await headers_of(gateway, other)) == (["60111"], [])
    for refused in (
        AddHeader(company_id=third, header="60111"),
        AddHeader(company_id=one, header="60111"),
        AddHeader(company_id=one, header="60111", shared=True),
        AddHeader(company_id=one, header="07700900666", shared=True),
        AddHeader(company_id=one, header="07700900666"),
        AddHeader(company_id=third, header="07700900666", shared=True),
    ):
        assert await console.refused(refused) == Code.DUPLICATE
    assert await console.refused(AddHeader(company_id=one, header="Name", shared=True)) == Code.INVALID_REQUEST
    company = (await console.ask(ListCompanies(after=one - 1))).items[0]
    assert [(header.header, header.shared) for header in company.headers] == [("60111", True)]


async def test_a_protected_name_sends_nothing_until_an_operator_has_seen_evidence(
    auth: Process, gateway: Client, console: Client, infra: Infra
) -> None:
    company_id = await a_company(console)
    username, user_id = await a_user(console, 0, ADMINISTER)
    operator = (await session_of(gateway, await token_of(gateway, username))).grant
    on: dict[str, Any] = {"company_id": company_id, "header": "HMRC-Refund"}
    async with heard(infra, HeadersChanged) as events:
        assert (await console.ask(AddHeader(**on))).approval == "pending"
        assert await console.refused(SetHeaderActive(**on, active=True)) == Code.WRONG_STATE
        assert await headers_of(gateway, company_id) == []

        await gateway.ask(ApproveHeader(**on, evidence="Letter of authority, file 12"), operator)
        assert await headers_of(gateway, company_id) == ["HMRC-Refund"]
        await console.ask(RejectHeader(**on, evidence="The letter was forged"))
        assert await headers_of(gateway, company_id) == []
        assert await console.refused(SetHeaderActive(**on, active=True)) == Code.WRONG_STATE

        async def told() -> bool:
            return len(events) >= 3

        await eventually(told)
    items = [i for e in events if isinstance(e, HeadersChanged) and e.company_id == company_id for i in e.items]
    assert [(i.active, i.approval, i.version) for i in items] == [
        (False, "pending", 1),
        (True, "approved", 2),
        (False, "rejected", 3),
    ]
    decisions = (await console.ask(ReadHeaderDecisions(**on))).items
    assert [(one.approved, one.evidence, one.user_id) for one in decisions] == [
        (True, "Letter of authority, file 12", user_id),
        (False, "The letter was forged", None),
    ]


async def test_an_operator_protects_names_beside_the_countrys(auth: Process, console: Client) -> None:
    company_id = await a_company(console)
    await console.ask(ProtectName(name="Zebra Bank"))
    assert await console.refused(ProtectName(name="ZEBRABANK")) == Code.DUPLICATE
    assert (await console.ask(ListProtectedNames())).items == ["Zebra Bank"]
    assert (await console.ask(AddHeader(company_id=company_id, header="Z3braBank"))).approval == "pending"

    await console.ask(UnprotectName(name="zebra bank"))
    assert await console.refused(UnprotectName(name="zebra bank")) == Code.NOT_FOUND
    assert (await console.ask(AddHeader(company_id=company_id, header="ZebraBank"))).approval == "approved"


async def test_a_header_speaks_for_a_brand_of_its_company(auth: Process, console: Client, infra: Infra) -> None:
    company_id = await a_company(console)
    await console.ask(AddBrand(company_id=company_id, name="Night & Day"))
    await console.ask(AddHeader(company_id=company_id, header="NightDay"))
    async with heard(infra, HeadersChanged) as events:
        await console.ask(SetHeaderBrand(company_id=company_id, header="nightday", brand="NIGHT & DAY"))
        await console.ask(SetHeaderBrand(company_id=company_id, header="NightDay", brand="Night & Day"))  # no change
        await console.ask(SetHeaderBrand(company_id=company_id, header="NightDay", brand=""))

        async def told() -> bool:
            return any(
                item.version >= 3 for event in events if isinstance(event, HeadersChanged) for item in event.items
            )

        await eventually(told)
    items = [i for e in events if isinstance(e, HeadersChanged) for i in e.items if i.version > 1]
    assert [(i.brand, i.version, i.active) for i in items] == [("Night & Day", 2, True), ("", 3, True)]
    nobodys = SetHeaderBrand(company_id=company_id, header="NightDay", brand="Nobody's")
    assert await console.refused(nobodys) == Code.NOT_FOUND


async def test_a_refused_header_settles_nothing_about_its_number(
    auth: Process, gateway: Client, console: Client
) -> None:
    company_id = await a_company(console)
    assert await console.refused(AddHeader(company_id=NOBODY, header="60112", shared=True)) == Code.NOT_FOUND
    await console.ask(AddHeader(company_id=company_id, header="60112"))

    assert await headers_of(gateway, company_id) == ["60112"]


async def test_a_number_that_some_add_as_shared_and_some_as_their_own_at_once_is_one_of_the_two(
    auth: Process, console: Client
) -> None:
    companies = [await a_company(console) for _ in range(6)]
    async with client(console.infra, "console") as second:  # folds of its own, so that two transactions meet
        for n in range(20):
            header = f"602{n:02}"
            await asyncio.gather(
                *(
                    (console, second)[place % 2].ask(AddHeader(company_id=id_, header=header, shared=place % 3 > 0))
                    for place, id_ in enumerate(companies)
                ),
                return_exceptions=True,
            )

    async with auth.kernel.db.reading() as tx:
        rows = await tx.fetch(
            "SELECT count(*) FILTER (WHERE shared) AS shared, count(*) FILTER (WHERE NOT shared) AS own FROM headers "
            "WHERE key LIKE '602__' GROUP BY key"
        )
    assert len(rows) == 20
    assert {(row["shared"], row["own"]) for row in rows} <= {(4, 0), (0, 1)}


async def test_brands_and_folders_are_told(auth: Process, console: Client, infra: Infra) -> None:
    company_id = await a_company(console)
    async with heard(infra, BrandsChanged, FoldersChanged) as events:
        await console.ask(AddBrand(company_id=company_id, name="Told"))
        folder = await console.ask(CreateFolder(company_id=company_id, name="Told"))

        async def both() -> bool:
            return len(events) >= 2

        await eventually(both)
    brand = next(event.items[0] for event in events if isinstance(event, BrandsChanged))
    filed = next(event.items[0] for event in events if isinstance(event, FoldersChanged))
    assert (brand.name, brand.active, brand.version) == ("Told", True, 1)
    assert (folder.id, 1) == (filed.folder_id, filed.version)


async def test_folders_are_a_tree_inside_one_company(auth: Process, console: Client) -> None:
    company_id, other = await a_company(console), await a_company(console)
    top = await console.ask(CreateFolder(company_id=company_id, name="Top"))
    under = await console.ask(CreateFolder(company_id=company_id, name="Top", parent_id=top.id))

    refused = await console.refused(CreateFolder(company_id=other, name="Mine now", parent_id=under.id))

    assert refused == Code.NOT_FOUND
    assert await console.refused(CreateFolder(company_id=company_id, name="x", parent_id=NOBODY)) == Code.NOT_FOUND


async def test_a_company_reads_its_own_folders(auth: Process, gateway: Client, console: Client) -> None:
    company_id, other = await a_company(console), await a_company(console)
    top = (await console.ask(CreateFolder(company_id=company_id, name="Top"))).id
    under = (await console.ask(CreateFolder(company_id=company_id, name="Under", parent_id=top))).id
    await console.ask(CreateFolder(company_id=other, name="Other's"))

    mine, others, nobodys = await asyncio.gather(
        *(gateway.ask(ReadFolders(), grant(id_)) for id_ in (company_id, other, NOBODY))
    )

    assert [(folder.id, folder.name, folder.parent_id) for folder in mine.items] == [
        (top, "Top", 0),
        (under, "Under", top),
    ]
    assert [folder.name for folder in others.items] == ["Other's"]
    assert nobodys.items == []
    assert await gateway.refused(ReadFolders()) == Code.SESSION_EXPIRED


async def test_a_company_has_so_many_folders_and_no_more_not_even_by_two_at_once(
    auth: Process, console: Client
) -> None:
    company_id = await a_company(console)
    async with auth.kernel.db.transaction() as tx:
        await tx.execute(
            "INSERT INTO folders (company_id, name, name_key) SELECT $1, n::text, n::text FROM generate_series(1, $2) AS n",
            company_id,
            FOLDERS_MAX - 1,
        )
    async with auth.kernel.db.transaction() as tx:  # as another fold would
        await folders.lock_companies(tx, [company_id])
        await folders.insert_folder(tx, company_id, 0, "Last", "last")
        making = asyncio.create_task(console.refused(CreateFolder(company_id=company_id, name="One too many")))
        await is_waited_for(auth)

    assert await making == Code.LIMIT_REACHED
    assert await console.refused(CreateFolder(company_id=company_id, name="1")) == Code.DUPLICATE


async def test_users_are_refused_what_makes_no_sense(auth: Process, console: Client) -> None:
    company_id = await a_company(console)
    known: dict[str, Any] = {"company_id": company_id, "username": "sense", "password": PASSWORD}

    def user(**changed: Any) -> CreateUser:
        return CreateUser.model_construct(**(known | {"permissions": [], "phone_number": ""} | changed))

    assert await console.refused(user(phone_number="not a number")) == Code.INVALID_NUMBER
    assert await console.refused(user(password="short")) == Code.INVALID_REQUEST
    assert await console.refused(user(username="bell\x07")) == Code.INVALID_REQUEST
    assert await console.refused(user(username="  ")) == Code.INVALID_REQUEST
    assert await console.refused(user(permissions=["everything"])) == Code.INVALID_REQUEST
    assert await console.refused(user(company_id=2**63)) == Code.INVALID_REQUEST
    assert await console.refused(AddHeader(company_id=company_id, header="Tom+Co")) == Code.INVALID_SENDER


async def test_a_user_reads_about_no_one_but_themselves_and_their_company(
    auth: Process, gateway: Client, console: Client
) -> None:
    company_id = (await console.ask(CreateCompany(name="Readers"))).id
    made = await console.ask(
        CreateUser(
            company_id=company_id,
            username="Ann",
            password=PASSWORD,
            firstname="Ann",
            surname="Reader",
            phone_number="07700 900 001",
        )
    )
    await console.ask(AddHeader(company_id=company_id, header="Readers"))

    ann = await gateway.ask(CurrentUser(), grant(company_id, user_id=made.id))
    assert (
        ann.username,
        ann.firstname,
        ann.surname,
        ann.phone_number,
        ann.company,
    ) == ("Ann", "Ann", "Reader", "+447700900001", "Readers")
    assert await gateway.refused(CurrentUser(), grant(company_id, user_id=NOBODY)) == Code.NOT_FOUND
    assert await headers_of(gateway, await a_company(console)) == []
    assert await console.refused(CurrentUser()) == Code.PERMISSION_DENIED


async def test_companies_are_listed_whole_and_by_name(auth: Process, console: Client) -> None:
    company_id = (await console.ask(CreateCompany(name="Listed"))).id
    await console.ask(CreateUser(company_id=company_id, username="listed", password=PASSWORD, permissions=[SEND]))
    await console.ask(AddHeader(company_id=company_id, header="Listed"))
    await console.ask(SetHeaderActive(company_id=company_id, header="Listed", active=False))
    await console.ask(AddBrand(company_id=company_id, name="Listed"))
    await console.ask(CreateFolder(company_id=company_id, name="Listed"))

    found = await console.ask(ListCompanies(name="LISTED"))

    [company] = found.items
    assert not found.more
    assert [(user.username, user.permissions, user.active) for user in company.users] == [("listed", [SEND], True)]
    assert [(header.header, header.active) for header in company.headers] == [("Listed", False)]
    assert [(brand.name, brand.active) for brand in company.brands] == [("Listed", True)]
    assert [(folder.name, folder.parent_id) for folder in company.folders] == [("Listed", 0)]
    assert (await console.ask(ListCompanies(name="Nobody's"))).items == []


async def test_many_companies_come_in_pages(auth: Process, console: Client) -> None:
    made = await asyncio.gather(*(a_company(console) for _ in range(120)))

    first = await console.ask(ListCompanies())
    ids = [company.id for company in first.items]
    while first.more:
        first = await console.ask(ListCompanies(after=ids[-1]))
        ids += [company.id for company in first.items]

    assert ids == sorted(set(ids))
    assert set(made) <= set(ids)


async def test_one_refused_ask_of_a_fold_spoils_no_other(auth: Process, console: Client) -> None:
    company_id = await a_company(console)
    asks = [AddHeader(company_id=company_id, header="Same") for _ in range(30)]

    answers = await asyncio.gather(*(console.ask(ask) for ask in asks), return_exceptions=True)

    assert sum(isinstance(answer, Exception) for answer in answers) == 29
