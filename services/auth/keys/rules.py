"""API keys, the rules: how a key looks, and what it may do. No I/O, no clock."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from services.auth.sessions.rules import token

HINT_CHARACTERS = 12  # the eight that every key begins with, and four of its own
REVOKED_KEPT = timedelta(days=180)  # a late repeat of what made the key does not make it good again

_KEY = re.compile(r"hg_(?:live|test)_[A-Za-z0-9_-]{43}")


def key(secret: bytes, ask_id: UUID, user_id: int, *, test: bool) -> str:
    """256 bits behind a prefix, by which people, and programs that look for leaked secrets, know what it is."""
    return f"hg_{'test' if test else 'live'}_{token(secret, ask_id, user_id)}"


def is_key(token: str) -> bool:
    """Whether it has the form of a key, which no session's token has."""
    return _KEY.fullmatch(token) is not None


def may(keys_permissions: Iterable[str], users_permissions: Iterable[str]) -> frozenset[str]:
    """What a key may do: what it was made for, and never more than its user may now."""
    return frozenset(keys_permissions) & frozenset(users_permissions)
