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

S = HTTPStatus
STATUSES: Mapping[Code, HTTPStatus] = {
    Code.SESSION_EXPIRED: S.UNAUTHORIZED,
    Code.WRONG_CREDENTIALS: S.UNAUTHORIZED,
    Code.PERMISSION_DENIED: S.FORBIDDEN,
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


def problem(
    status: int,
    code: str,
    detail: str = "",
    headers: Mapping[str, str] | None = None,
    errors: list[FieldError] | None = None,
    **ids: UUID | None,
) -> Response:
    said = Problem(
        type=f"urn:heliograph:problem:{code}",
        title=code.replace("_", " ").capitalize(),
        status=status,
        code=code,
        detail=detail,
        errors=errors or [],
        **ids,
    )
    body = said.model_dump(mode="json", exclude_defaults=True)
    return JSONResponse(body, status, headers, "application/problem+json")


async def refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    status = STATUSES[error.code]
    headers: dict[str, str] = {}
    if status == S.UNAUTHORIZED:
        told = "authorization" in request.headers and error.code is Code.SESSION_EXPIRED
        headers["www-authenticate"] = 'Bearer error="invalid_token"' if told else "Bearer"
    if status == S.SERVICE_UNAVAILABLE:
        headers["retry-after"] = RETRY_AFTER_S
        return problem(status, error.code, error.detail, headers, idempotency_key=_key_of(request))
    return problem(status, error.code, error.detail, headers)


async def unanswered(request: Request, error: Exception) -> Response:
    assert isinstance(error, Unanswered)
    detail = "No answer came in time: it may have been done. Asking again with this Idempotency-Key is safe."
    headers = {"retry-after": RETRY_AFTER_S}
    return problem(S.GATEWAY_TIMEOUT, "unanswered", detail, headers, id=error.id, idempotency_key=_key_of(request))


async def invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [
        FieldError(at=".".join(str(part) for part in each["loc"]), detail=each["msg"])
        for each in error.errors()[:ERRORS_TOLD_MAX]
    ]
    return problem(S.BAD_REQUEST, Code.INVALID_REQUEST, "The request makes no sense: see errors.", errors=errors)


async def http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = HTTP_CODES.get(error.status_code, f"http_{error.status_code}")
    return problem(error.status_code, code, error.detail, error.headers)


async def gone(_: Request, __: Exception) -> Response:
    """The client went away in the middle of its body: nobody reads this."""
    return problem(S.BAD_REQUEST, Code.INVALID_REQUEST, "The request is incomplete.")


async def failed(request: Request, error: Exception) -> Response:
    log.error("request_failed", path=request.scope["route"].path if "route" in request.scope else "", exc_info=error)
    return problem(S.INTERNAL_SERVER_ERROR, "internal_error", "An error has occurred.")


def _key_of(request: Request) -> UUID | None:
    key: UUID | None = getattr(request.state, "idempotency_key", None)
    return key


HANDLERS: Mapping[Any, Any] = {
    Refusal: refused,
    Unanswered: unanswered,
    RequestValidationError: invalid,
    HTTPException: http_error,
    ClientDisconnect: gone,
    Exception: failed,
}


def answer_problems(app: FastAPI) -> None:
    for error, handler in HANDLERS.items():
        app.add_exception_handler(error, handler)
