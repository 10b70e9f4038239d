"""Why one customer of the published ranking has this chance: the reasons in words, made when they are asked for.

The features are those of the ranking itself (Store.details). What is usual is a sample of the ranking: 256 customers in
even steps from the best to the last, read once for each store.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from weakref import WeakKeyDictionary

import numpy as np
import pyarrow as pa

from contracts.days import parse_day
from contracts.training import Columns
from features.kernel.declaration import FeatureTable
from features.kernel.lines import Names
from models.bundle import Bundle
from serving.answering.reasons import Explained, explained
from serving.live_scorer import LiveScorer
from serving.service import Current
from serving.store import Store
from serving.stored.details import Details

REFERENCE_CUSTOMERS = 256
# Read once for each open store; a store that is swapped out takes its sample with it.
_references: WeakKeyDictionary[Store, Columns] = WeakKeyDictionary()
_reading = threading.Lock()


def explain(current: Current, customer_id: str, *, top: int = 5) -> Explained | None:
    """Return the reasons for a customer's chance within the ranking's main horizon; None where `why_not` says why.

    About a tenth of a second; the first call for a store a second more (see `prepare`). Safe from many threads.
    """
    store, scorer, details = current.store, current.scorer, _details(current, customer_id)
    if store is None or not isinstance(scorer, LiveScorer) or isinstance(details, str):
        return None
    reference = _reference(store, scorer.bundle)
    if not reference:
        return None
    as_of = parse_day(str(store.manifest["as_of"]))
    table = FeatureTable(
        Names(pa.array([customer_id], pa.string())),
        np.zeros(1, dtype=np.int64),
        np.array([as_of]),
        dict(_columns([details.features], scorer.bundle)),
    )
    found = explained(
        table,
        scorer.bundle,
        as_of=as_of,
        horizon=store.horizon,
        reference=reference,
        catalog=scorer.catalog,
        top=top,
    )
    return found[0]


def prepare(current: Current) -> None:
    """Read what a store's customers are compared with ahead of the first question (about a second of work)."""
    if current.store is not None and isinstance(current.scorer, LiveScorer):
        _reference(current.store, current.scorer.bundle)


def why_not(current: Current, customer_id: str) -> str | None:
    """Return why there are no reasons for a customer, in a sentence; None if there are."""
    details = _details(current, customer_id)
    return details if isinstance(details, str) else None


def _details(current: Current, customer_id: str) -> Details | str:
    """Return the customer's details, or why nothing can be told by them."""
    store, scorer = current.store, current.scorer
    if store is None:
        return "No ranking is published."
    if not isinstance(scorer, LiveScorer):
        return "The model that is loaded cannot say why."
    if scorer.model_version != store.manifest["model_version"]:
        return (
            "The ranking was made by another model than the one that is loaded, so its reasons cannot be told. "
            "Rank again, or start the server with the ranking's model."
        )
    details = store.details(customer_id)
    if details is None:
        return "The ranking was published without this customer's details, so reasons cannot be told. Rank again."
    lacking = [name for name in scorer.bundle.model.needs if name not in details.features]
    return (
        f"The ranking's details lack {lacking[0]}, which the model reads. Rank again." if lacking else details
    )


def _reference(store: Store, bundle: Bundle) -> Columns:
    """Return the features of the customers to compare with; {} if the store has details of none."""
    with _reading:
        if store not in _references:
            _references[store] = _columns(_sampled(store), bundle)
        return _references[store]


def _sampled(store: Store) -> list[Mapping[str, float]]:
    """Return the features of customers in even steps over the ranking."""
    many = min(store.count, REFERENCE_CUSTOMERS)
    ranks = ((2 * step + 1) * store.count // (2 * many) for step in range(many))
    rows = (store.ranking(limit=1, after_rank=rank) for rank in ranks)
    found = (store.details(str(some[0]["customer_id"])) for some in rows if some)
    return [one.features for one in found if one is not None]


def _columns(rows: Sequence[Mapping[str, float]], bundle: Bundle) -> Columns:
    if not rows:
        return {}
    return {name: np.array([row[name] for row in rows], dtype=np.float64) for name in bundle.model.needs}
