"""api/Security: sessions, and the reusable tokens that open them without a password."""

from __future__ import annotations

from libs.common.contracts.auth import (
    CheckReusableToken,
    LoggedIn,
    LogIn,
    LogInWithToken,
    LogOut,
    RequestReusableToken,
    User,
)
from services.gateway.documented.call import Call


async def login(call: Call) -> object:
    user = await call.ask(LogIn(username=call.text("Username"), password=call.text("Password")))
    return _logon_result(user, user.token)


async def login_with_reusable_token(call: Call) -> object:
    user = await call.ask(LogInWithToken(token=call.text("ReusableToken")))
    return _logon_result(user, user.token)


async def verify_reusable_token(call: Call) -> object:
    """Token stays empty: no session is opened."""
    user = await call.ask(CheckReusableToken(token=call.text("ReusableToken")))
    return _logon_result(user, "")


async def request_reusable_token(call: Call) -> object:
    return (await call.ask(RequestReusableToken(make_room=True))).token


async def logout(call: Call) -> object:
    token = call.text("SessionToken")
    await call.ask(LogOut(token=token))
    call.gateway.sessions.forget(token)
    return ""


def _logon_result(user: LoggedIn | User, token: str) -> object:
    return {
        "Firstname": user.firstname,
        "Surname": user.surname,
        "PhoneNumber": user.phone_number,
        "Company": user.company,
        "Token": token,
    }
