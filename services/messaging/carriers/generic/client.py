"""A carrier that exists by its settings alone: one request a text, read and called back as they say.

Owns nothing but the filling in. A text is asked for once: where the answer is lost it is Unknown.
See settings.py for what can be said, http.py for what counts as written.
"""

import base64
import math
from collections.abc import Sequence
from urllib.parse import urlsplit

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
from services.messaging.carriers.generic import reading, templates
from services.messaging.carriers.generic.settings import GenericSettings
from services.messaging.carriers.http import Answered, HttpLine

NO_TEXT = Refused(Refusal.BAD_TEXT)


class GenericCarrier:
    silence_limit_s = math.inf  # a request may lie anywhere on its way; no silence proves that it is dead

    def __init__(self, settings: GenericSettings, place: Place) -> None:
        self.name = place.name
        self.window = settings.window
        self._settings = settings
        self._place = place
        self._url = templates.parse(settings.sending.url)
        self._secrets = {name: secret.get_secret_value() for name, secret in settings.secrets.items()}
        address = urlsplit(settings.sending.url)
        self._origin = f"{address.scheme}://{address.netloc}/"
        self._line = HttpLine(place.name, settings.window)
        receipts = settings.callbacks.receipts if settings.callbacks else None
        self._receipts_path = receipts.path if receipts else ""
        names_the_text = bool(place.callbacks_url and receipts and receipts.text_id)
        self._capabilities = Capabilities(
            alphanumeric_senders=settings.alphanumeric_senders,
            own_reference=names_the_text,
            parts_per_s=settings.parts_per_s,
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

        async def ask(part: Part) -> Answer:
            values = self._values(part)
            try:
                url = templates.fill(self._url, values, templates.percent)
                headers, body = self._headers(values), self._body(values)
            except (UnicodeEncodeError, TypeError):  # a lone surrogate: no text
                return NO_TEXT
            answered = await self._line.exchange(self._settings.sending.method, url, headers, body, write_by)
            return reading.answer(self._settings.answering, answered) if isinstance(answered, Answered) else answered

        return await self._line.answers(parts, ask, write_by)

    def _values(self, part: Part) -> dict[str, str]:
        callback_url = f"{self._place.callbacks_url}/{self._receipts_path}?text={part.text_id}"
        values = {
            "to": part.number,
            "to_digits": part.number.removeprefix("+"),
            "from": part.sender,
            "text": part.body,
            "text_id": str(part.text_id),
            "callback_url": callback_url if self._place.callbacks_url else "",
            "validity_s": str(part.validity_s),
        }
        return values | {templates.SECRET + name: value for name, value in self._secrets.items()}

    def _headers(self, values: templates.Values) -> dict[str, str]:
        sending = self._settings.sending
        headers = {"accept": "*/*"}
        if sending.json_body is not None:
            headers["content-type"] = "application/json"
        if sending.form_body is not None:
            headers["content-type"] = "application/x-www-form-urlencoded"
        if sending.basic_auth:
            pair = f"{sending.basic_auth.user}:{self._secrets[sending.basic_auth.password]}"
            headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        for name, template in sending.headers.items():
            headers[name.lower()] = templates.fill(templates.parse(template), values, templates.as_it_is)
        return headers

    def _body(self, values: templates.Values) -> bytes:
        sending = self._settings.sending
        if sending.form_body is not None:
            return templates.form(sending.form_body, values)
        return b"" if sending.json_body is None else templates.json(sending.json_body, values)

    async def query(self, references: Sequence[tuple[str, str]]) -> list[Receipt | None]:
        raise NotImplementedError("a configured carrier cannot be asked")

    async def listen(self, arrivals: Arrivals) -> None:
        """What comes in comes by callbacks; here is only watched whether the far side can be reached."""
        await self._line.listen(lambda: self._line.exchange("HEAD", self._origin, {}, b""))

    async def close(self) -> None:
        await self._line.close()

    # -- callbacks -----------------------------------------------------------------------------------------------

    def authenticate(self, callback: Callback) -> CallbackAnswer:
        callbacks = self._settings.callbacks
        if callbacks is None:
            raise Unauthentic("no callbacks are configured")
        if not reading.authentic(callbacks.authentication, self._secrets[callbacks.authentication.secret], callback):
            raise Unauthentic("the proof is not right")
        return CallbackAnswer(callbacks.answer.status, callbacks.answer.content_type, callbacks.answer.body)

    def read(self, callback: Callback) -> Said:
        callbacks = self._settings.callbacks
        if callbacks and callbacks.receipts and callback.path == callbacks.receipts.path:
            return Said(receipts=reading.receipts(callbacks.receipts, callback))
        if callbacks and callbacks.texts and callback.path == callbacks.texts.path:
            return Said(texts=reading.texts(callbacks.texts, callback))
        raise ValueError(f"neither a receipt's nor a text's path: {callback.path[:50]}")
