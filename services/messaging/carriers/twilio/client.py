"""A carrier that speaks the Twilio-compatible message API, which most aggregators imitate: texts out by POST, what comes back by signed callbacks.

Owns the settings, and what is asked when. A text is posted once: where the answer is lost it is Unknown, and only a callback or a query settles it.
See wire.py for the words and http.py for what counts as written.
"""

import asyncio
import base64
import math
from collections.abc import Sequence
from urllib.parse import quote, urlsplit

from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, SecretStr, field_validator

from libs.common.clock import now
from services.messaging.carriers.carrier import (
    Answer,
    Arrivals,
    Callback,
    CallbackAnswer,
    Capabilities,
    Part,
    Place,
    Receipt,
    Refusal,
    Refused,
    Said,
    Unauthentic,
)
from services.messaging.carriers.http import Answered, HttpLine
from services.messaging.carriers.twilio import wire

NO_TEXT = Refused(Refusal.BAD_TEXT)
FORM = "application/x-www-form-urlencoded"
TWIML = CallbackAnswer(200, "text/xml", '<?xml version="1.0" encoding="UTF-8"?><Response/>')  # no reply by their side
STORED = CallbackAnswer(204)


class TwilioSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field("https://api.twilio.com", description="Of the API; another one's where it looks alike.")
    account_sid: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="Who we are: part of each address.")
    auth_token: SecretStr = Field(min_length=1, description="Logs in, and signs the callbacks.")
    messaging_service_sid: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
        description="Chooses the sender on their side, instead of the text's own.",
    )
    window: int = Field(50, ge=1, le=1000, description="Requests at a time.")
    parts_per_s: float | None = Field(None, gt=0, description="The contract's rate, in segments.")

    @field_validator("base_url")
    @classmethod
    def _plain_address(cls, value: str) -> str:
        url = AnyHttpUrl(value)
        if url.query or url.fragment or url.username or url.password:
            raise ValueError("only scheme, host, port and path")
        return value.rstrip("/")


class TwilioCarrier:
    silence_limit_s = math.inf  # a request may lie anywhere on its way; no silence proves that it is dead

    def __init__(self, settings: TwilioSettings, place: Place) -> None:
        self.name = place.name
        self.window = settings.window
        self._settings = settings
        self._place = place
        self._token = settings.auth_token.get_secret_value()
        self._messages = f"{settings.base_url}/2010-04-01/Accounts/{settings.account_sid}/Messages"
        basic = base64.b64encode(f"{settings.account_sid}:{self._token}".encode()).decode()
        self._headers = {"Authorization": f"Basic {basic}", "Accept": "application/json"}
        self._line = HttpLine(place.name, settings.window)
        self._capabilities = Capabilities(
            own_reference=bool(place.callbacks_url), query=True, parts_per_s=settings.parts_per_s
        )

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    @property
    def connected(self) -> bool:
        return self._line.usable

    @property
    def trouble(self) -> str:
        return self._line.trouble

    async def submit(self, parts: Sequence[Part], write_by: float = math.inf) -> list[Answer]:
        write_by = min(write_by, self._place.may_write_until())

        async def post(part: Part) -> Answer:
            try:
                body = wire.form(part, self._settings.messaging_service_sid, self._place.callbacks_url)
            except UnicodeEncodeError:
                return NO_TEXT
            headers = {**self._headers, "Content-Type": FORM}
            answered = await self._line.exchange("POST", f"{self._messages}.json", headers, body, write_by)
            return wire.answer(answered) if isinstance(answered, Answered) else answered

        return await self._line.answers(parts, post, write_by)

    async def query(self, references: Sequence[tuple[str, str]]) -> list[Receipt | None]:
        one_by_one = asyncio.Semaphore(max(1, self.window // 4))  # the texts go first

        async def ask(sid: str) -> Receipt | None:
            async with one_by_one:
                answered = await self._line.exchange(
                    "GET", f"{self._messages}/{quote(sid, safe='')}.json", self._headers, b""
                )
            return wire.queried(answered, now()) if isinstance(answered, Answered) else None

        return await asyncio.gather(*(ask(sid) for sid, _ in references))

    async def listen(self, arrivals: Arrivals) -> None:
        """What comes in comes by callbacks; here is only watched whether the far side can be reached."""
        account = f"{self._settings.base_url}/2010-04-01/Accounts/{self._settings.account_sid}.json"
        await self._line.listen(lambda: self._line.exchange("GET", account, self._headers, b""))

    async def close(self) -> None:
        await self._line.close()

    # -- callbacks -----------------------------------------------------------------------------------------------

    def authenticate(self, callback: Callback) -> CallbackAnswer:
        """The signature covers the address that we gave them, whatever a proxy on the way made of it."""
        query = urlsplit(callback.url).query
        url = f"{self._place.callbacks_url}/{callback.path}" + (f"?{query}" if query else "")
        try:
            fields = wire.fields_of(callback.body) if callback.method == "POST" else []
        except ValueError:
            raise Unauthentic("the body is no form") from None
        if not wire.signed_by(self._token, url, fields, callback.headers.get("x-twilio-signature", "")):
            raise Unauthentic("the signature is not right")
        return TWIML if callback.path == wire.INBOUND_PATH else STORED

    def read(self, callback: Callback) -> Said:
        query = urlsplit(callback.url).query
        fields = dict(wire.fields_of(callback.body if callback.method == "POST" else query.encode()))
        match callback.path:
            case wire.STATUS_PATH:
                raw = callback.body.decode()
                return Said(receipts=[wire.receipt(fields, query, callback.at, raw)])
            case wire.INBOUND_PATH:
                return Said(texts=[wire.arrived(fields, callback.at)])
        raise ValueError("neither a status nor a text")
