"""SMPP 3.4, 7.1.1: times as sixteen characters, 'YYMMDDhhmmsstnnp'. 't' are tenths, 'nn' quarters of an hour from UTC, 'p' their sign, or R: from now."""

import re
from datetime import UTC, datetime, timedelta, timezone

_FORM = re.compile(r"(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d)(\d\d)([+\-R])")


def relative_time(seconds: int) -> str:
    """So long from now. Its years and months stay empty: how long a month is, is the SMSC's own opinion."""
    minutes, seconds = divmod(min(max(seconds, 0), 99 * 86_400), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"0000{days:02}{hours:02}{minutes:02}{seconds:02}000R"


def absolute_time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%y%m%d%H%M%S}000+"


def parse_time(text: str, now: datetime) -> datetime | None:
    """None where it is empty, or no time."""
    form = _FORM.fullmatch(text)
    if form is None:
        return None
    years, months, days, hours, minutes, seconds, tenths, quarters = (int(digits) for digits in form.groups()[:8])
    try:
        if form[9] == "R":
            whole_days = years * 365 + months * 30 + days
            return now + timedelta(days=whole_days, hours=hours, minutes=minutes, seconds=seconds)
        offset = timedelta(minutes=15 * quarters) * (-1 if form[9] == "-" else 1)
        return datetime(
            2000 + years, months, days, hours, minutes, seconds, tenths * 100_000, tzinfo=timezone(offset)
        ).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
