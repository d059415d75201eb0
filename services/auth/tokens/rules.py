"""Reusable tokens, the rule: how long one that nobody uses is good. No I/O, no clock."""

from __future__ import annotations

from datetime import timedelta

# Since it was made or last logged somebody in. Then it is gone, and one that was revoked is forgotten.
UNUSED_MAX = timedelta(days=180)
