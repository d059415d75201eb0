"""Help: the pages at /Help, an index and one page an operation, as plain HTML without scripts or outside parts.

Owns what they look like. All they say comes from the table, the statuses and the samples, so a page cannot be out of
date. Never loads a script, a font or a picture.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from itertools import groupby

from services.gateway.documented.operation import Operation, Param
from services.gateway.documented.operations import OPERATIONS
from services.gateway.documented.samples import answer_sample, request_sample
from services.gateway.documented.shapes import Field, ListOf, Model, Scalar, title
from services.gateway.documented.statuses import MEANINGS, StatusSet
from services.gateway.formats.negotiation import ANSWER_MEDIA_TYPES, FORMATS, REQUEST_MEDIA_TYPES, Format

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1d2430; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem; overflow-wrap: anywhere } h2 { font-size: 1.2rem; margin-top: 2rem; border-bottom: 1px solid #d5dbe3 }
h3 { font-size: 1rem } a { color: #0b5cad; text-decoration: none } a:hover { text-decoration: underline }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #e6eaef }
code, pre { font: 14px/1.4 ui-monospace, monospace } pre { background: #f4f6f8; padding: .8rem; overflow-x: auto }
"""


def index() -> str:
    """Every operation by group, each with a link to its page."""
    groups = [
        f"<h2>{escape(group)}</h2>" + _table(("API", "Description"), (_index_row(each) for each in operations))
        for group, operations in groupby(OPERATIONS, key=lambda operation: operation.group)
    ]
    return _document("Heliograph Web API", "<h1>Heliograph Web API</h1>" + "".join(groups))


def page(operation: Operation) -> str:
    parts = [
        '<p><a href="/Help">All operations</a></p>',
        f"<h1>{escape(operation.route)}</h1><p>{escape(operation.description)}</p>",
        "<h2>Request</h2>",
        _params(operation.path_params + operation.query_params),
        _request(operation),
        "<h2>Response</h2>",
        _answer(operation),
    ]
    return _document(operation.route, "".join(parts))


def page_of(help_id: str) -> str | None:
    """The page of that id in whatever case, such as `POST-api-Security-Login`; None: no such page."""
    operation = PAGES.get(help_id.lower())
    return page(operation) if operation else None


PAGES = {operation.help_id.lower(): operation for operation in OPERATIONS}


def _document(name: str, body: str) -> str:
    head = f'<meta charset="utf-8"><title>{escape(name)}</title><style>{STYLE}</style>'
    return f'<!DOCTYPE html><html lang="en"><head>{head}</head><body>{body}</body></html>'


def _index_row(operation: Operation) -> tuple[str, str]:
    link = f'<a href="/Help/Api/{escape(operation.help_id)}"><code>{escape(operation.route)}</code></a>'
    return link, escape(operation.description)


def _params(params: Iterable[Param]) -> str:
    rows = [
        (escape(each.name), escape(each.doc), each.type.value, "Required" if each.required else "Optional")
        for each in params
    ]
    return "<h3>URI parameters</h3>" + (_table(("Name", "Description", "Type", ""), rows) if rows else "<p>None.</p>")


def _request(operation: Operation) -> str:
    if operation.body is None:
        return "<h3>Body</h3><p>None.</p>"
    fields = _fields(operation.body) if isinstance(operation.body, Model) else "<p>One string, not an object.</p>"
    limit = f"<p>At most {operation.body_bytes_max:,} bytes.</p>"
    samples = {format: request_sample(format, operation) for format in (Format.JSON, Format.XML)}
    return (
        f"<h3>Body</h3><p>{escape(operation.body_doc)}</p>{fields}{limit}"
        f"<h3>Formats</h3>{_samples(samples, REQUEST_MEDIA_TYPES)}"
    )


def _answer(operation: Operation) -> str:
    answer = operation.answer
    if answer.shape is None:
        return "<p>204, without a body.</p>"
    fields = _fields(answer.shape) if isinstance(answer.shape, Model) else "<p>One string.</p>"
    samples = {format: answer_sample(format, operation) for format in (Format.JSON, Format.XML)}
    statuses = _statuses(answer.statuses) if answer.statuses else ""
    return f"<p>{escape(answer.doc)}</p>{fields}{statuses}<h3>Formats</h3>{_samples(samples, ANSWER_MEDIA_TYPES)}"


def _fields(model: Model) -> str:
    """The model's own table, and one for each model that stands in it."""
    rows = [(escape(each.name), escape(each.doc), escape(_type_name(each))) for each in model.fields]
    inner = [each.type.item if isinstance(each.type, ListOf) else each.type for each in model.fields]
    table = _table(("Name", "Description", "Type"), rows)
    return f"<h3>{escape(title(model))}</h3>{table}" + "".join(
        _fields(each) for each in inner if isinstance(each, Model)
    )


def _type_name(field: Field) -> str:
    match field.type:
        case Model():
            return title(field.type)
        case ListOf(item=Model() as item):
            return f"Collection of {title(item)}"
        case ListOf():
            return "Collection of string"
        case Scalar.STATUS:
            return "integer in JSON, name in XML"
        case Scalar.STATUS_NAME:
            return "string (JSON only)" if field.read_only else "string"
        case Scalar():
            return str(field.type.value)


def _statuses(statuses: StatusSet) -> str:
    rows = [(str(int(status)), status.name, escape(MEANINGS[status])) for status in statuses.members]
    return f"<h3>{escape(statuses.name)}</h3>" + _table(("Number", "Name", "Meaning"), rows)


def _samples(samples: dict[Format, str], media_types: tuple[str, ...]) -> str:
    """One sample for the media types that share a format."""
    parts = []
    for format, group in groupby(media_types, key=FORMATS.__getitem__):
        sample = samples.get(format)
        shown = (
            f"<pre>{escape(sample)}</pre>" if sample else "<p>Fields by name; lists as <code>Name[0].Field</code>.</p>"
        )
        parts.append(f"<p><code>{', '.join(group)}</code></p>{shown}")
    return "".join(parts)


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    head = "".join(f"<th>{each}</th>" for each in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"
