"""Personal texts, and who of a page of a list becomes a recipient: the decisions of freezing, of its check before launch, of dry runs and of previews.

The one place that makes a recipient's words. No I/O, no clock of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from libs.common import gsm, merge
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.phonelist import Incomplete

# Beside fields, why an entry is left out as incomplete: in brackets, as no field is.
TOO_LONG = "(too long)"
EMPTY = "(empty)"
ROWS_SHOWN = 5  # of an incomplete list, in a refusal


def template(body: str, *, personal: bool) -> merge.Template | None:
    """None: everybody gets `body` as it stands. Refused with invalid_request, saying what is wrong with it and where."""
    if not personal:
        return None
    try:
        parsed = merge.parse(body)
    except merge.BadTemplate as bad:
        raise Refusal(Code.INVALID_REQUEST, str(bad)) from None
    return parsed if parsed.fields else None


def require_sendable(body: str, *, personal: bool) -> None:
    """Refused with text_too_long where nobody could be sent it, for it takes too many parts, however short the values are."""
    parsed = template(body, personal=personal)
    if gsm.segments(parsed.shortest() if parsed else body) > gsm.PARTS_MAX:
        raise Refusal(Code.TEXT_TOO_LONG, f"the text takes more than {gsm.PARTS_MAX} parts")


def words(template: merge.Template, values: Sequence[str | None]) -> str | merge.Missing:
    """What the recipient gets whose entry has `values` in the template's fields; or why nothing."""
    body = template.render(dict(zip(template.fields, values, strict=True)))
    if isinstance(body, merge.Missing):
        return body
    if not body.strip():
        return merge.Missing((EMPTY,))
    return merge.Missing((TOO_LONG,)) if gsm.segments(body) > gsm.PARTS_MAX else body


@dataclass(frozen=True, slots=True)
class IncompleteRow:
    """`place`: in the list, from 1."""

    place: int
    number: int
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Of a page. `bodies`: of each of `numbers`, where the campaign is personal."""

    numbers: Sequence[int]
    bodies: Sequence[str] | None
    incomplete: Sequence[IncompleteRow] = ()


def chosen(
    numbers: Sequence[int],
    values: Sequence[Sequence[str | None]],
    before: int,
    left_out: Collection[int],
    template: merge.Template | None,
) -> Chosen:
    """Who of `numbers`, in list order, gets the text: all but those of `left_out`, and those whose entry has not what it needs.

    `before`: entries of the list that earlier pages had. `values`: of each number, where there is a template.
    """
    if template is None:
        return Chosen([number for number in numbers if number not in left_out] if left_out else numbers, None)
    kept, bodies, incomplete = list[int](), list[str](), list[IncompleteRow]()
    for place, (number, its) in enumerate(zip(numbers, values, strict=True), before + 1):
        if number in left_out:
            continue
        body = words(template, its)
        if isinstance(body, merge.Missing):
            incomplete.append(IncompleteRow(place, number, body.fields))
        else:
            kept.append(number)
            bodies.append(body)
    return Chosen(kept, bodies, incomplete)


def incomplete(found: Mapping[int, Incomplete]) -> str:
    """The sentence about entries that lack fields, by list; "" where none does."""
    count = sum(one.count for one in found.values())
    if not count:
        return ""
    rows = [
        f"list {list_id}, row {entry.row}, {entry.number}: {', '.join(entry.missing)}"
        for list_id, one in found.items()
        for entry in one.entries
    ][:ROWS_SHOWN]
    entries = "1 entry lacks" if count == 1 else f"{count} entries lack"
    return f"{entries} fields that the text needs: {'; '.join(rows)}{'; and others' if count > len(rows) else ''}"
