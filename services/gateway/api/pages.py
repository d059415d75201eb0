"""Pages: how everything that grows is read, by {items, after}. `after` is the next page's; what it says is between us and the owner.

Owns the cursors' forms. One that is none is refused as any other field is. A page is never built beyond its limit.
"""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema

from libs.common.contracts.auth import Id
from libs.common.phone import E164
from services.gateway.api.inputs import DIGITS, like

T = TypeVar("T")

LIMIT_DEFAULT = 100
LIMIT_MAX = 1_000


class Page(BaseModel, Generic[T]):
    """`after`: pass it on as `?after=` for the next page; null: there is no more."""

    items: list[T]
    after: str | None


def page(items: list[T], after: object = None) -> Page[T]:
    """`after`: the key of the last item, where there is more."""
    return Page(items=items, after=None if after is None else str(after))


_OPAQUE = WithJsonSchema({"type": "string", "description": "`after` of the page before."})


def _cursor(pattern: str) -> BeforeValidator:
    return like(pattern, "this is no `after` of a page")


Limit = Annotated[int, Field(ge=1, le=LIMIT_MAX, description="How many at most."), DIGITS]
AfterUuid = Annotated[UUID, _cursor(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), _OPAQUE]
AfterKey = Annotated[Id, _cursor(r"[0-9]{1,19}"), _OPAQUE]
AfterNumber = Annotated[str, _cursor(E164.pattern), _OPAQUE]
AfterPlace = Annotated[str, _cursor(r"[0-9]{1,18}\.[0-9]{1,18}"), _OPAQUE]


def place(after: int, until: int) -> str:
    """A place in a list, with the list's end when its first page was read: what is added meanwhile is not for this reader."""
    return f"{after}.{until}"


def place_of(cursor: str | None) -> tuple[int, int | None]:
    if cursor is None:
        return 0, None
    after, _, until = cursor.partition(".")
    return int(after), int(until)
