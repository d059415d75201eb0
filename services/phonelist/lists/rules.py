"""Lists: what a title may be. Plain functions; no I/O."""

from __future__ import annotations

from libs.common.contracts.base import Code, Refusal

TITLE_CHARACTERS_MAX = 200


def title(given: str) -> str:
    """`given` as it is kept. Refused with invalid_request where it is no title."""
    kept = given.strip()
    if not kept:
        raise Refusal(Code.INVALID_REQUEST, "a list needs a title")
    if len(kept) > TITLE_CHARACTERS_MAX:
        raise Refusal(Code.INVALID_REQUEST, f"a title has at most {TITLE_CHARACTERS_MAX} characters")
    if "\0" in kept:
        raise Refusal(Code.INVALID_REQUEST, "a title cannot hold the character U+0000")
    return kept


def title_key(title: str) -> str:
    """What two writings of one title share."""
    return title.casefold()
