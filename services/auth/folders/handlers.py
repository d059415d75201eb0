"""Folders: a tree a company, told to those who file things in it."""

from __future__ import annotations

from libs.common.bus import Asked
from libs.common.contracts.auth import Created, CreateFolder, FolderChanged, FoldersChanged
from libs.common.contracts.base import Code, Refusal
from libs.common.db import Tx
from services.auth.folders import store
from services.auth.names import name_key


async def create_folder(tx: Tx, ask: Asked[CreateFolder]) -> Created:
    folder = ask.body
    if not await store.is_there(tx, folder.company_id, folder.parent_id):
        raise Refusal(Code.NOT_FOUND, "there is no such company, or it has no such folder")

    made = await store.insert_folder(tx, folder.company_id, folder.parent_id, folder.name, name_key(folder.name))
    if made is None:
        raise Refusal(Code.DUPLICATE, "a folder beside it is called so")
    tx.emit(
        FoldersChanged(
            company_id=folder.company_id, items=[FolderChanged(folder_id=made["id"], version=made["version"])]
        )
    )
    return Created(id=made["id"])
