"""Read times from metadata and from names of any content."""

import re
from datetime import UTC, date, datetime
from typing import Any

_DIGITS = re.compile(r"\d{8}T\d{6}", re.ASCII)


def utc_time(text: Any) -> datetime:
    """Read a time of ISO 8601. Without a time zone it is UTC.

    Raises
    ------
    ValueError
        This is not a time.
    """
    if not isinstance(text, str):
        raise ValueError("this is not a valid time")
    try:
        time = datetime.fromisoformat(text.strip())
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    # In UTC the time may lie before the first year, or after the last one.
    except (ValueError, OverflowError) as error:
        raise ValueError("this is not a valid time") from error


def time_in_name(digits: str) -> datetime | None:
    """Read a time as names have it, such as ``20171002T103009``, in UTC; None if there is no such day or hour."""
    if not _DIGITS.fullmatch(digits):
        return None
    try:
        return datetime.strptime(digits, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def day_in_name(digits: str) -> date | None:
    """Read a day as names have it, such as ``20171002``, or year and day of the year, such as ``2017275``.

    None if there is no such day.
    """
    form = {8: "%Y%m%d", 7: "%Y%j"}.get(len(digits))
    if form is None or not digits.isascii() or not digits.isdigit():
        return None
    try:
        day = datetime.strptime(digits, form).date()
    except ValueError:
        return None
    # Python takes day 366 of any year.
    return day if day.year == int(digits[:4]) else None
