"""The row of a customer as one sentence: written for all rows at once, from nothing but the row's own columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from campaigns.sensitivity import KINDS
from features.kernel.buffers import in_one

KIND_WORDS = {
    "special_price": "special prices", "discount": "discounts", "gift": "gifts", "value_pack": "value packs",
    "free_shipping": "free shipping", "coupon": "coupons", "sample": "samples",
}  # fmt: skip
CHANNEL_WORDS = {
    "email": "e-mail", "sms": "SMS", "phone": "telephone", "messenger": "messenger", "app": "the app", "post": "post",
}  # fmt: skip
_THAN_OTHERS = {
    "high": " more often than others",
    "medium": " as often as others",
    "low": " less often than others",
}
_SEEN = {"orders": "orders", "contacts": "offers"}


def in_words(rows: pa.Table, channels: Sequence[str]) -> pa.Array:
    """Return a sentence for each row of campaigns.preferences.table. channels: those that have columns."""
    parts = (
        *_offers(rows),
        _channel(rows, channels),
        _often(rows),
        _habits(rows),
        _week(rows),
        _dates(rows),
    )
    whole = _listed(parts, "; ")
    first = pc.utf8_upper(pc.utf8_slice_codeunits(whole, 0, 1))
    return _said(first, pc.utf8_slice_codeunits(whole, 1), ".")


def _offers(rows: pa.Table) -> Iterable[pa.Array]:
    for level, words in _THAN_OTHERS.items():
        of_level = [_taken(rows, kind, level) for kind in KINDS]
        yield _said("takes ", _or_null(_listed(of_level, ", ")), words)
    unknown = [
        _where(pc.equal(rows[f"{kind}_sensitivity"], "unknown"), pa.scalar(KIND_WORDS[kind]))
        for kind in KINDS
    ]
    yield _said("nothing is known of ", _or_null(_listed(unknown, ", ")))
    yield _where(rows["discount_only"], pa.scalar("buys with a discount or coupon only"))
    deep = pc.fill_null(rows["deepest_discount"], 0.0)
    percent = pc.cast(pc.round(pc.multiply(deep, 100.0)), pa.int64())
    yield _where(pc.greater(percent, 0), _said("at most ", _text(percent), "% off an order so far"))


def _taken(rows: pa.Table, kind: str, level: str) -> pa.Array:
    """Return the kind with its evidence where its sensitivity is of this level, else null."""
    source = pc.index_in(rows[f"{kind}_source"], value_set=pa.array(list(_SEEN), pa.string()))
    seen = pa.array(list(_SEEN.values()), pa.string()).take(in_one(source))
    said = _said(
        KIND_WORDS[kind], " (", _text(rows[f"{kind}_used"]), " of ", _text(rows[f"{kind}_evidence"]), " ", seen, ")"
    )  # fmt: skip
    return _where(pc.equal(rows[f"{kind}_sensitivity"], level), said)


def _channel(rows: pa.Table, channels: Sequence[str]) -> pa.Array:
    names = pa.array(list(channels), pa.string())
    words = pa.array([CHANNEL_WORDS[name] for name in channels], pa.string())
    best, ask = (
        words.take(in_one(pc.index_in(rows[column], value_set=names)))
        for column in ("recommended_channel", "ask_for_channel")
    )
    use = _said("contact by ", best, " (", rows["recommended_channel_reason"], ")")
    first_ask = _said(
        rows["recommended_channel_reason"], " for sure: ask for ", ask, " (", rows["ask_for_reason"], ")"
    )
    return pc.coalesce(use, first_ask, in_one(rows["recommended_channel_reason"]))


def _often(rows: pa.Table) -> pa.Array:
    days = rows["contact_interval_days"]
    every = _said("at least ", _text(days), " days between messages")
    one = _where(pc.equal(days, 1), pa.scalar("at least 1 day between messages"))
    none = _where(pc.equal(days, 0), pa.scalar("more than one message on a day does no harm"))
    return pc.coalesce(none, one, every)


def _habits(rows: pa.Table) -> pa.Array:
    hour = pc.fill_null(_said(" at ", _text(rows["best_hour"]), ":00"), "")
    others = _where(rows["weekday_own"], pa.scalar(""), pa.scalar("as most customers; "))
    seen = _said(others, "own orders and opens: ", _text(rows["weekday_evidence"]))
    return _said("best on ", pc.utf8_capitalize(rows["best_weekday"]), hour, " (", seen, ")")


def _week(rows: pa.Table) -> pa.Array:
    window = _said(
        "next order around ", _text(rows["next_order_p50"]), " (", _text(rows["next_order_p10"]), " to ",
        _text(rows["next_order_p90"]), "), best contacted from ", _text(rows["contact_from"]), " to ",
        _text(rows["contact_to"]), " (", rows["contact_why"], ")",
    )  # fmt: skip
    return pc.coalesce(window, in_one(rows["contact_why"]))


def _dates(rows: pa.Table) -> pa.Array:
    birthday = _said("birthday on ", _text(rows["next_birthday"]))
    first = _said("anniversary of the first order on ", _text(rows["next_anniversary"]))
    return _or_null(_listed([birthday, first], ", "))


# ---------------------------------------------------------------- texts of all rows
def _said(*parts: Any) -> pa.Array:
    """Return the parts one after the other, null where one is null."""
    return in_one(pc.binary_join_element_wise(*parts, ""))


def _listed(parts: Iterable[pa.Array], between: str) -> pa.Array:
    """Return the parts that there are, with a text between them; empty where there is none."""
    # Arrow's own null_handling="skip" would leave out the rows that have no part at all.
    led = [pc.fill_null(_said(between, part), "") for part in parts]
    return pc.utf8_slice_codeunits(in_one(pc.binary_join_element_wise(*led, "")), len(between))


def _or_null(texts: pa.Array) -> pa.Array:
    return _where(pc.greater(pc.binary_length(texts), 0), texts)


def _where(condition: pa.Array, then: Any, otherwise: Any = None) -> pa.Array:
    return in_one(pc.if_else(pc.fill_null(condition, False), then, pa.scalar(otherwise, pa.string())))


def _text(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    return in_one(pc.cast(values, pa.string()))
