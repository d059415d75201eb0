"""Where each company's claims begin: above what was claimed last, so that a claim does not walk through what is claimed already.

Index entries of claimed texts stay until vacuum can remove them; while somebody holds a snapshot they pile up by the hundred thousand. A floor is
only a hint: texts put back, and commits that come late, stand below it, so it is forgotten every `FORGET_EVERY_S`. That look is the truth.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime

FORGET_EVERY_S = 1.0
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


class Floors:
    """Of the bulk lane: in the others so little waits that every claim looks at all of it."""

    def __init__(self) -> None:
        self._by_company: dict[int, datetime] = {}
        self._forget_at = 0.0

    def known(self) -> dict[int, datetime]:
        """Company -> floor; empty when it is time to look at everything."""
        return self._by_company if time.monotonic() < self._forget_at else {}

    def begin(self, companies: Iterable[int]) -> dict[int, datetime]:
        self._by_company = dict.fromkeys(companies, BEGINNING)
        self._forget_at = time.monotonic() + FORGET_EVERY_S
        return self._by_company

    def rise(self, claimed: Iterable[tuple[int, datetime]]) -> None:
        """After a claim. One that found nothing means that there may be something below the floors."""
        before = self._forget_at
        self._forget_at = 0.0
        for company_id, next_attempt_at in claimed:
            self._forget_at = before
            self._by_company[company_id] = max(next_attempt_at, self._by_company.get(company_id, BEGINNING))
