"""api/Security: sessions."""

from __future__ import annotations

from libs.common.contracts.auth import LogIn, LogOut
from services.gateway.documented.call import Call


async def login(call: Call) -> object:
    user = await call.ask(LogIn(username=call.text("Username"), password=call.text("Password")))
    return {
        "Firstname": user.firstname,
        "Surname": user.surname,
        "PhoneNumber": user.phone_number,
        "Company": user.company,
        "Token": user.token,
    }


async def logout(call: Call) -> object:
    token = call.text("SessionToken")
    await call.ask(LogOut(token=token))
    call.gateway.sessions.forget(token)
    return ""
