"""The language of `messaging` about texts before they are sent: what one takes on the air, and what in it costs more than it need."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from libs.common.contracts.base import Contract, Query

PREVIEW_CHARACTERS_MAX = 10_000  # several times what can be sent
HEADER_CHARACTERS_MAX = 40


class Segment(Contract):
    """One part as it goes out. `characters`: as people count them; `units`: what it takes, septets or units of UTF-16."""

    text: str
    characters: int
    units: int


class OnAir(Contract):
    """What a text takes. `parts`: what is paid for. `units_each`: how many fit into each of so many parts; `units_left`: into the last one, still."""

    alphabet: Literal["gsm", "ucs2"]
    parts: int
    units: int
    units_each: int
    units_left: int
    segments: list[Segment]


class ForeignCharacter(Contract):
    """A character that makes the text Unicode. `name`: by Unicode. `at`: each place it stands at, in code points from 0. `replacement`: what says the
    same in the GSM alphabet, "" where it can go; null where nothing does."""

    text: str
    name: str
    at: list[int]
    replacement: str | None


class ReplacedText(OnAir):
    text: str


class OptOutWords(Contract):
    """Whether the text, from that header, tells how to stop, as a marketing text must. `reason`: what is missing; "" where nothing is."""

    told: bool
    reason: str


class TextPreview(OnAir):
    """`too_long`: it would be refused. `foreign`: none where the alphabet is GSM. `replaced`: the text with all of them replaced, null where that cannot be
    or would not help; `replaces`: the company has chosen so, and that is what goes out. `opt_out` null: no header was named."""

    too_long: bool
    foreign: list[ForeignCharacter]
    replaced: ReplacedText | None
    replaces: bool
    opt_out: OptOutWords | None


class PreviewText(Query[TextPreview]):
    """Sends nothing. Refused with text_empty as sending it would be.

    `sender`: the header it would go from, if it is known yet. `company_id`: whose choices hold, where the command line asks; else they are the caller's.
    """

    owner: ClassVar[str] = "messaging"

    body: str = Field(max_length=PREVIEW_CHARACTERS_MAX)
    sender: str = Field("", max_length=HEADER_CHARACTERS_MAX)
    company_id: int = Field(0, ge=0, lt=2**31)
