"""api/Users: who is logged in."""

from __future__ import annotations

from libs.common.contracts.auth import CurrentUser
from services.gateway.documented.call import Call


async def get_current_user_info(call: Call) -> object:
    user = await call.ask(CurrentUser())
    return {
        "Username": user.username,
        "Firstname": user.firstname,
        "Surname": user.surname,
        "PhoneNumber": user.phone_number,
        "Company": user.company,
    }
