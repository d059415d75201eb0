"""Forecasts: what would become of a campaign's recipients, were they claimed now. Decided by the functions that queue and send; changes nothing.

What only waits is not told apart: quiet hours, caps, credit, a carrier that is down.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING
from uuid import UUID

from libs.common import countries
from libs.common.bus import Asked
from libs.common.contracts.messaging import Forecast, ForecastTexts
from libs.common.db import Tx
from services.messaging.connections.loop import header_octets
from services.messaging.policies.rules import words
from services.messaging.routing.handlers import NO_ROUTE
from services.messaging.routing.rules import Routable
from services.messaging.sending.rules import Lane
from services.messaging.submitting.prepare import on_air
from services.messaging.suppressions.handlers import reason_against
from services.messaging.suppressions.store import stops_of

if TYPE_CHECKING:
    from services.messaging.app import Messaging

SPREAD = (
    0x9E3779B9  # makes of numbers that follow each other places that are spread over the carriers' weights, as ids are
)


async def forecast_texts(tx: Tx, ask: Asked[ForecastTexts]) -> Forecast:
    app: Messaging = tx.app
    wanted, policy = ask.body, app.policy_of(ask.body.company_id)
    shared = words(policy, wanted.body)
    stops = await stops_of(tx, {(wanted.company_id, item.number) for item in wanted.items})
    prices = app.prices if not wanted.test else None
    left_out: Counter[str] = Counter()
    taken: Counter[tuple[str, int]] = Counter()  # of those who get it, by alphabet and parts
    octets: dict[int, int] = {}
    micros = 0
    for number, body in ((item.number, item.body) for item in wanted.items):
        text = Routable(
            UUID(int=int(number) * SPREAD), wanted.company_id, Lane.BULK, number, wanted.sender, wanted.test
        )
        way = app.routing.decide(text)
        if way is None:
            left_out[NO_ROUTE] += 1
        elif why := countries.reachable(number) or _against(tx, wanted, stops.get((wanted.company_id, number))):
            left_out[why] += 1
        else:
            if way.carrier not in octets:
                octets[way.carrier] = await header_octets(app, tx, way.carrier)
            alphabet, parts = on_air(shared if body is None else words(policy, body), octets[way.carrier])
            taken[alphabet.value, len(parts)] += 1
            micros += len(parts) * prices.of(number) if prices else 0
    return _told(app, left_out, taken, micros)


def _against(tx: Tx, wanted: ForecastTexts, stops: list[str] | None) -> str:
    """As a claim finds it."""
    if not stops:
        return ""
    return reason_against(
        tx, {"company_id": wanted.company_id, "sender": wanted.sender, "lane": Lane.BULK, "stops": stops}
    )


def _told(app: Messaging, left_out: Counter[str], taken: Counter[tuple[str, int]], micros: int) -> Forecast:
    texts: Counter[str] = Counter()
    by_parts: Counter[int] = Counter()
    for (alphabet, parts), count in taken.items():
        texts[alphabet] += count
        by_parts[parts] += count
    return Forecast(
        would_get=texts.total(),
        left_out=left_out,
        texts=texts,
        by_parts=by_parts,
        micros=micros,
        currency=app.prices.currency,
    )
