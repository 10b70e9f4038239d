"""The columns that a segment may read, and what each is made of."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from contracts.tables import DEFAULT_HORIZONS, PER_HORIZON, scores_schema
from contracts.training import Floats
from features.kernel.declaration import Catalog, Feature
from features.kernel.reference import Reference

# What every report on segments reads, whatever the rules read.
BASE = ("recency_days", "frequency", "monetary_value", "tenure", "spend")
GROUP = "segment"  # the RFM group
_RANK = "_rank"
_KEYS = ("customer_id", "model", "model_version", "currency", "confidence_reason")
_SCORE = re.compile(rf"({'|'.join(PER_HORIZON)})_[1-9][0-9]*d")


def known_columns(catalog: Catalog, asked: Iterable[str] = ()) -> frozenset[str]:
    """Return all columns that there could be: features, scores, the texts behind ranks, and the RFM group.

    asked: columns of rules; those of scores are known for any horizon.
    """
    features = frozenset(one.name for one in catalog)
    scores = frozenset(one for one in asked if is_score(one))
    return features | scores | score_columns(DEFAULT_HORIZONS) | frozenset(ranked_texts(catalog)) | {GROUP}


def score_columns(horizons: tuple[int, ...]) -> frozenset[str]:
    """Return the numbers and texts of the scores table that say something about a customer."""
    fields = [one for one in scores_schema(horizons) if one.name not in _KEYS]
    return frozenset(one.name for one in fields if _is_plain(one.type))


def is_score(name: str) -> bool:
    """Tell whether only a ranking has this column."""
    return _SCORE.fullmatch(name) is not None or name in score_columns(())


def ranked_texts(catalog: Catalog) -> dict[str, Feature]:
    """Return the text columns that follow from features which are ranks, as category_mode from category_mode_rank."""
    return {
        one.name.removesuffix(_RANK): one
        for one in catalog
        if one.unit == "rank" and one.name.endswith(_RANK)
    }


def text_of_ranks(ranks: Floats, reference: Reference) -> np.ndarray:
    """Return the text that each rank stands for, None where there is none; (n,)."""
    texts = np.array([*reference.keys, None], dtype=object)
    place = np.full(int(np.max(reference.values, initial=0.0)) + 1, len(texts) - 1)
    place[reference.values.astype(np.int64)] = np.arange(len(reference.keys))
    return texts[place[np.nan_to_num(ranks, nan=0.0).astype(np.int64)]]


def sources_of(columns: Iterable[str], catalog: Catalog, present: frozenset[str]) -> tuple[str, ...]:
    """Return in words what has to be given so that these columns are there. present: what there is (Shop.optional)."""
    features = {one.name: one for one in catalog} | ranked_texts(catalog)
    words: dict[str, None] = {}
    for name in columns:
        if name not in features:
            words["a ranking as of that day (--ranking)"] = None
            continue
        for need in features[name].needs:
            if need not in present:
                words[_given_by(need)] = None
    return tuple(words)


def _given_by(need: str) -> str:
    if need == "events":
        return "events (--events)"
    if need.startswith("customers."):
        return f"the column {need.removeprefix('customers.')} of the customers (--customers)"
    if need == "category":
        return "the column category of the orders or of the products (--products)"
    return f"the column {need} of the orders"


def _is_plain(kind: pa.DataType) -> bool:
    return pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_string(kind)
