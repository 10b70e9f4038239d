"""The SQL that reads one value of a raw column, whatever its type: null where it holds nothing or cannot be read."""

from __future__ import annotations

from features.reading.dates import DateStyle, literal, local_time
from features.reading.numbers import is_id

_YES = (
    "true", "t", "1", "10", "yes", "y", "on", "subscribed", "optedin", "optin", "confirmed", "granted", "accepted",
    "delivered", "ja", "oui", "si",
)  # fmt: skip
_NO = (
    "false", "f", "0", "00", "no", "n", "off", "unsubscribed", "notsubscribed", "neversubscribed", "nonsubscribed",
    "optedout", "optout", "pending", "cleaned", "redacted", "denied", "rejected", "bounced", "undelivered", "nein",
    "non", "suppressed",
)  # fmt: skip


def text_value(column: str) -> str:
    """Return trimmed text."""
    return f"CASE WHEN {is_id(column)} THEN trim({column}::VARCHAR) END"


def time_value(
    column: str,
    kind: str,
    *,
    timezone: str,
    written_in: str | None,
    date_format: str | None,
    style: DateStyle,
) -> str:
    """Return a time as the shop's local time.

    timezone: the shop's. written_in: the zone of times without an offset, None if it is the shop's. A date
    without a time of day stays that date.
    """
    if written_in is None or kind == "DATE":
        return local_time(column, kind, timezone, date_format, style)
    read = local_time(column, kind, written_in, date_format, style)
    moved = f"timezone({literal(timezone)}, timezone({literal(written_in)}, {read}))"
    if kind != "VARCHAR":
        return moved
    dated = f"{read} = date_trunc('day', {read}) AND NOT regexp_matches({column}, ':|^\\s*[0-9]{{10,}}\\s*$')"
    return f"CASE WHEN {dated} THEN {read} ELSE {moved} END"


def date_value(column: str, kind: str, *, date_format: str | None, style: DateStyle) -> str:
    """Return a calendar date; one that `date_format` does not read may be written as ISO 8601."""
    read = local_time(column, kind, "UTC", date_format, style)
    if date_format is not None:
        read = f"coalesce({read}, {local_time(column, kind, 'UTC', None, DateStyle())})"
    return f"({read})::DATE"


def yes_or_no(column: str) -> str:
    """Return a consent or flag as BOOLEAN; null for other words."""
    word = f"regexp_replace(lower({column}), '[^a-z0-9]', '', 'g')"
    yes, no = (", ".join(literal(one) for one in words) for words in (_YES, _NO))
    return f"CASE WHEN {word} IN ({yes}) THEN true WHEN {word} IN ({no}) THEN false END"


def day_of(time: str) -> str:
    """Return the integer day of a local time."""
    return f"(epoch_ms(date_trunc('day', {time})) // 86400000)::INTEGER"
