"""/v2/reusable-tokens and /v2/api-keys: what stands for a user without a password. Each is shown once, when it is made."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from libs.common.contracts.auth import (
    ApiKey,
    ApiKeyInfo,
    CreateApiKey,
    ListApiKeys,
    ListReusableTokens,
    Name,
    Permission,
    RequestReusableToken,
    ReusableToken,
    ReusableTokenInfo,
    RevokeApiKey,
    RevokeReusableToken,
)
from libs.common.contracts.base import Code
from services.gateway.api.call import Reading, Writing
from services.gateway.api.inputs import Body, Key
from services.gateway.api.limits import SmallBody
from services.gateway.api.pages import Page, page
from services.gateway.api.problems import refuses

router = APIRouter(prefix="/v2", route_class=SmallBody)


class NewKey(Body):
    model_config = ConfigDict(json_schema_extra={"example": {"name": "web shop", "permissions": ["send"]}})

    name: Name
    permissions: list[Permission] = Field(default_factory=list, description="Never more than your own.")
    test: bool = Field(False, description="What is sent with a test key never leaves the platform.")


@router.post("/reusable-tokens", status_code=201, tags=["reusable tokens"], responses=refuses(Code.LIMIT_REACHED))
async def create_reusable_token(call: Writing) -> ReusableToken:
    """A token that opens sessions for you, without a password, until you revoke it or your password changes."""
    return await call.ask(RequestReusableToken())


@router.get("/reusable-tokens", tags=["reusable tokens"], responses=refuses())
async def list_reusable_tokens(call: Reading) -> Page[ReusableTokenInfo]:
    """Your own, oldest first: all of them."""
    return page((await call.ask(ListReusableTokens())).items)


@router.delete(
    "/reusable-tokens/{token_id}", status_code=204, tags=["reusable tokens"], responses=refuses(Code.NOT_FOUND)
)
async def revoke_reusable_token(call: Reading, token_id: Key) -> None:
    """Ends the sessions that it opened, too."""
    await call.ask(RevokeReusableToken(id=token_id))


@router.post(
    "/api-keys",
    status_code=201,
    tags=["API keys"],
    responses=refuses(Code.PERMISSION_DENIED, Code.DUPLICATE, Code.LIMIT_REACHED),
)
async def create_api_key(call: Writing, new: NewKey) -> ApiKey:
    """A key to send as the bearer token, without a session; not made with another key."""
    return await call.ask(CreateApiKey(name=new.name, permissions=new.permissions, test=new.test))


@router.get("/api-keys", tags=["API keys"], responses=refuses())
async def list_api_keys(call: Reading) -> Page[ApiKeyInfo]:
    """Your own, oldest first: all of them."""
    return page((await call.ask(ListApiKeys())).items)


@router.delete("/api-keys/{key_id}", status_code=204, tags=["API keys"], responses=refuses(Code.NOT_FOUND))
async def revoke_api_key(call: Reading, key_id: Key) -> None:
    """It is good for nothing from the next second on."""
    await call.ask(RevokeApiKey(id=key_id))
