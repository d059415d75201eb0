"""Operation: what the documented surface knows of one of its operations, and the parameters that paths hold.

Owns the row's type and what follows from it (name, parameters, the id of its help page). The rows are operations.py's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from services.gateway.documented.shapes import BareString, Model, Scalar, Type
from services.gateway.documented.statuses import StatusSet

BODY_BYTES_MAX = 64 * 1024  # the longest text and every other field fit twenty times over


@dataclass(frozen=True, slots=True, eq=False)
class Param:
    name: str
    type: Scalar
    required: bool = True
    doc: str = ""


# A name means the same in whatever path it stands.
PARAMS: Mapping[str, Param] = {
    "SessionToken": Param("SessionToken", Scalar.STRING, doc="The session token for the current user session"),
    "PhoneNumber": Param("PhoneNumber", Scalar.STRING),
    "DateFrom": Param("DateFrom", Scalar.DATE),
    "DateTo": Param("DateTo", Scalar.DATE),
    "TextInID": Param("TextInID", Scalar.INTEGER),
    "List": Param("List", Scalar.INTEGER),
    "Folder": Param("Folder", Scalar.INTEGER, required=False),
    "Bar": Param("Bar", Scalar.STRING),
}


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """`shape` is the whole body (None: no body, 204), `result` the part of it that a handler gives."""

    shape: Type | None = None
    result: Type | None = None
    statuses: StatusSet | None = None
    doc: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """`route`: method and path as the documentation lists them. `permission`: what the user needs beside a session."""

    group: str
    route: str
    description: str
    answer: Answer
    body: Model | BareString | None = None
    body_doc: str = ""
    permission: str | None = None
    tells_why: bool = False  # Result, a string of unknown use, says of a refusal why, in words
    body_bytes_max: int = BODY_BYTES_MAX

    @property
    def method(self) -> str:
        return self.route.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.route.partition(" ")[2]

    @property
    def name(self) -> str:
        """The action: handlers are registered by it. Operations of one name (Logout, GetLists, Foo) are one action."""
        return self.literals[-1]

    @property
    def literals(self) -> tuple[str, ...]:
        """The path's fixed segments. They all stand before its parameters."""
        return tuple(segment for segment in self.path.partition("?")[0].split("/") if not segment.startswith("{"))

    @property
    def path_params(self) -> tuple[Param, ...]:
        return _params(self.path.partition("?")[0])

    @property
    def query_params(self) -> tuple[Param, ...]:
        return _params(self.path.partition("?")[2])

    @property
    def help_id(self) -> str:
        """As the documentation names its pages: `GET-api-Phonelists-GetLists-SessionToken_Folder`."""
        path = re.sub(r"[{}]", "", self.path.partition("?")[0]).replace("/", "-")
        return "_".join([f"{self.method}-{path}", *(param.name for param in self.query_params)])


@cache
def _params(template: str) -> tuple[Param, ...]:
    return tuple(PARAMS[name] for name in re.findall(r"{(\w+)}", template))
