"""/docs: the OpenAPI document as one plain page, without scripts or outside parts, as /Help is for the documented surface.

Owns what it looks like. All it says comes from the document, so the page cannot be out of date. Never loads a script, a font or a picture.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from services.gateway.documented.help import STYLE

router = APIRouter(include_in_schema=False)

Json = Mapping[str, Any]

MORE_STYLE = """
h3 { margin-top: 2rem } h3 b { display: inline-block; min-width: 4.5rem } p { margin: .5rem 0 }
ul.index { list-style: none; padding: 0 } ul.index li { padding: .1rem 0 }
"""
INTRO = """
<h1>Heliograph API, version 2</h1>
<p>JSON over HTTP. Log in with <a href="#log_in"><code>POST /v2/sessions</code></a>, or have an
<a href="#create_api_key">API key</a>, and send it with each request: <code>Authorization: Bearer &lt;token&gt;</code>.</p>
<p>What goes wrong is told as <code>application/problem+json</code>: go by its <code>code</code>. Pages are
<code>{"items": [...], "after": "..."}</code>: ask again with <code>?after=</code> until it is null. A repeat with the same
<code>Idempotency-Key</code> (a UUIDv7) changes nothing more. Times are UTC.</p>
<p>As a document for programs: <a href="/openapi.json">/openapi.json</a>. The documented surface, <code>/api</code>, is at the
end of this page; its samples in JSON and XML are at <a href="/Help">/Help</a>.</p>
"""


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    return HTMLResponse(page(request.app.openapi()))


def page(document: Json) -> str:
    operations = [
        (operation["tags"][0], method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    groups = [(tag, list(group)) for tag, group in groupby(operations, key=lambda operation: operation[0])]
    schemas = document["components"]["schemas"]
    index = "".join(
        f"<h2>{escape(tag[0].upper() + tag[1:])}</h2><ul class='index'>"
        + "".join(f"<li>{_link(method, path, operation)}</li>" for _, method, path, operation in group)
        + "</ul>"
        for tag, group in groups
    )
    parts = [
        _operation(schemas, method, path, operation) for _, group in groups for _, method, path, operation in group
    ]
    models = [_model(schemas, name, schema) for name, schema in sorted(schemas.items())]
    return _html("".join([INTRO, index, "<h2>Operations</h2>", *parts, "<h2>Models</h2>", *models]))


def _html(body: str) -> str:
    head = f'<meta charset="utf-8"><title>Heliograph API</title><style>{STYLE}{MORE_STYLE}</style>'
    return f'<!DOCTYPE html><html lang="en"><head>{head}</head><body>{body}</body></html>'


def _link(method: str, path: str, operation: Json) -> str:
    said = _prose(_first_sentence(_said(operation)))
    return f'<a href="#{operation["operationId"]}"><code>{method} {escape(path)}</code></a> {said}'


def _said(operation: Json) -> str:
    said: str = operation.get("description") or operation["summary"]
    return said


def _first_sentence(text: str) -> str:
    return text.split("\n\n")[0].partition(". ")[0].rstrip(".:")


def _prose(text: str) -> str:
    """As Markdown has it, as far as our descriptions need it: `code`."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _operation(schemas: Json, method: str, path: str, operation: Json) -> str:
    said = "".join(f"<p>{_prose(part)}</p>" for part in _said(operation).split("\n\n") if part)
    heading = f'<h3 id="{operation["operationId"]}"><b>{method}</b> <code>{escape(path)}</code></h3>'
    return "".join(
        [
            heading,
            said,
            _params(schemas, operation.get("parameters", ())),
            _body(schemas, operation.get("requestBody")),
            _answers(operation["responses"]),
            f"<pre>{escape(_curl(schemas, method, path, operation))}</pre>",
        ]
    )


def _params(schemas: Json, params: Iterable[Json]) -> str:
    rows = [
        (
            f"<code>{escape(each['name'])}</code>",
            escape(each["in"]),
            _type(each["schema"]),
            "required" if each.get("required") else "",
            _prose(each.get("description", each["schema"].get("description", ""))),
        )
        for each in params
    ]
    return _table(("Parameter", "In", "Type", "", ""), rows)


def _body(schemas: Json, body: Json | None) -> str:
    if body is None:
        return ""
    media_type, content = next(iter(body["content"].items()))
    return f"<p>Body, <code>{escape(media_type)}</code>: {_type(content['schema'])}</p>"


def _answers(responses: Json) -> str:
    rows = []
    for status, response in responses.items():
        content = next(iter(response.get("content", {}).values()), None)
        said = response["description"] if int(status) >= 400 else ""
        rows.append((status, _type(content["schema"]) if content else "no body", _codes(said)))
    return _table(("Status", "Answer", "Codes"), rows)


def _codes(description: str) -> str:
    return ", ".join(f"<code>{escape(code.strip('`'))}</code>" for code in description.split(", ") if code)


def _curl(schemas: Json, method: str, path: str, operation: Json) -> str:
    parts = ["curl -s"] + ([] if method in ("GET", "POST") else [f"-X {method}"])
    if operation.get("security"):
        parts.append('-H "Authorization: Bearer $TOKEN"')
    if body := operation.get("requestBody"):
        media_type, content = next(iter(body["content"].items()))
        example = _example(schemas, content["schema"])
        if media_type == "application/json":
            written = json.dumps(example, ensure_ascii=False).replace("'", "'\\''")
            parts.append(f"--json '{written}'")
        else:
            parts.append(f"-H 'Content-Type: {media_type}' --data-binary @file.csv")
    elif method == "POST":
        parts.append("-X POST")
    return " ".join([*parts, f"http://127.0.0.1:8080{path}"])


def _example(schemas: Json, schema: Json) -> Any:
    """The model's own example, else one made of its required fields."""
    schema = _resolved(schemas, schema)
    if "example" in schema or "default" in schema:
        return schema.get("example", schema.get("default"))
    if variants := schema.get("oneOf") or schema.get("anyOf"):
        return _example(schemas, variants[0])
    if "enum" in schema or "const" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    match schema.get("type"):
        case "object":
            required = schema.get("required") or list(schema.get("properties", {}))
            return {name: _example(schemas, schema["properties"][name]) for name in required}
        case "array":
            return [_example(schemas, schema["items"])]
        case "integer" | "number":
            return max(1, schema.get("minimum", 1))
        case "boolean":
            return True
    return "..."


def _resolved(schemas: Json, schema: Json) -> Json:
    found: Json = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return found


def _model(schemas: Json, name: str, schema: Json) -> str:
    heading = f'<h3 id="{escape(name)}">{escape(_title(name))}</h3><p>{_prose(schema.get("description", ""))}</p>'
    if "enum" in schema:
        return heading + f"<p>{_codes(', '.join(schema['enum']))}</p>"
    required = schema.get("required", ())
    rows = [
        (
            f"<code>{escape(field)}</code>",
            _type(each),
            "required" if field in required else "",
            _prose(each.get("description", "")),
        )
        for field, each in schema.get("properties", {}).items()
    ]
    return heading + _table(("Field", "Type", "", ""), rows)


def _type(schema: Json) -> str:
    return " or ".join(dict.fromkeys(_types(schema)))


def _types(schema: Json) -> Iterator[str]:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield f'<a href="#{escape(name)}">{escape(_title(name))}</a>'
    elif "anyOf" in schema or "oneOf" in schema:
        for each in schema.get("anyOf") or schema["oneOf"]:
            yield from _types(each)
    elif "enum" in schema:
        yield " or ".join(f"<code>{escape(json.dumps(each))}</code>" for each in schema["enum"])
    elif schema.get("type") == "array":
        yield f"list of {_type(schema['items'])}"
    elif isinstance(schema.get("additionalProperties"), dict):
        yield f"{_type(schema['additionalProperties'])} by name"
    else:
        yield escape(schema.get("format") or schema.get("type", "anything"))


def _title(name: str) -> str:
    """Page_Message_ is a page of Message."""
    return f"Page of {name[5:].strip('_')}" if name.startswith("Page_") else name


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th>{each}</th>" for each in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"
