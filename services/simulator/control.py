"""The control: what people, tests and demos do with the network over HTTP.

Owns the check of what comes in and the shape of what goes out. Decides nothing: `network` does.
The routes are the table at the end.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.simulator.accounts import Account, Accounts
from services.simulator.faults import DELAY_MS_MAX, Fault
from services.simulator.network import EMBEDDED, Network
from services.simulator.rules import RECEIPT_DELAY_MS, TEXT_CHARACTERS_MAX, Behaviour, Fate
from services.simulator.session import Binds, Session
from services.simulator.smpp_session import SmppSession

BODY_BYTES_MAX = 32 << 20  # 10,000 texts of 1,600 characters, two bytes each
TEXTS_PER_BULK_MAX = 10_000
LOG_LINES_DEFAULT, LOG_LINES_MAX = 1_000, 10_000

Number = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{6,14}$")]
To = Annotated[str, Field(pattern=r"^(\+?[0-9]{3,15}|[ -~]{1,11})$")]
Words = Annotated[str, Field(min_length=1, max_length=TEXT_CHARACTERS_MAX)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class TextTo(Strict):
    to: To
    text: Words
    account: str | None = None


class TextFrom(Strict):
    sender: Number = Field(alias="from")
    to: To
    text: Words


class SessionOrder(Strict):
    """Ends or silences the sessions of an account at once, whatever they are doing."""

    account: str
    do: Literal["disconnect", "half_open", "unbind"]


class BehaviourOrder(Strict):
    number_prefix: str = Field("", pattern=r"^(\+[0-9]{0,15})?$")
    receipt: Fate = Fate.DELIVERED
    delay_ms: int = Field(RECEIPT_DELAY_MS, ge=0, le=DELAY_MS_MAX)
    reply: Words | None = None
    error: str | None = Field(None, pattern=r"^[a-z0-9_]{1,32}$")
    on_air_ms: int = Field(0, ge=0, le=DELAY_MS_MAX)
    accepted_first: bool = False
    refused: str | None = Field(None, pattern=r"^[a-z0-9_]{1,32}$")
    network: str | None = Field(None, min_length=1, max_length=32)


NUMBER: TypeAdapter[str] = TypeAdapter(Number)
TEXT: TypeAdapter[TextTo] = TypeAdapter(TextTo)
BULK: TypeAdapter[list[TextFrom]] = TypeAdapter(Annotated[list[TextFrom], Field(max_length=TEXTS_PER_BULK_MAX)])
FAULTS: TypeAdapter[Fault | list[Fault]] = TypeAdapter(Fault | list[Fault])
BEHAVIOURS: TypeAdapter[BehaviourOrder | list[BehaviourOrder]] = TypeAdapter(BehaviourOrder | list[BehaviourOrder])
ACCOUNTS: TypeAdapter[Account | list[Account]] = TypeAdapter(Account | list[Account])
SESSIONS: TypeAdapter[SessionOrder] = TypeAdapter(SessionOrder)


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(value), status, headers, "application/json")


async def wrong(_: Request, error: Exception) -> Response:
    """What the caller did wrong, by field, without repeating texts."""
    assert isinstance(error, ValidationError)
    details = [{"at": list(each["loc"]), "what": each["msg"]} for each in error.errors()[:20]]
    return answer({"error": "invalid", "details": details}, 400)


async def refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return answer({"error": error.detail}, error.status_code, error.headers)


async def body_of(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise HTTPException(413, f"more than {BODY_BYTES_MAX} bytes")
    return bytes(body)


def count_of(request: Request, name: str, default: int, largest: int) -> int:
    """A number from the query, held to its limits."""
    given = request.query_params.get(name, str(default))
    if not given.isascii() or not given.isdigit() or len(given) > 18:
        raise HTTPException(400, f"{name} must be a whole number")
    return min(int(given), largest)


class Control:
    def __init__(self, network: Network, binds: Binds, accounts: Accounts) -> None:
        self._network = network
        self._binds = binds
        self._accounts = accounts

    async def messages(self, request: Request) -> Response:
        number = NUMBER.validate_python(request.path_params["number"])
        return answer(self._network.messages_of(number))

    async def text_in(self, request: Request) -> Response:
        number = NUMBER.validate_python(request.path_params["number"])
        text = TEXT.validate_json(await body_of(request))
        (carrier_id,) = self._network.text_in([(number, text.to, text.text)], text.account)
        return answer({"id": carrier_id}, 202)

    async def texts_in(self, request: Request) -> Response:
        """All or none: one wrong item refuses the whole. `?account=` says whose they are."""
        texts = BULK.validate_json(await body_of(request))
        ids = self._network.text_in(
            [(each.sender, each.to, each.text) for each in texts], request.query_params.get("account")
        )
        return answer({"accepted": len(ids)}, 202)

    async def log(self, request: Request) -> Response:
        after = count_of(request, "after", 0, 1 << 62)
        limit = count_of(request, "limit", LOG_LINES_DEFAULT, LOG_LINES_MAX)
        return Response(self._network.log(after, limit), media_type="application/x-ndjson")

    async def stats(self, _: Request) -> Response:
        sessions: list[dict[str, Any]] = [
            {"bind": name, "epoch": session.epoch, "account": EMBEDDED}
            for name, session in self._binds.sessions.items()
        ]
        for smpp in self._accounts.all_sessions():
            sessions.append({"bind": smpp.system_id, "account": smpp.account, "bound_as": smpp.bound_as})
        return answer(self._network.stats() | {"silent_closed": self._binds.silent_closed, "sessions": sessions})

    async def faults(self, request: Request) -> Response:
        if request.method == "POST":
            ordered = FAULTS.validate_json(await body_of(request))
            self._network.faults.add(ordered if isinstance(ordered, list) else [ordered])
        elif request.method == "DELETE":
            self._network.faults.clear()
        return answer(self._network.faults.report())

    async def behaviour(self, request: Request) -> Response:
        if request.method == "POST":
            ordered = BEHAVIOURS.validate_json(await body_of(request))
            orders = ordered if isinstance(ordered, list) else [ordered]
            self._network.behave([Behaviour(**each.model_dump()) for each in orders])
        elif request.method == "DELETE":
            self._network.behave_as_usual()
        return answer(self._network.behaviours)

    async def accounts(self, request: Request) -> Response:
        """Of SMPP. A change counts from the next bind on."""
        if request.method == "POST":
            ordered = ACCOUNTS.validate_json(await body_of(request))
            self._accounts.order(ordered if isinstance(ordered, list) else [ordered])
        elif request.method == "DELETE":
            self._accounts.as_usual()
        return answer([each.model_dump(exclude={"password"}) for each in self._accounts.report()])

    async def sessions(self, request: Request) -> Response:
        order = SESSIONS.validate_json(await body_of(request))
        here: list[Session | SmppSession] = [*self._binds.sessions.values(), *self._accounts.all_sessions()]
        meant = [session for session in here if session.account == order.account]
        for session in meant:
            if order.do == "half_open":
                session.fall_silent()
            elif order.do == "unbind" and isinstance(session, SmppSession):
                session.shut_down("ordered")
            else:
                session.close("ordered")
        return answer({"sessions": len(meant)})

    async def reset(self, _: Request) -> Response:
        self._network.reset()
        self._accounts.as_usual()
        return answer({})

    def app(self) -> Starlette:
        routes = [
            Route("/handsets/messages", self.texts_in, methods=["POST"]),
            Route("/handsets/behaviour", self.behaviour, methods=["GET", "POST", "DELETE"]),
            Route("/handsets/{number}/messages", self.messages, methods=["GET"]),
            Route("/handsets/{number}/messages", self.text_in, methods=["POST"]),
            Route("/log", self.log, methods=["GET"]),
            Route("/stats", self.stats, methods=["GET"]),
            Route("/faults", self.faults, methods=["GET", "POST", "DELETE"]),
            Route("/accounts", self.accounts, methods=["GET", "POST", "DELETE"]),
            Route("/sessions", self.sessions, methods=["POST"]),
            Route("/reset", self.reset, methods=["POST"]),
        ]
        return Starlette(routes=routes, exception_handlers={ValidationError: wrong, HTTPException: refused})
