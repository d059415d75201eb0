"""XML bodies: DataContract XML into the same values as JSON gives, in one pass and without a tree.

Owns what is accepted as an element, and refuses every document type, so that no entity is ever expanded. Takes elements
in any order, under any prefix and namespace: the documented serializer is strict there, and silently loses values.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from typing import NamedTuple
from xml.parsers import expat

from services.gateway.documented.shapes import BareString, Field, ListOf, Model, Scalar, Type
from services.gateway.formats.values import NULL_ITEM, BadRequest, BadValue, names, read

NIL = "http://www.w3.org/2001/XMLSchema-instance nil"
DEPTH_MAX = 32  # ours needs four; what is deeper stands in something unknown
NOT_XML = "The body is not well-formed XML."
STRING = Scalar.STRING
NO_FIELDS: Mapping[str, Field] = {}


class _Element(NamedTuple):
    """An element whose end has not come. `name` is its field's, "" for a list's item, None for what is not known."""

    name: str | None
    shape: Type | BareString | None
    value: object


def read_xml(body: bytes, shape: Model | BareString, charset: str) -> object:
    """`charset` as the Content-Type named it, or "" to believe the document. Raises BadRequest and BadValue.

    The root's name is not looked at: where no page of the documentation is known, ours is a guess.
    """
    reader = _Reader(shape)
    parser = expat.ParserCreate(charset or None, namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text.append
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        where = f"line {error.lineno}, column {error.offset}"
        raise BadRequest(400, NOT_XML, f"{expat.ErrorString(error.code)}: {where}.") from None
    except (LookupError, ValueError):  # a declared encoding that Python does not know, or of several bytes a character
        raise BadRequest(400, NOT_XML, "Its encoding is unknown.") from None
    return reader.value


def _refuse_doctype(*_declaration: object) -> None:
    raise BadRequest(400, NOT_XML, "A document type declaration is not accepted.")


class _Reader:
    """Follows expat's events down the shape of the body. `text` is what came since the last element began.

    `start` and `end` are called twice for each of an import's two million values, so they do a plain value themselves
    and leave the rest (objects, lists, nil, unknown names, everything wrong) to `_open_element` and `_close_element`.
    """

    def __init__(self, shape: Model | BareString) -> None:
        self.value: object = None
        self.text: list[str] = []
        self._root = shape
        self._open: list[_Element] = []
        self._leaf: Field | None = None  # the plain value that is open
        self._known = NO_FIELDS  # the fields of the innermost open object, by qualified name
        self._values: dict[str, object] = {}  # and what it holds so far

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.text.clear()
        field = self._known.get(tag)
        if (
            field is None
            or attributes
            or not isinstance(field.type, Scalar)
            or field.name in self._values
            or self._leaf
        ):
            self._open_element(tag, attributes)
        else:
            self._leaf = field

    def end(self, _tag: str) -> None:
        leaf = self._leaf
        if leaf is None:
            self._close_element()
            return
        text = "".join(self.text)
        self._values[leaf.name] = text if leaf.type is STRING else self._read(leaf.type, text)
        self._leaf = None

    def _open_element(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self._open) == DEPTH_MAX:
            raise BadRequest(400, "The request is invalid.", f"Elements are nested deeper than {DEPTH_MAX}.")
        name, shape = self._place(tag) if self._open else ("", self._root)
        if attributes.get(NIL) in ("true", "1"):
            shape = None
        value: object = {} if isinstance(shape, Model) else [] if isinstance(shape, ListOf) else None
        self._open.append(_Element(name, shape, value))
        if name == "" and shape is None and len(self._open) > 1:
            raise self._bad(NULL_ITEM)
        self._look_inside()

    def _place(self, tag: str) -> tuple[str | None, Type | BareString | None]:
        """Which field, of what shape, an element inside the last open one is."""
        outer = self._open[-1].shape
        if isinstance(outer, Model) and not self._leaf:
            field = names(outer).get(tag.rpartition(" ")[2].lower())
            if field is None:
                return None, None
            if field.name in self._values:
                raise self._bad("given twice", field.name)
            return field.name, field.type
        if isinstance(outer, ListOf):
            return "", outer.item
        if outer is None:
            return None, None
        raise self._bad("text is expected, not an element")

    def _close_element(self) -> None:
        name, shape, value = self._open[-1]
        if isinstance(shape, Scalar | BareString):
            value = self._read(shape, "".join(self.text))
        self._open.pop()
        self._look_inside()
        outer = self._open[-1].value if self._open else None
        if isinstance(outer, dict) and name is not None:
            outer[name] = value
        elif isinstance(outer, list):
            outer.append(value)
        elif not self._open:
            self.value = value

    def _look_inside(self) -> None:
        _, shape, value = self._open[-1] if self._open else _Element(None, None, None)
        self._known = _qualified(shape) if isinstance(shape, Model) else NO_FIELDS
        self._values = value if isinstance(value, dict) else {}

    def _read(self, shape: Type | BareString, text: str) -> object:
        try:
            return read(shape, text)
        except BadValue as bad:
            raise self._bad(bad.why) from None

    def _bad(self, why: str, name: str = "") -> BadValue:
        path = ""
        for outer, element in pairwise(self._open):
            if isinstance(outer.value, list):
                path += f"[{len(outer.value)}]"
            elif element.name:
                path += f".{element.name}" if path else element.name
        return BadValue(why, name or (self._leaf.name if self._leaf else "")).within(path)


@cache
def _qualified(model: Model) -> Mapping[str, Field]:
    """The model's names as expat gives them: with the namespace they are documented in, or with none."""
    known = names(model)
    return {**known, **{f"{model.xml_namespace} {name}": field for name, field in known.items()}}
