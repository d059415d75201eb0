"""Problems: what /v2 answers where it cannot do what was asked (RFC 9457, application/problem+json).

Owns the one table from a refusal's code to an HTTP status. Nothing that a client sends is answered 500. A problem never repeats what was sent:
it may be a text or a password.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from libs.common.bus import Unanswered
from libs.common.contracts.base import Code, Refusal

log = structlog.get_logger()

RETRY_AFTER_S = "2"
ERRORS_TOLD_MAX = 20
AT_CHARACTERS_MAX = 200

S = HTTPStatus
STATUSES: Mapping[Code, HTTPStatus] = {
    Code.SESSION_EXPIRED: S.UNAUTHORIZED,
    Code.WRONG_CREDENTIALS: S.UNAUTHORIZED,
    Code.PERMISSION_DENIED: S.FORBIDDEN,
    Code.COUNTRY_NOT_ALLOWED: S.FORBIDDEN,
    Code.NOT_FOUND: S.NOT_FOUND,
    Code.INVALID_REQUEST: S.BAD_REQUEST,
    Code.INVALID_NUMBER: S.BAD_REQUEST,
    Code.INVALID_SENDER: S.BAD_REQUEST,
    Code.INVALID_DATE: S.BAD_REQUEST,
    Code.INVALID_RULE: S.BAD_REQUEST,
    Code.TEXT_EMPTY: S.BAD_REQUEST,
    Code.TEXT_TOO_LONG: S.BAD_REQUEST,
    Code.TOO_MANY: S.BAD_REQUEST,
    Code.OPTED_OUT: S.CONFLICT,
    Code.WRONG_STATE: S.CONFLICT,
    Code.DUPLICATE: S.CONFLICT,
    Code.ALREADY_LINKED: S.CONFLICT,
    Code.NO_RECIPIENTS: S.CONFLICT,
    Code.MISSING_FIELDS: S.CONFLICT,
    Code.LIMIT_REACHED: S.TOO_MANY_REQUESTS,
    Code.DEADLINE_PASSED: S.SERVICE_UNAVAILABLE,
    Code.UNAVAILABLE: S.SERVICE_UNAVAILABLE,
}

# What HTTP itself refuses, by a name as stable as a Code.
HTTP_CODES: Mapping[int, str] = {
    S.BAD_REQUEST: Code.INVALID_REQUEST,
    S.NOT_FOUND: Code.NOT_FOUND,
    S.METHOD_NOT_ALLOWED: "method_not_allowed",
    S.REQUEST_ENTITY_TOO_LARGE: "too_large",
    S.UNSUPPORTED_MEDIA_TYPE: "unsupported_media_type",
}


# What any route may answer: the rest is the route's own.
ANYWHERE = (Code.INVALID_REQUEST, Code.SESSION_EXPIRED, Code.UNAVAILABLE, Code.DEADLINE_PASSED, "unanswered")
HTTP_STATUSES: Mapping[str, HTTPStatus] = {
    "unanswered": S.GATEWAY_TIMEOUT,
    "too_large": S.REQUEST_ENTITY_TOO_LARGE,
    "unsupported_media_type": S.UNSUPPORTED_MEDIA_TYPE,
}


def refuses(*codes: Code | str) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's responses of a route that refuses by these codes, and by those that any route may."""
    by_status: dict[HTTPStatus, list[str]] = {}
    for code in dict.fromkeys((*ANYWHERE, *codes)):
        status = STATUSES[code] if isinstance(code, Code) else HTTP_STATUSES[code]
        by_status.setdefault(status, []).append(f"`{code}`")
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        int(status): {"description": ", ".join(names), "content": content}
        for status, names in sorted(by_status.items())
    }


class FieldError(BaseModel):
    at: str
    detail: str


class Problem(BaseModel):
    """`id` and `idempotency_key` where it may have been done, or may be asked again: see Idempotency-Key."""

    type: str
    title: str
    status: int
    code: str
    detail: str = ""
    errors: list[FieldError] = Field(default_factory=list)
    id: UUID | None = None
    idempotency_key: UUID | None = None


def described(error: Refusal | Unanswered, key: UUID | None = None) -> Problem:
    """`key`: with what it may be asked again, where that is worth it."""
    if isinstance(error, Unanswered):
        detail = "No answer came in time: it may have been done. Asking again with this Idempotency-Key is safe."
        return _problem(S.GATEWAY_TIMEOUT, "unanswered", detail, id=error.id, idempotency_key=key)
    status = STATUSES[error.code]
    again = key if status == S.SERVICE_UNAVAILABLE else None
    return _problem(status, error.code, error.detail, idempotency_key=again)


def _problem(status: int, code: str, detail: str = "", **more: Any) -> Problem:
    title = code.replace("_", " ").capitalize()
    return Problem(type=f"urn:heliograph:problem:{code}", title=title, status=status, code=code, detail=detail, **more)


def _response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    body = problem.model_dump(mode="json", exclude_defaults=True)
    return JSONResponse(body, problem.status, headers, "application/problem+json")


async def refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal | Unanswered)
    problem = described(error, _key_of(request))
    headers: dict[str, str] = {}
    if problem.status == S.UNAUTHORIZED:
        told = "authorization" in request.headers and problem.code == Code.SESSION_EXPIRED
        headers["www-authenticate"] = 'Bearer error="invalid_token"' if told else "Bearer"
    if problem.status in (S.SERVICE_UNAVAILABLE, S.GATEWAY_TIMEOUT):
        headers["retry-after"] = RETRY_AFTER_S
    if isinstance(error, Refusal) and error.retry_after_s:
        headers["retry-after"] = str(error.retry_after_s)
    return _response(problem, headers)


async def invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [
        FieldError(at=_plain(".".join(str(part) for part in each["loc"])), detail=_plain(each["msg"]))
        for each in error.errors()[:ERRORS_TOLD_MAX]
    ]
    detail = "The request makes no sense: see errors."
    return _response(_problem(S.BAD_REQUEST, Code.INVALID_REQUEST, detail, errors=errors))


def _plain(text: str) -> str:
    """A field's name may be a client's invention, and no Unicode at all."""
    return text.encode("ascii", "backslashreplace").decode()[:AT_CHARACTERS_MAX]


async def http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = HTTP_CODES.get(error.status_code, f"http_{error.status_code}")
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    if error.status_code == S.METHOD_NOT_ALLOWED and "route" in request.scope:
        methods = request.app.state.methods
        path = request.url.path if request.url.path in methods else request.scope["route"].path
        headers["allow"] = ", ".join(methods[path])  # not this route's alone
    return _response(_problem(error.status_code, code, error.detail), headers)


async def gone(_: Request, __: Exception) -> Response:
    """The client went away in the middle of its body: nobody reads this."""
    return _response(_problem(S.BAD_REQUEST, Code.INVALID_REQUEST, "The request is incomplete."))


async def failed(request: Request, error: Exception) -> Response:
    log.error("request_failed", path=request.scope["route"].path if "route" in request.scope else "", exc_info=error)
    return _response(_problem(S.INTERNAL_SERVER_ERROR, "internal_error", "An error has occurred."))


def _key_of(request: Request) -> UUID | None:
    key: UUID | None = getattr(request.state, "idempotency_key", None)
    return key


HANDLERS: Mapping[Any, Any] = {
    Refusal: refused,
    Unanswered: refused,
    RequestValidationError: invalid,
    HTTPException: http_error,
    ClientDisconnect: gone,
    Exception: failed,
}


def answer_problems(app: FastAPI) -> None:
    for error, handler in HANDLERS.items():
        app.add_exception_handler(error, handler)
