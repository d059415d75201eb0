"""Money as operators write it, and as it is kept: whole micros, millionths of the currency's unit."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from services.console.asking import Trouble

UNIT = 1_000_000


def micros(written: str) -> int:
    """`written`: in units, such as 0.04. Ends the command where it is none, is below 0, or has more than six places."""
    try:
        amount = Decimal(written) * UNIT
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0 or amount != amount.to_integral_value():
        raise Trouble(f"{written!r} is no amount: write one such as 0.04, with six places at most")
    return int(amount)


def units(micros: int, places: int = 6) -> str:
    return f"{Decimal(micros) / UNIT:.{places}f}"
