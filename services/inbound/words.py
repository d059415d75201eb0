"""Words as people mean them: small letters, without quotes, punctuation, symbols or invisible characters.

Owns the one normal form in which texts are compared with keywords and with STOP. Plain functions of a text; what the words mean is
decided in optouts/rules.py and textins/rules.py.
"""

from __future__ import annotations

import re
import unicodedata


class _Plain(dict[int, str | None]):
    """For str.translate: letters, digits and their marks stay, invisible characters go, all else parts words. Grows by the characters seen."""

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        category = unicodedata.category(character)
        if (
            category in ("Cf", "Me") or 0xFE00 <= code <= 0xFE0F
        ):  # joiners, direction marks; keycaps and variation selectors of emoji
            kept = None
        elif category[0] in "LNM":
            kept = character
        else:
            kept = " "
        self[code] = kept
        return kept


_PLAIN = _Plain()
_ASCII = re.compile(r"[a-z0-9]+")  # the same for most texts, several times as fast


def words(text: str) -> list[str]:
    """The words of `text` in their normal form (NFKC, case folded); none where it has no letter or digit."""
    if text.isascii():
        return _ASCII.findall(text.lower())
    plain = unicodedata.normalize("NFKC", text).casefold().translate(_PLAIN)
    return [word for word in plain.split() if word[0].isalnum()]  # a mark alone was part of a symbol
