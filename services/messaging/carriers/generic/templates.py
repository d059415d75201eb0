"""Templates of a request: words with {placeholders} in them, filled in by what they are put into.

Owns the placeholders' names and the escaping: percent-encoding in addresses and forms, structure in JSON (a value never becomes syntax). `{{` and `}}`
stand for one brace. Plain functions; whatever is wrong with a template is a ValueError that says where.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from pydantic import JsonValue

OF_A_TEXT = frozenset({"to", "to_digits", "from", "text", "text_id", "callback_url", "validity_s"})
SECRET = "secret:"  # noqa: S105  the prefix of a placeholder
NUMBERS = frozenset({"validity_s"})  # alone in a JSON value they are numbers there

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")

Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Hole:
    name: str


Pieces = tuple[str | Hole, ...]


def parse(template: str) -> Pieces:
    """Raises ValueError for a brace that stands alone and for a name that is none."""
    pieces: list[str | Hole] = []
    end = 0
    for token in _TOKEN.finditer(template):
        pieces.append(template[end : token.start()])
        end = token.end()
        match token[0], token[1]:
            case ("{{" | "}}") as twice, _:
                pieces.append(twice[0])
            case (("{" | "}"), _):
                raise ValueError(f"a single brace at character {token.start() + 1}: write it twice")
            case _, name:
                if name not in OF_A_TEXT and not name.startswith(SECRET):
                    known = ", ".join(sorted(f"{{{one}}}" for one in OF_A_TEXT))
                    raise ValueError(f"{{{name}}} is no placeholder: there are {known} and {{secret:NAME}}")
                pieces.append(Hole(name))
    pieces.append(template[end:])
    return tuple(piece for piece in pieces if piece != "")


def holes(template: JsonValue) -> Iterator[str]:
    """The placeholders of a template, a JSON one too."""
    if isinstance(template, str):
        yield from (piece.name for piece in parse(template) if isinstance(piece, Hole))
    elif isinstance(template, dict):
        for value in template.values():
            yield from holes(value)
    elif isinstance(template, list):
        for value in template:
            yield from holes(value)


def fill(pieces: Pieces, values: Values, escape: Callable[[str], str]) -> str:
    return "".join(escape(values[piece.name]) if isinstance(piece, Hole) else piece for piece in pieces)


def as_it_is(value: str) -> str:
    return value


def percent(value: str) -> str:
    """Raises UnicodeEncodeError where it is no text (a lone surrogate)."""
    return quote(value, safe="")


def form(template: Mapping[str, str], values: Values) -> bytes:
    pairs = [(name, fill(parse(value), values, as_it_is)) for name, value in template.items()]
    return urlencode(pairs, quote_via=quote).encode()


def json(template: JsonValue, values: Values) -> bytes:
    """Raises TypeError where a value is no text."""
    return orjson.dumps(_filled(template, values))


def _filled(template: JsonValue, values: Values) -> Any:
    match template:
        case str():
            pieces = parse(template)
            match pieces:
                case (Hole(name),) if name in NUMBERS:
                    return int(values[name])
            return fill(pieces, values, as_it_is)
        case dict():
            return {name: _filled(value, values) for name, value in template.items()}
        case list():
            return [_filled(value, values) for value in template]
    return template
