"""api/Users: who is logged in, and the folders they file things in."""

from __future__ import annotations

from libs.common.contracts.auth import CurrentUser, ReadFolders
from services.gateway.documented.call import Call

ROOT = {"ID": 0, "Name": "Root", "ParentID": None}  # no row anywhere, yet what GetLists and CreateList mean by 0


async def get_current_user_info(call: Call) -> object:
    user = await call.ask(CurrentUser())
    return {
        "Username": user.username,
        "Firstname": user.firstname,
        "Surname": user.surname,
        "PhoneNumber": user.phone_number,
        "Company": user.company,
    }


async def get_folders(call: Call) -> object:
    """The whole tree, its root first. GetFoldersBasic answers the same without ParentID: its model has no such field."""
    folders = (await call.ask(ReadFolders())).items
    return [ROOT, *({"ID": each.id, "Name": each.name, "ParentID": each.parent_id} for each in folders)]
