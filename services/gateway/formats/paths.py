"""Paths: from a request's method, path and query to an operation and its parameters.

Owns the documented surface's routing: literals and query names without regard to case, values untouched. One look-up by
the path's literals and its number of parameters; the table is never scanned. Works on the raw path, so that %2F stays
inside its segment.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote_to_bytes

from services.gateway.documented.operation import Operation, Param
from services.gateway.documented.operations import OPERATIONS
from services.gateway.formats.values import BadRequest, BadValue, read

QUERY_FIELDS_MAX = 100  # the documented surface knows two


@dataclass(frozen=True, slots=True)
class Matched:
    operation: Operation
    params: dict[str, object]  # by the documented names: str, int or datetime


@dataclass(frozen=True, slots=True)
class NotFound:
    pass


@dataclass(frozen=True, slots=True)
class WrongMethod:
    allowed: tuple[str, ...]


def _routes() -> dict[tuple[tuple[str, ...], int], dict[str, Operation]]:
    routes: dict[tuple[tuple[str, ...], int], dict[str, Operation]] = {}
    for operation in OPERATIONS:
        key = tuple(literal.lower() for literal in operation.literals), len(operation.path_params)
        assert operation.method not in routes.get(key, {}), operation.route
        routes.setdefault(key, {})[operation.method] = operation
    return routes


# (literals in lower case, number of parameters after them) -> method -> operation
ROUTES = _routes()
LITERAL_COUNTS = sorted({len(literals) for literals, _ in ROUTES}, reverse=True)  # two or three: api/Foo, api/Users/...


def match(method: str, raw_path: bytes, query_string: bytes) -> Matched | NotFound | WrongMethod:
    """`raw_path` with its percent signs, without the query. Raises BadRequest for a parameter that cannot be read."""
    segments = [_unquote(segment) for segment in raw_path.removeprefix(b"/").removesuffix(b"/").split(b"/")]
    for count in LITERAL_COUNTS:
        literals, values = tuple(_folded(segment) for segment in segments[:count]), segments[count:]
        methods = ROUTES.get((literals, len(values)))
        if methods is None or not all(values):
            continue
        if method not in methods:
            return WrongMethod(tuple(sorted(methods)))
        operation = methods[method]
        params = {param.name: _typed(param, value) for param, value in zip(operation.path_params, values, strict=True)}
        return Matched(operation, params | _query(operation, query_string))
    return NotFound()


def _folded(literal: str) -> str:
    """In small letters; as it is where it holds others than ASCII's, some of which have ASCII's for their small ones."""
    return literal.lower() if literal.isascii() else literal


def _unquote(segment: bytes) -> str:
    try:
        return unquote_to_bytes(segment).decode()
    except UnicodeDecodeError:
        raise BadRequest(400, "The request is invalid.", "The path is not UTF-8.") from None


def _query(operation: Operation, query_string: bytes) -> dict[str, object]:
    if not operation.query_params:
        return {}
    try:
        pairs = parse_qsl(query_string.decode(), errors="strict", max_num_fields=QUERY_FIELDS_MAX)
    except ValueError:
        detail = f"The query is not UTF-8, or has more than {QUERY_FIELDS_MAX} names."
        raise BadRequest(400, "The request is invalid.", detail) from None
    params: dict[str, object] = {}
    for param in operation.query_params:
        given = [value for name, value in pairs if name.lower() == param.name.lower()]
        if len(given) > 1:
            raise BadValue("given twice", param.name).as_bad_request()
        if given:
            params[param.name] = _typed(param, given[0])
        elif param.required:
            raise BadValue("is missing from the query", param.name).as_bad_request()
    return params


def _typed(param: Param, value: str) -> object:
    try:
        return read(param.type, value)
    except BadValue as bad:
        raise bad.within(param.name).as_bad_request() from None
