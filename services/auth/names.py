"""Names: what two writings of one name share. Companies, users, brands and folders are unique by it."""

from __future__ import annotations

import unicodedata


def name_key(name: str) -> str:
    """Compatibility forms as one and without case (Unicode, TR15 NFKC and default case folding), no space around."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()
