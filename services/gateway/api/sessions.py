"""/v2/sessions: logging in and out. A session's token goes into Authorization, never into a URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request

from libs.common.contracts.auth import CurrentUser, LoggedIn, LogIn, LogOut, User
from services.gateway.api.call import Body, Reading
from services.gateway.api.limits import SmallBody

if TYPE_CHECKING:
    from services.gateway.app import Gateway

router = APIRouter(prefix="/v2/sessions", tags=["sessions"], route_class=SmallBody)


class Credentials(Body):
    username: str
    password: str


@router.post("", status_code=201)
async def log_in(request: Request, credentials: Credentials) -> LoggedIn:
    """Opens a session. `token` is shown this once."""
    gateway: Gateway = request.app.state.gateway
    return await gateway.asker.ask(LogIn(username=credentials.username, password=credentials.password))


@router.get("/current")
async def current_user(call: Reading) -> User:
    """Who is logged in, and what they may do."""
    return await call.ask(CurrentUser())


@router.delete("/current", status_code=204)
async def log_out(call: Reading) -> None:
    """Ends the session: its token is good no more, anywhere."""
    await call.ask(LogOut(token=call.token))
    call.gateway.sessions.forget(call.token)
