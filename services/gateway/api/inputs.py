"""What a client may send, as types: bodies, ids, moments, filters.

Strict where Pydantic is forgiving: a number in quotes, "yes" for true or seconds since 1970 for a date are slips, and are told as such. Every string
is one that can be kept: no NUL, which PostgreSQL cannot hold, and no half of a surrogate pair, which UTF-8 cannot. Knows no route.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, TypeVar
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
)

from libs.common.clock import from_client
from libs.common.contracts.auth import Id

T = TypeVar("T")

BROKEN = re.compile("[\x00\ud800-\udfff]")
FILTER_CHARACTERS_MAX = 200


def kept(value: T) -> T:
    """`value`, where every string in it can be kept."""
    texts: Any = value
    if isinstance(value, str):
        texts = [value]
    elif isinstance(value, dict):
        texts = [*value, *value.values()]
    if isinstance(texts, list) and any(isinstance(text, str) and BROKEN.search(text) for text in texts):
        raise ValueError("it holds a NUL or half of a surrogate pair")
    return value


class Body(BaseModel):
    """What a client sends as JSON: no field beside the named ones, each of its own type."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @field_validator("*")
    @classmethod
    def _can_be_kept(cls, value: Any) -> Any:
        return kept(value)


def like(pattern: str, sentence: str) -> BeforeValidator:
    """Only strings of that form are read on: what Pydantic would read beside them is a slip."""

    def check(value: Any) -> Any:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError(sentence)
        return value

    return BeforeValidator(check)


# In a body and in a query alike.
_MOMENT = like(r"\d{4}-\d\d-\d\d[Tt ]\S{4,30}", "write a moment with its offset, such as 2026-12-24T18:00:00Z")
Moment = Annotated[AwareDatetime, Field(strict=False), _MOMENT, AfterValidator(from_client)]
Day = Annotated[date, Field(strict=False), like(r"\d{4}-\d\d-\d\d", "write a day such as 1985-12-31")]
UuidInBody = Annotated[UUID, Field(strict=False)]

# In a path or a query, where everything is a string.
DIGITS = like(r"-?[0-9]{1,20}", "write a whole number")
Key = Annotated[Id, DIGITS]
CompanyKey = Annotated[int, Field(ge=1, lt=2**31), DIGITS]
Flag = Annotated[bool, like("true|false", "write true or false")]
Words = Annotated[str, StringConstraints(max_length=FILTER_CHARACTERS_MAX), AfterValidator(kept)]
