"""Folders: a tree a company, told to those who file things in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from libs.common.bus import Asked, each
from libs.common.contracts.auth import (
    FOLDERS_MAX,
    Created,
    CreateFolder,
    Folder,
    FolderChanged,
    Folders,
    FoldersChanged,
    ReadFolders,
)
from libs.common.contracts.base import Code, Contract, Refusal
from libs.common.db import Tx
from services.auth.folders import store
from services.auth.names import name_key


async def create_folders(tx: Tx, asked: Sequence[Asked[CreateFolder]]) -> Sequence[Contract | Refusal]:
    await store.lock_companies(tx, {one.body.company_id for one in asked})
    return await each(_create)(tx, asked)


async def _create(tx: Tx, ask: Asked[CreateFolder]) -> Created:
    folder = ask.body
    if not await store.is_there(tx, folder.company_id, folder.parent_id):
        raise Refusal(Code.NOT_FOUND, "there is no such company, or it has no such folder")

    made = await store.insert_folder(tx, folder.company_id, folder.parent_id, folder.name, name_key(folder.name))
    if made is None:
        raise Refusal(Code.DUPLICATE, "a folder beside it is called so")
    if await store.count_of(tx, folder.company_id) > FOLDERS_MAX:
        raise Refusal(Code.LIMIT_REACHED, f"a company has {FOLDERS_MAX} folders at most")
    tx.emit(
        FoldersChanged(
            company_id=folder.company_id, items=[FolderChanged(folder_id=made["id"], version=made["version"])]
        )
    )
    return Created(id=made["id"])


async def read_folders(tx: Tx, asked: Sequence[Asked[ReadFolders]]) -> list[Folders | Refusal]:
    of_company: dict[int, list[Folder]] = defaultdict(list)
    for row in await store.folders_of(tx, list({one.caller.company_id for one in asked})):
        of_company[row["company_id"]].append(Folder(**row))
    return [Folders(items=of_company[one.caller.company_id]) for one in asked]
