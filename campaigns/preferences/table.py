"""One row per customer: what is known, with how much of it is known, and a sentence.

| columns | meaning |
|---|---|
| segment, activity | RFM group of the ranking, else the activity; active, low, silent or unknown |
| KIND_sensitivity | high, medium or low: KIND is taken more, as, or less often than by the shop's average; unknown |
| KIND_response | own rate over the shop's mean rate, shrunk; 1 is average |
| KIND_evidence, _used, _source | orders made while KIND was around, or offers received; how many used it; which |
| discount_only | every order (of at least 3, and not by chance) had a discount or coupon |
| deepest_discount, price_elasticity | largest share taken off one order; % more per % dearer, at list prices |
| CHANNEL_allowed, _reason | yes, no, or unknown (ask first): may be contacted on the day after |
| CHANNEL_response_rate, _messages, _responses | expected share of messages that are clicked or lead to an order |
| recommended_channel, _reason | among the allowed ones; ask_for_channel: where none is, the best to ask for |
| contact_interval_days | days between messages to the segment, else to all |
| best_weekday, best_hour | with the shrunk share of orders and opens in it, how many there are, and whether it is own |
| next_order_p10, _p50, _p90 | dates, given an order within a year; contact_from, _to, _why: the best week |
| next_birthday, next_anniversary | on or after the day; of the first order |
| in_words | all of it in one sentence |
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from campaigns.preferences.by_channel import WHY
from campaigns.preferences.intervals import days_of
from campaigns.preferences.preferences import Preferences
from campaigns.preferences.sentence import in_words
from campaigns.screening.activity import LEVELS as ACTIVITIES
from campaigns.screening.reachability import NO, STATES, UNKNOWN, YES
from campaigns.sensitivity import LEVELS
from features.kernel.buffers import as_arrow
from features.kernel.running import Floats

PART = 100_000
_STATES = tuple(STATES[one] for one in (UNKNOWN, NO, YES))
_SOURCES = ("orders", "contacts")


def preference_parts(found: Preferences, *, rows: int = PART) -> Iterator[pa.Table]:
    """Yield the rows of some customers at a time, in the order of their ids; at least one table."""
    wide = _wide(found)
    for begin in range(0, max(len(found), 1), rows):
        part = _plain(wide.slice(begin, rows))
        yield part.append_column("in_words", in_words(part, found.channels.names))


def preference_table(found: Preferences) -> pa.Table:
    """Return all rows."""
    return pa.concat_tables(preference_parts(found)).combine_chunks()


def _wide(found: Preferences) -> pa.Table:
    """Return all columns but the sentence; words as dictionaries, which are small."""
    columns: dict[str, pa.Array] = {
        "customer_id": found.base.sales.ids.cast(pa.string()),
        "segment": _texts(found.groups.name),
        "activity": _coded(found.activity.level, ACTIVITIES),
        **_offer_columns(found),
        **_channel_columns(found),
        "contact_interval_days": _whole(days_of(found.intervals, found.groups)),
    }
    for name in found.times.column_names[1:]:
        columns[name] = found.times[name]
    return pa.table(columns)


def _offer_columns(found: Preferences) -> dict[str, pa.Array]:
    columns = {}
    for kind, one in found.sensitivity.kinds.items():
        columns[f"{kind}_sensitivity"] = _coded(_place(one.level, LEVELS), LEVELS)
        columns[f"{kind}_response"] = _number(one.value)
        columns[f"{kind}_evidence"] = as_arrow(one.evidence, pa.int64())
        columns[f"{kind}_used"] = as_arrow(one.used, pa.int64())
        columns[f"{kind}_source"] = _coded(_place(one.source, _SOURCES), _SOURCES)
    only = found.sensitivity.discount_only
    return {
        **columns,
        "discount_only": as_arrow(only == 1, pa.bool_(), valid=only >= 0),
        "deepest_discount": _number(found.sensitivity.deepest_discount),
        "price_elasticity": _number(found.sensitivity.elasticity.value),
        "price_elasticity_orders": as_arrow(found.sensitivity.elasticity.evidence, pa.int64()),
    }


def _channel_columns(found: Preferences) -> dict[str, pa.Array]:
    by, columns = found.channels, {}
    for place, name in enumerate(by.names):
        columns[f"{name}_allowed"] = _coded(by.state[name] - UNKNOWN, _STATES)
        columns[f"{name}_reason"] = _coded(by.why[name], WHY)
        columns[f"{name}_response_rate"] = _number(by.scores.rate[:, place])
        columns[f"{name}_messages"] = as_arrow(np.ascontiguousarray(by.scores.evidence[:, place]), pa.int64())
        columns[f"{name}_responses"] = as_arrow(
            np.ascontiguousarray(by.scores.responded[:, place]), pa.int64()
        )
    ask_for = np.stack([by.why[name] for name in by.names], axis=1)
    ask_why = ask_for[np.arange(len(found)), np.maximum(by.ask, 0)]
    return {
        **columns,
        "recommended_channel": _coded(by.best.channel, by.names),
        "recommended_channel_reason": _texts(by.best.reason),
        "ask_for_channel": _coded(by.ask, by.names),
        "ask_for_reason": _coded(np.where(by.ask >= 0, ask_why, -1), WHY),
    }


def _plain(part: pa.Table) -> pa.Table:
    """Return a part with words as texts."""
    texts = [
        pa.field(one.name, pa.string() if pa.types.is_dictionary(one.type) else one.type)
        for one in part.schema
    ]
    return part.cast(pa.schema(texts)).combine_chunks()


def _place(words: NDArray[np.object_], known: Sequence[str]) -> NDArray[np.int8]:
    """Return each word's place among the known ones, -1 for another; (n,)."""
    found = np.full(len(words), -1, dtype=np.int8)
    for place, word in enumerate(known):
        found[words == word] = place
    return found


def _coded(place: NDArray[Any], words: Sequence[str]) -> pa.DictionaryArray:
    """Return words by their places; null below 0."""
    codes = as_arrow(place.astype(np.int8), pa.int8(), valid=place >= 0)
    return pa.DictionaryArray.from_arrays(codes, pa.array(list(words), pa.string()))


def _texts(words: NDArray[np.object_]) -> pa.DictionaryArray:
    return pa.array(words.tolist(), pa.string()).dictionary_encode()


def _number(values: Floats) -> pa.Array:
    return as_arrow(np.ascontiguousarray(values), pa.float64(), valid=~np.isnan(values))


def _whole(values: Floats) -> pa.Array:
    return as_arrow(np.nan_to_num(values).astype(np.int64), pa.int64(), valid=~np.isnan(values))
