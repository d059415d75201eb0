"""What every contract is: an immutable model that says who owns it and how it travels. No behaviour, imports nothing of ours.

Work is plural: an ask travels in a fold of up to `ITEMS_MAX` items of one kind, an event carries up to `ITEMS_MAX` items of one company.
Unknown fields are ignored, so that an old and a new copy of a service understand each other; an unknown major version is parked.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Generic, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field

ITEMS_MAX = 500  # items a fold or an event: folds and events are cut at BYTES_MAX too
BYTES_MAX = 512 * 1024  # a message's body; RabbitMQ 4 refuses 16 MiB, quorum queues like small ones
PAGE_MAX = 5_000  # rows a page of a big answer

Limit = Annotated[int, Field(ge=1, le=PAGE_MAX)]  # how many rows of a page are wanted at most


class Lane(StrEnum):
    """A queue of its own, with its own share of the service's database pool, so that an import never delays a STOP."""

    URGENT = "urgent"  # STOP, START, verification
    ORDINARY = "ordinary"
    BULK = "bulk"  # campaigns, imports
    READS = "reads"


class Contract(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


A = TypeVar("A", bound=Contract)


class Ask(Contract, Generic[A]):
    """Asked of one service and answered with an `A` or refused with a `Code`."""

    owner: ClassVar[str]
    lane: ClassVar[Lane] = Lane.ORDINARY

    @classmethod
    def kind(cls) -> str:
        """The name on the wire: owner and class, such as `auth.LogIn`."""
        return f"{cls.owner}.{cls.__name__}"

    @classmethod
    def answer_type(cls) -> type[A]:
        for base in cls.__mro__:
            metadata = cast("dict[str, Any]", getattr(base, "__pydantic_generic_metadata__", {}))
            if metadata.get("args"):
                return cast("type[A]", metadata["args"][0])
        raise TypeError(f"{cls.__name__} does not say what it is answered with")


class Command(Ask[A], Generic[A]):
    """Changes something. Repeating it with the same id changes nothing more and gives the same answer.

    `remembered` False: the inbox does not keep the answer, for it holds a secret; the handler itself makes the same one again.
    """

    remembered: ClassVar[bool] = True


class Query(Ask[A], Generic[A]):
    """Changes nothing."""

    lane: ClassVar[Lane] = Lane.READS


class Event(Contract):
    """Says what happened to one company's things. Published from the outbox of the service that owns it, at least once."""

    type: ClassVar[str]  # <service>.<things>.<past-tense>, as in the routing key
    version: ClassVar[int] = 1
    lane: ClassVar[Lane] = Lane.ORDINARY
    public: ClassVar[bool] = False  # flows on to heliograph.public, for outside subscribers

    company_id: int


class Broadcast(Contract):
    """Told to every process that listens, lost by those that do not: never carries what must not be lost."""

    type: ClassVar[str]


class Done(Contract):
    """The answer where there is nothing more to say."""


class Code(StrEnum):
    """Every reason to refuse an ask. Stable: clients of /v2 read them, the documented statuses are mapped from them."""

    SESSION_EXPIRED = "session_expired"  # expired, logged out, revoked or never existed
    WRONG_CREDENTIALS = "wrong_credentials"
    PERMISSION_DENIED = "permission_denied"
    NOT_FOUND = "not_found"  # another company's id answers exactly so
    INVALID_REQUEST = "invalid_request"
    INVALID_NUMBER = "invalid_number"
    INVALID_SENDER = "invalid_sender"
    INVALID_DATE = "invalid_date"
    INVALID_RULE = "invalid_rule"
    TEXT_EMPTY = "text_empty"
    TEXT_TOO_LONG = "text_too_long"
    COUNTRY_NOT_ALLOWED = "country_not_allowed"
    OPTED_OUT = "opted_out"
    WRONG_STATE = "wrong_state"
    DUPLICATE = "duplicate"
    ALREADY_LINKED = "already_linked"
    NO_RECIPIENTS = "no_recipients"
    MISSING_FIELDS = "missing_fields"  # a list's entries lack fields that the text needs
    LIMIT_REACHED = "limit_reached"
    TOO_MANY = "too_many"
    DEADLINE_PASSED = "deadline_passed"  # nothing was done
    UNAVAILABLE = "unavailable"  # the world failed: ask again with the same id


class Refusal(Exception):
    """Refuses one ask: raised by a handler of one, returned among the answers by a handler of many. `retry_after_s` 0: nobody knows."""

    def __init__(self, code: Code, detail: str = "", retry_after_s: int = 0) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        self.retry_after_s = retry_after_s
