"""The documented surface as OpenAPI: paths and schemas from the same table that routes, reads and answers.

Owns the translation of a row into OpenAPI's terms (3.1, so schemas are JSON Schema 2020-12). An answer in XML is shown by its sample: its StatusEnum is
a name where JSON has a number, so no one schema says both. Never describes /v2: FastAPI does.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from services.gateway.documented.operation import Operation, Param
from services.gateway.documented.operations import OPERATIONS
from services.gateway.documented.samples import answer_sample, request_sample
from services.gateway.documented.shapes import BareString, Field, ListOf, Model, Scalar, Type, title
from services.gateway.documented.statuses import MEANINGS, StatusSet
from services.gateway.formats.negotiation import ANSWER_MEDIA_TYPES, FORMATS, REQUEST_MEDIA_TYPES, Format

Json = dict[str, Any]

REFUSED = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
)
ERROR = {
    "type": "object",
    "properties": {"Message": {"type": "string"}, "MessageDetail": {"type": "string"}},
    "required": ["Message"],
}
SCALARS: dict[Scalar, Json] = {
    Scalar.STRING: {"type": "string"},
    Scalar.INTEGER: {"type": "integer", "format": "int32", "minimum": -(2**31), "maximum": 2**31 - 1},
    Scalar.BOOLEAN: {"type": "boolean"},
    Scalar.DATE: {"type": "string", "description": "ISO 8601; without an offset it is UK time."},
}


def paths() -> Json:
    """Every operation, by path and method."""
    described: Json = {}
    for operation in OPERATIONS:
        path = "/" + operation.path.partition("?")[0]
        described.setdefault(path, {})[operation.method.lower()] = _operation(operation)
    return described


def schemas() -> Json:
    """What the paths refer to, by name."""
    found: Json = {"Error": ERROR}
    for operation in OPERATIONS:
        if isinstance(operation.body, Model):
            _collect(found, operation.body, None)
        if isinstance(operation.answer.shape, Model):
            _collect(found, operation.answer.shape, operation.answer.statuses)
    return found


def _operation(operation: Operation) -> Json:
    described: Json = {
        "tags": [f"documented: {operation.group}"],
        "operationId": operation.help_id,
        "summary": operation.description,
        "parameters": [
            *(_param(each, "path") for each in operation.path_params),
            *(_param(each, "query") for each in operation.query_params),
        ],
        "responses": _answers(operation),
        "security": [],  # the token is a parameter, or in the body
    }
    if operation.body is not None:
        described["requestBody"] = {"description": operation.body_doc, "content": _bodies(operation)}
    return described


def _param(param: Param, place: str) -> Json:
    schema = SCALARS[param.type] | ({"minLength": 1} if place == "path" and param.type is Scalar.STRING else {})
    described: Json = {"name": param.name, "in": place, "required": place == "path" or param.required, "schema": schema}
    return described | ({"description": param.doc} if param.doc else {})


def _bodies(operation: Operation) -> Json:
    schema = {"type": "string"} if isinstance(operation.body, BareString) else _ref(operation.body)
    bodies: Json = {}
    for media_type in REQUEST_MEDIA_TYPES:
        format = FORMATS[media_type]
        if format is Format.FORM:
            bodies[media_type] = {"schema": {"type": "object"}}  # fields by name; lists as Name[0].Field
        elif format is Format.XML:
            bodies[media_type] = {"schema": {"type": "string"}, "example": request_sample(format, operation)}
        else:
            bodies[media_type] = {"schema": schema}
    return bodies


def _answers(operation: Operation) -> Json:
    answer = operation.answer
    errors = {
        str(int(status)): {"description": status.phrase, "content": _content(_error_schema())} for status in REFUSED
    }
    if answer.shape is None:
        return {"204": {"description": "Done."}} | errors
    schema = _ref(answer.shape) if isinstance(answer.shape, Model) else {"type": "string"}
    content = _content(schema, answer_sample(Format.XML, operation))
    return {"200": {"description": answer.doc or "What StatusEnum says.", "content": content}} | errors


def _content(json_schema: Json, xml_sample: str = "") -> Json:
    xml: Json = {"schema": {"type": "string"}} | ({"example": xml_sample} if xml_sample else {})
    return {each: {"schema": json_schema} if FORMATS[each] is Format.JSON else xml for each in ANSWER_MEDIA_TYPES}


def _error_schema() -> Json:
    return {"$ref": "#/components/schemas/Error"}


def _ref(model: Type | BareString | None) -> Json:
    assert isinstance(model, Model)
    return {"$ref": f"#/components/schemas/{title(model)}"}


def _collect(found: Json, model: Model, statuses: StatusSet | None) -> None:
    """The model's schema, and those of the models that stand in it."""
    found[title(model)] = {
        "type": "object",
        "properties": {field.name: _field(field, statuses) for field in model.fields},
    } | ({"required": [field.name for field in model.fields]} if statuses else {})
    for field in model.fields:
        inner = field.type.item if isinstance(field.type, ListOf) else field.type
        if isinstance(inner, Model):
            _collect(found, inner, None)


def _field(field: Field, statuses: StatusSet | None) -> Json:
    schema = _schema(field.type, statuses)
    if field.doc:
        schema = schema | {"description": field.doc}
    return {"anyOf": [schema, {"type": "null"}]} if field.nullable else schema


def _schema(shape: Type, statuses: StatusSet | None) -> Json:
    match shape:
        case Model():
            return _ref(shape)
        case ListOf():
            return {"type": "array", "items": _schema(shape.item, statuses)}
        case Scalar.STATUS:
            assert statuses is not None
            meanings = "; ".join(f"{int(each)} {each.name}: {MEANINGS[each]}" for each in statuses.members)
            return {"type": "integer", "enum": [int(each) for each in statuses.members], "description": meanings}
        case Scalar.STATUS_NAME:
            assert statuses is not None
            return {"type": "string", "enum": [each.name for each in statuses.members]}
        case _:
            return SCALARS[shape]
