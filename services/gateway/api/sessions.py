"""/v2/sessions: logging in and out. A session's token goes into Authorization, never into a URL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Discriminator, Tag

from libs.common.contracts.auth import CurrentUser, LoggedIn, LogIn, LogInWithToken, LogOut
from libs.common.contracts.base import Code
from services.gateway.api.call import Reading
from services.gateway.api.inputs import Body
from services.gateway.api.limits import SmallBody
from services.gateway.api.problems import refuses

if TYPE_CHECKING:
    from services.gateway.app import Gateway

router = APIRouter(prefix="/v2/sessions", tags=["sessions"], route_class=SmallBody)


class PasswordLogin(Body):
    model_config = ConfigDict(json_schema_extra={"example": {"username": "demo", "password": "demo-password"}})

    username: str
    password: str


class TokenLogin(Body):
    reusable_token: str


def _way(body: Any) -> str:
    """How one logs in, so that what is wrong is told of that way alone."""
    with_token = isinstance(body, TokenLogin) or (isinstance(body, dict) and "reusable_token" in body)
    return "token" if with_token else "password"


Login = Annotated[Annotated[PasswordLogin, Tag("password")] | Annotated[TokenLogin, Tag("token")], Discriminator(_way)]


class Caller(BaseModel):
    """`permissions`: of the session or the key, which may be fewer than the user's. `test`: a test key's, whose texts never leave the platform."""

    id: int
    username: str
    firstname: str
    surname: str
    phone_number: str
    company: str
    permissions: list[str]
    test: bool


@router.post("", status_code=201, responses=refuses(Code.WRONG_CREDENTIALS, Code.LIMIT_REACHED))
async def log_in(request: Request, login: Login) -> LoggedIn:
    """Opens a session, with a password or a reusable token. `token` is shown this once."""
    gateway: Gateway = request.app.state.gateway
    if isinstance(login, TokenLogin):
        return await gateway.asker.ask(LogInWithToken(token=login.reusable_token))
    return await gateway.asker.ask(LogIn(username=login.username, password=login.password))


@router.get("/current", responses=refuses())
async def current_user(call: Reading) -> Caller:
    """Who is logged in, and what they may do."""
    user, session = await call.ask(CurrentUser()), await call.session()
    return Caller(
        id=user.id,
        username=user.username,
        firstname=user.firstname,
        surname=user.surname,
        phone_number=user.phone_number,
        company=user.company,
        permissions=session.permissions,
        test=session.test,
    )


@router.delete("/current", status_code=204, responses=refuses())
async def log_out(call: Reading) -> None:
    """Ends the session: its token is good no more, anywhere. An API key is no session: revoke it."""
    await call.ask(LogOut(token=call.token))
    call.gateway.sessions.forget(call.token)
