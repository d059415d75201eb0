"""A carrier defined by configuration alone: what is asked of it, how its answers and callbacks are read. Checked when it is stored.

Owns the shapes and every rule about them; each wrong thing is told by its place. Secrets are named, and stand in a template as {secret:NAME}.
Where something is found is written as "source:place": "json:messages.0.id", "form:MessageSid", "query:text", "item:id" (of one of `items`), "regex:ID=(.+)".
"""

import re
from collections.abc import Callable, Iterator
from typing import Annotated, Literal, Self

import regex  # type: ignore[import-untyped]
from pydantic import AfterValidator, AnyHttpUrl, BaseModel, ConfigDict, Field, JsonValue, SecretStr, model_validator

from services.messaging.carriers.carrier import Failure, ReceiptStatus, Refusal
from services.messaging.carriers.generic.templates import OF_A_TEXT, SECRET, Hole, holes, parse

IN_ANSWERS = ("json", "regex")
IN_CALLBACKS = ("json", "form", "query", "item")
OURS = frozenset({"host", "connection", "content-length", "transfer-encoding", "expect", "upgrade", "te", "trailer"})
IN_HEADERS = frozenset({"to", "to_digits", "text_id", "validity_s"})  # they need no escaping there

_PLACE = re.compile(r"[^\s.][^.]*(\.[^.]+)*")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]*")
_ADDRESS_BEGIN = re.compile(r"https?://[^/?#@\s]+[/?]")


def _place(*sources: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        source, colon, place = value.partition(":")
        if not colon or source not in sources:
            raise ValueError(f"must begin with {' or '.join(f'{one}:' for one in sources)}")
        if source != "regex":
            if not _PLACE.fullmatch(place):
                raise ValueError(f"{place!r} is no place: names and positions with dots between them")
            return value
        try:
            groups = regex.compile(place).groups
        except regex.error as error:
            raise ValueError(f"the pattern is wrong: {error}") from None
        if groups != 1:
            raise ValueError("the pattern must have exactly one group")
        return value

    return check


def _template(value: str) -> str:
    parse(value)
    return value


def _header_name(value: str) -> str:
    if not _HEADER_NAME.fullmatch(value) or value.lower() in OURS:
        raise ValueError("is no header that can be set")
    return value


def _any_status(value: int) -> int:
    if not 200 <= value <= 299:
        raise ValueError("only a status of 200 to 299 can mean that a text was taken")
    return value


Template = Annotated[str, AfterValidator(_template)]
InAnswer = Annotated[str, AfterValidator(_place(*IN_ANSWERS))]
InCallback = Annotated[str, AfterValidator(_place(*IN_CALLBACKS))]
HeaderName = Annotated[str, AfterValidator(_header_name)]
SecretName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Path = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]  # after /callbacks/<carrier>/


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BasicAuth(Strict):
    user: str = Field(pattern=r"^[^:\x00-\x1f]*$")
    password: SecretName


class Sending(Strict):
    """One request a text."""

    method: Literal["POST", "PUT", "GET"] = "POST"
    url: Template = Field(description="Placeholders are percent-encoded, and stand behind the host.")
    headers: dict[HeaderName, Template] = Field(default_factory=dict, max_length=50)
    basic_auth: BasicAuth | None = None
    json_body: JsonValue = Field(None, description="Sent as application/json; strings are templates.")
    form_body: dict[str, Template] | None = Field(None, description="Sent as application/x-www-form-urlencoded.")

    @model_validator(mode="after")
    def _can_be_sent(self) -> Self:
        first = parse(self.url)[0] if self.url else ""
        if isinstance(first, Hole) or not _ADDRESS_BEGIN.match(first + ("/" if first == self.url else "")):
            raise ValueError("url: scheme and host must be written out")
        AnyHttpUrl("".join("x" if isinstance(piece, Hole) else piece for piece in parse(self.url)))
        if self.json_body is not None and self.form_body is not None:
            raise ValueError("json_body or form_body, not both")
        if self.method == "GET" and (self.json_body is not None or self.form_body is not None):
            raise ValueError("a GET has no body")
        for name, template in self.headers.items():
            for piece in parse(template):
                if isinstance(piece, str) and not _HEADER_VALUE.fullmatch(piece):
                    raise ValueError(f"headers.{name}: only printable ASCII")
                if isinstance(piece, Hole) and piece.name in OF_A_TEXT - IN_HEADERS:
                    raise ValueError(f"headers.{name}: {{{piece.name}}} cannot stand in a header")
        if not {"text"} <= set(self.placeholders()) or not {"to", "to_digits"} & set(self.placeholders()):
            raise ValueError("a text needs {text} and {to} or {to_digits} somewhere")
        return self

    def placeholders(self) -> Iterator[str]:
        yield from holes(self.url)
        yield from holes(list(self.headers.values()))
        yield from holes(self.json_body)
        yield from holes(dict(self.form_body or {}))


class FieldEquals(Strict):
    field: InAnswer
    equals: str


class Rule(Strict):
    reason: Literal[
        Refusal.THROTTLED,
        Refusal.QUEUE_FULL,
        Refusal.BUSY,
        Refusal.BAD_NUMBER,
        Refusal.BAD_SENDER,
        Refusal.BAD_TEXT,
        Refusal.BLOCKED,
        Refusal.NOT_ALLOWED,
        Refusal.NOT_CONNECTED,
    ]
    retry_after_s: float | None = Field(None, ge=0, le=3600, description="None: trying again would be refused again.")


class Answering(Strict):
    """What is taken, and what is surely not. What is neither is in doubt."""

    taken_status: list[Annotated[int, AfterValidator(_any_status)]] = Field([200, 201, 202], min_length=1)
    taken_if: FieldEquals | None = None
    reference: InAnswer
    error: InAnswer | None = None
    refusals: dict[str, Rule] = Field(
        default_factory=dict, description="By the error's code, or by the status. Only what is surely not taken."
    )


class ByHeader(Strict):
    by: Literal["header"]
    name: HeaderName
    secret: SecretName


class ByQuery(Strict):
    """It will stand in logs on the way: a header is better."""

    by: Literal["query"]
    name: str = Field(min_length=1, max_length=64)
    secret: SecretName


class ByHmac(Strict):
    """Of the body alone, so nothing can be read from the query."""

    by: Literal["hmac_sha256"]
    header: HeaderName
    secret: SecretName
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = Field("", max_length=32, description="What stands before it in the header, such as sha256=")


Authentication = Annotated[ByHeader | ByQuery | ByHmac, Field(discriminator="by")]


class Mapped(Strict):
    items: Annotated[str, AfterValidator(_place("json"))] | None = Field(None, description="A list, one thing an item.")
    at: InCallback | None = None
    at_is: Literal["iso8601", "unix_s", "unix_ms"] = "iso8601"

    def places(self) -> list[str]:
        return [value for name, value in self if name in PLACES and value is not None]

    @model_validator(mode="after")
    def _items_or_not(self) -> Self:
        if self.items is None and any(place.startswith("item:") for place in self.places()):
            raise ValueError("item: needs items")
        return self


PLACES = frozenset({"reference", "status", "text_id", "error", "number", "at", "id", "sender", "to", "text"})


class Receipts(Mapped):
    path: Path = "status"
    reference: InCallback
    status: InCallback
    statuses: dict[
        str, Literal[ReceiptStatus.ACCEPTED, ReceiptStatus.DELIVERED, ReceiptStatus.FAILED, ReceiptStatus.EXPIRED]
    ]
    text_id: InCallback | None = Field(None, description='Our own id; {callback_url} carries it as "query:text".')
    error: InCallback | None = None
    number: InCallback | None = Field(None, description="The handset's: what a lost answer may be settled by.")
    failures: dict[str, Literal[Failure.PERMANENT, Failure.TEMPORARY]] = Field(default_factory=dict)


class Texts(Mapped):
    path: Path = "inbound"
    id: InCallback | None = None
    sender: InCallback = Field(alias="from")
    to: InCallback
    text: InCallback

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)


class Stored(Strict):
    """What the carrier is told once a callback is stored."""

    status: int = Field(200, ge=200, le=299)
    content_type: str = Field("text/plain", pattern=r"^[\x20-\x7e]{1,100}$")
    body: str = Field("", max_length=1000)


class Callbacks(Strict):
    authentication: Authentication
    receipts: Receipts | None = None
    texts: Texts | None = None
    answer: Stored = Stored()

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        if self.receipts and self.texts and self.receipts.path == self.texts.path:
            raise ValueError("receipts and texts need two paths")
        places = [place for mapped in (self.receipts, self.texts) if mapped for place in mapped.places()]
        if self.authentication.by == "hmac_sha256" and any(place.startswith("query:") for place in places):
            raise ValueError("hmac_sha256 does not cover the query: nothing can be read from it")
        return self


class GenericSettings(Strict):
    sending: Sending
    answering: Answering
    callbacks: Callbacks | None = None
    secrets: dict[SecretName, SecretStr] = Field(default_factory=dict, max_length=20)
    alphanumeric_senders: bool = Field(True, description="Whether the carrier takes letters as a sender.")
    window: int = Field(20, ge=1, le=1000, description="Requests at a time.")
    parts_per_s: float | None = Field(None, gt=0, description="The contract's rate, in segments.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        used = set(self.sending.placeholders())
        named = {name.removeprefix(SECRET) for name in used if name.startswith(SECRET)}
        if self.sending.basic_auth:
            named.add(self.sending.basic_auth.password)
        if self.callbacks:
            named.add(self.callbacks.authentication.secret)
        if missing := sorted(named - set(self.secrets)):
            raise ValueError(f"secrets: {', '.join(missing)} is used and not there")
        for name in self.secrets:
            if not _HEADER_VALUE.fullmatch(self.secrets[name].get_secret_value() or "\n"):
                raise ValueError(f"secrets.{name}: one or more printable ASCII characters")
        if "callback_url" in used and not (self.callbacks and self.callbacks.receipts):
            raise ValueError("{callback_url} is used, and callbacks.receipts does not say how receipts are read")
        return self
