"""What a text would take on the air, told part by part: plain functions on values."""

from __future__ import annotations

from typing import Any

import regex  # type: ignore[import-untyped]

from libs.common import gsm, near_gsm
from libs.common.contracts.texts import ForeignCharacter, OnAir, OptOutWords, ReplacedText, Segment, TextPreview
from libs.common.countries.optout_text import opt_out_check


def preview(body: str, sender: str, replaces: bool) -> TextPreview:
    """`replaces`: near-GSM characters are replaced for this company."""
    near = near_gsm.replaced(body)
    foreign = [
        ForeignCharacter(text=each.text, name=each.name, at=each.at, replacement=each.equal)
        for each in near_gsm.foreign(body)
    ]
    return TextPreview(
        **_on_air(body),
        too_long=gsm.segments(near if replaces else body) > gsm.PARTS_MAX,
        foreign=foreign,
        replaced=ReplacedText(text=near, **_on_air(near)) if near != body else None,
        replaces=replaces,
        opt_out=_opt_out(near if replaces else body, sender) if sender else None,
    )


def _opt_out(body: str, sender: str) -> OptOutWords:
    found = opt_out_check(body, sender)
    return OptOutWords(told=found.told, reason=found.reason)


def _on_air(body: str) -> dict[str, Any]:
    alphabet = gsm.alphabet(body)
    cut = gsm.cut(body, alphabet)
    segments = [
        Segment(text=part, characters=len(regex.findall(r"\X", part)), units=gsm.units(part, alphabet)) for part in cut
    ]
    each = gsm.room(alphabet, gsm.HEADER_OCTETS if len(cut) > 1 else 0)
    on_air = OnAir(
        alphabet=alphabet.value,
        parts=len(cut),
        units=sum(segment.units for segment in segments),
        units_each=each,
        units_left=each - segments[-1].units,
        segments=segments,
    )
    return dict(on_air)
