"""Merge fields: words with `{{first_name:title|friend}}` in them, for what differs from recipient to recipient.

    {{ field [:format] [| default] }}

Fields are those of a list's entry (libs.common.contracts.phonelist.FIELDS), in whatever case, with or without spaces, dashes and underscores. A default is
what stands between its bar and the closing braces, without the spaces around it; it may be empty. Parsed once, rendered for each recipient; what looks
like a field in a value stays as it is. Told to users in docs/personal-texts.md. No I/O, no clock.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from libs.common.contracts.phonelist import FIELDS
from libs.common.merge_formats import DATE_FORMATS, DATE_WITHOUT_FORMAT, TEXT_FORMATS

DATES = frozenset({"date_of_birth"})  # fields whose values are dates, as ISO 8601
# Beside the fields' own names: what people and spreadsheets call them.
ALIASES = {"forename": "first_name", "last_name": "surname", "dob": "date_of_birth", "birthday": "date_of_birth"}

_NOT_LETTERS = re.compile(r"[\W_]+")


class BadTemplate(ValueError):
    """The words are no template. `at`: the character that it was found at, from 1."""

    def __init__(self, detail: str, at: int) -> None:
        super().__init__(f"{detail} (at character {at})")
        self.at = at


@dataclass(frozen=True, slots=True)
class Hole:
    """Where a value goes. `default` None: it needs one. `format` "": as the entry has it, a date as DATE_WITHOUT_FORMAT."""

    field: str
    format: str = ""
    default: str | None = None

    def __str__(self) -> str:
        format_ = f":{self.format}" if self.format else ""
        return f"{{{{{self.field}{format_}{'' if self.default is None else f'|{self.default}'}}}}}"

    def filled(self, value: str | None) -> str | None:
        """What stands in its place; None where there is nothing, or spaces only, and no default."""
        if value is None or not value.strip():
            return self.default
        if self.field not in DATES:
            return TEXT_FORMATS[self.format](value) if self.format else value
        try:
            return DATE_FORMATS[self.format or DATE_WITHOUT_FORMAT](date.fromisoformat(value))
        except ValueError:
            return self.default  # no date that we can read is as good as none


@dataclass(frozen=True, slots=True)
class Missing:
    """The fields that a recipient has nothing in and that have no default, each once, in the order they appear."""

    fields: tuple[str, ...]


@dataclass(frozen=True)
class Template:
    """Words and holes, in order. `str` writes it in the grammar's plainest form."""

    pieces: tuple[str | Hole, ...]

    def __str__(self) -> str:
        return "".join(map(str, self.pieces))

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """Those that it names, each once, in the order they appear."""
        return tuple(dict.fromkeys(piece.field for piece in self.pieces if isinstance(piece, Hole)))

    @cached_property
    def needed(self) -> tuple[str, ...]:
        """Those of them that a recipient must have: somewhere they have no default."""
        return tuple(
            dict.fromkeys(piece.field for piece in self.pieces if isinstance(piece, Hole) and piece.default is None)
        )

    def render(self, values: Mapping[str, str | None]) -> str | Missing:
        """The words for one recipient; `values` by field, dates as ISO 8601."""
        rendered, missing = [], list[str]()
        for piece in self.pieces:
            if isinstance(piece, str):
                rendered.append(piece)
            elif (filled := piece.filled(values.get(piece.field))) is None:
                missing.append(piece.field)
            else:
                rendered.append(filled)
        return Missing(tuple(dict.fromkeys(missing))) if missing else "".join(rendered)

    def shortest(self) -> str:
        """A rendering that is as short as any can be: one letter for what is needed, nothing for what may be empty."""
        return "".join(piece if isinstance(piece, str) else _shortest(piece) for piece in self.pieces)


def parse(body: str) -> Template:
    """Raises BadTemplate, which says what is wrong and where."""
    pieces: list[str | Hole] = []
    at = 0
    while (opens := body.find("{{", at)) >= 0:
        while body[opens + 2 : opens + 3] == "{":  # of three braces the last two open: the first is text
            opens += 1
        closes = body.find("}}", opens + 2)
        if closes < 0:
            raise BadTemplate("a field is opened with {{ and not closed with }}", opens + 1)
        _add_words(pieces, body, at, opens)
        pieces.append(_hole(body[opens + 2 : closes], opens + 2))
        at = closes + 2
    _add_words(pieces, body, at, len(body))
    return Template(tuple(pieces))


def _add_words(pieces: list[str | Hole], body: str, begins: int, ends: int) -> None:
    words = body[begins:ends]
    if (stray := words.find("}}")) >= 0:
        raise BadTemplate("}} closes nothing: a field is opened with {{", begins + stray + 1)
    if (stray := words.find("{{")) >= 0:
        raise BadTemplate("too many opening braces: a field is opened with two", begins + stray + 1)
    if words:
        pieces.append(words)


def _hole(inside: str, begins: int) -> Hole:
    """`inside` the braces; `begins`: where it stands in the body, from 0."""
    if (nested := inside.find("{{")) >= 0:
        raise BadTemplate("a field within a field", begins + nested + 1)
    named, bar, default = inside.partition("|")
    name, colon, format_ = named.partition(":")
    field = _field(name, begins + 1)
    if colon:
        format_ = _format(format_.strip().casefold(), field, begins + len(name) + 2)
    return Hole(field, format_, default.strip() if bar else None)


def _key(name: str) -> str:
    """What all writings of a field's name share."""
    return _NOT_LETTERS.sub("", name).casefold()


_FIELD_OF = {_key(name): field for name, field in [*ALIASES.items(), *((field, field) for field in FIELDS)]}


def _field(name: str, at: int) -> str:
    key = _key(name)
    if key in _FIELD_OF:
        return _FIELD_OF[key]
    if not name.strip():
        raise BadTemplate("a field without a name", at)
    near = difflib.get_close_matches(key, _FIELD_OF, n=1)
    hint = f"is {_FIELD_OF[near[0]]} meant?" if near else f"there are {', '.join(FIELDS)}"
    raise BadTemplate(f"unknown field {name.strip()[:40]!r}: {hint}", at)


def _format(name: str, field: str, at: int) -> str:
    allowed = DATE_FORMATS if field in DATES else TEXT_FORMATS
    if name in allowed:
        return name
    if name in DATE_FORMATS:
        raise BadTemplate(f"{name} is for dates, and {field} is no date: there are {', '.join(TEXT_FORMATS)}", at)
    if name in TEXT_FORMATS:
        raise BadTemplate(f"{name} is for words, and {field} is a date: there are {', '.join(DATE_FORMATS)}", at)
    raise BadTemplate(f"unknown format {name[:40]!r}: there are {', '.join(allowed)}", at)


_A_WEEK = [
    date(2026, 5, day) for day in range(1, 8)
]  # of the shortest month's first days: among them are the shortest dates in every format


def _shortest(hole: Hole) -> str:
    values = ["x"]
    if hole.field in DATES:
        values = [DATE_FORMATS[hole.format or DATE_WITHOUT_FORMAT](day) for day in _A_WEEK]
    return min(values if hole.default is None else [*values, hole.default], key=len)
