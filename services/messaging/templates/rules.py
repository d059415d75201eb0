"""Templates: words with `{{name}}` in them for what differs. Plain functions; no I/O.

A name is letters, digits and underscores, with or without spaces beside it; `{{` that begins no such name is text. Values are put in once: what
looks like a field in a value stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from libs.common.contracts.base import Code, Refusal

BODY_CHARACTERS_MAX = 2_000  # more than fits ten parts, for names are longer than some values
VALUE_CHARACTERS_MAX = 2_000  # likewise; what is put together is bounded by it
FIELD = re.compile(r"\{\{ *(\w+) *\}\}")


def fields(body: str) -> list[str]:
    """The names that need a value, each once, in the order they appear."""
    return list(dict.fromkeys(FIELD.findall(body)))


def rendered(body: str, values: Mapping[str, str]) -> str:
    """`body` with its values. Refused with invalid_request where a field has none or a value no field, with text_too_long where one cannot fit."""
    wanted = fields(body)
    missing = [name for name in wanted if name not in values]
    if missing:
        raise Refusal(Code.INVALID_REQUEST, f"the template needs a value for {missing[0]}")
    extra = [name for name in values if name not in wanted]
    if extra:
        raise Refusal(Code.INVALID_REQUEST, f"the template has no field {extra[0][:100]}")
    if any(len(value) > VALUE_CHARACTERS_MAX for value in values.values()):
        raise Refusal(Code.TEXT_TOO_LONG, f"a value has at most {VALUE_CHARACTERS_MAX} characters")
    return FIELD.sub(lambda field: values[field[1]], body)


def name(given: str) -> str:
    """`given` as it is kept. Refused with invalid_request where it is no name."""
    kept = given.strip()
    if not kept:
        raise Refusal(Code.INVALID_REQUEST, "a template needs a name")
    if "\x00" in kept:
        raise Refusal(Code.INVALID_REQUEST, "a name cannot hold a null character")
    return kept


def name_key(name: str) -> str:
    """What two writings of one name share."""
    return name.casefold()


def body(given: str) -> str:
    """`given`, if it may be kept. Refused with text_empty, text_too_long or invalid_request. How many parts it takes is known when it has values."""
    if not given.strip():
        raise Refusal(Code.TEXT_EMPTY, "a template needs at least one visible character")
    if len(given) > BODY_CHARACTERS_MAX:
        raise Refusal(Code.TEXT_TOO_LONG, f"a template has at most {BODY_CHARACTERS_MAX} characters")
    if "\x00" in given:
        raise Refusal(Code.INVALID_REQUEST, "a template cannot hold a null character")
    return given
