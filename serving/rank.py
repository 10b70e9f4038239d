"""Score customers: order lines in, the scores table out. The same path serves batch and live."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.days import parse_day, to_date
from contracts.errors import ArtifactError
from contracts.tables import scores_schema
from contracts.training import Columns, Floats
from features.catalog import CATALOG
from features.kernel.buffers import as_arrow, as_numpy
from features.kernel.declaration import Catalog, FeatureTable
from features.kernel.history import History
from features.kernel.past import Past
from features.kernel.running import Ints
from features.references import references_for
from models.bundle import Bundle
from models.clv import Lifetime, Margins, lifetime_knots
from models.confidence import Known, Texts, grade
from models.curve import next_orders
from models.ensemble import Answer

# A score is about the days after as_of; after this many it should be made anew.
VALID_DAYS = 7
# The next-order dates are given only to customers with at least this chance of an order within a year.
LEAST_P_FOR_DATES = 0.05
SHOWN = ("recency_days", "frequency", "monetary_value")  # features that stand in the scores as they are


@dataclass(frozen=True)
class Scoring:
    """What a scoring run fixes for all customers. scored_at is given by the front door."""

    as_of: int
    horizons: tuple[int, ...]
    rank_horizon: int
    rank_by: str  # "value" or "probability"
    scored_at: datetime


def score_history(
    history: History, bundle: Bundle, scoring: Scoring, *, catalog: Catalog = CATALOG
) -> pa.Table:
    """Return the scores of every customer with an order up to as_of, best first among themselves.

    Columns as contracts.tables.scores_schema. catalog: the features, the shop's own among them.
    """
    return ranked([score_customers(history, bundle, scoring, catalog=catalog)], scoring)


def score_customers(
    history: History,
    bundle: Bundle,
    scoring: Scoring,
    *,
    catalog: Catalog = CATALOG,
    beside: Sequence[str] = (),
) -> pa.Table:
    """Return the same without an order: rank and percentile are empty.

    beside: features that are wanted as columns beside the scores.
    """
    return scored_customers(history, bundle, scoring, catalog=catalog, beside=beside).scores


@dataclass(frozen=True)
class Scored:
    """Customers with their scores, not yet ranked, and the features from which these were made; one row each."""

    scores: pa.Table
    features: FeatureTable


def scored_customers(
    history: History,
    bundle: Bundle,
    scoring: Scoring,
    *,
    catalog: Catalog = CATALOG,
    beside: Sequence[str] = (),
) -> Scored:
    """Return the scores of `score_customers` and the features beside them."""
    table = features_for(bundle, history, scoring.as_of, catalog=catalog, beside=beside)
    schema = scores_schema(scoring.horizons)
    for name in beside:
        schema = schema.append(pa.field(name, pa.float64(), nullable=False))
    if not len(table):
        return Scored(schema.empty_table(), table)
    columns = answered(table, bundle, scoring) | {name: table.columns[name] for name in beside}
    columns["country"] = last_countries(history, scoring.as_of)
    for name, kind in (("rank", np.int64), ("percentile", np.float64)):
        columns[name] = np.zeros(len(table), dtype=kind)
    arrays = [_array(columns.get(field.name), field, len(table)) for field in schema]
    return Scored(pa.table(arrays, schema=schema), table)


def last_countries(history: History, day: int) -> pa.Array | None:
    """Return the country of each customer's latest order line that names one, null where none does; (n,).

    None where the orders have no country. In the order of the features' rows.
    """
    if "country" not in history.optional:
        return None
    past = Past(history, day)
    codes = past.last_code("country")
    places = as_arrow(codes.astype(np.int64), pa.int64(), valid=codes >= 0)
    return past.text("country").values.cast(pa.string()).take(places)


def ranked(parts: Sequence[pa.Table], scoring: Scoring) -> pa.Table:
    """Put scored customers in their order.

    By expected value (or probability), then customer_id; the percentile is the share of customers with at most the
    same value, so that ties share and the best has 100.
    """
    table = pa.concat_tables(parts)
    order, percentile = rank_order(as_numpy(table[ranked_by(scoring)]), _ids_of(table))
    table = table.take(as_arrow(order, pa.int64()))
    for name, values in (("rank", np.arange(1, len(order) + 1)), ("percentile", percentile)):
        place = table.column_names.index(name)
        table = table.set_column(
            place, table.schema.field(name), as_arrow(values, table.schema.field(name).type)
        )
    return table


def ranked_by(scoring: Scoring) -> str:
    """Return the column by which customers are ranked."""
    what = "expected_value" if scoring.rank_by == "value" else "p_repurchase"
    return f"{what}_{scoring.rank_horizon}d"


def rank_order(value: Floats, ids_at: Callable[[Ints], pa.Array]) -> tuple[Ints, Floats]:
    """Return the rows of n customers, best first, and the percentile at each rank; (n,) each.

    Equal values stand by id; ids_at gives the ids of some rows, and is asked for those alone.
    """
    order = np.argsort(-value, kind="stable")
    best_first = value[order]
    new = np.ones(len(order), dtype=np.bool_)
    new[1:] = best_first[1:] != best_first[:-1]
    group = np.cumsum(new) - 1
    tied = np.flatnonzero(~new | np.append(~new[1:], False))
    if len(tied):
        keys = pa.table([as_arrow(group[tied], pa.int64()), ids_at(order[tied])], names=["group", "id"])
        by_id = pc.sort_indices(keys, sort_keys=[("group", "ascending"), ("id", "ascending")])
        order[tied] = order[tied][as_numpy(by_id.cast(pa.int64()))]
    at_most = len(order) - np.flatnonzero(new)
    return order, 100.0 * at_most[group] / len(order)


def _ids_of(table: pa.Table) -> Callable[[Ints], pa.Array]:
    return lambda rows: table["customer_id"].take(as_arrow(rows, pa.int64())).combine_chunks()


def features_for(
    bundle: Bundle,
    history: History,
    as_of: int,
    *,
    catalog: Catalog = CATALOG,
    beside: Sequence[str] = (),
) -> FeatureTable:
    """Return the features that the bundle reads, and those `beside`; where a column is absent they are empty (NaN).

    Reference tables are the bundle's. Raises ArtifactError if a feature is not there, or has changed since the
    bundle was trained.
    """
    wanted = wanted_features(bundle, catalog, beside)
    return present_features(wanted, history.optional, bundle).compute(history, as_of)


@dataclass(frozen=True)
class Present:
    """The wanted features that some orders allow, and the names of those that stay empty."""

    catalog: Catalog
    empty: tuple[str, ...]
    tables: Mapping[str, Any]

    def compute(self, history: History, as_of: int) -> FeatureTable:
        """Return the features of a history, the empty ones as NaN. tables: the bundle's reference tables."""
        references = references_for(self.tables, history, as_of)
        table = self.catalog.compute(history, as_of, references=references)
        table.columns.update((name, np.full(len(table), np.nan)) for name in self.empty)
        return table


def present_features(wanted: Catalog, columns: frozenset[str], bundle: Bundle) -> Present:
    """Return what orders with these optional columns allow of the wanted features."""
    tables = bundle.references
    return Present(wanted.available(columns, tables), tuple(wanted.switched_off(columns, tables)), tables)


def read_features(wanted: Catalog, bundle: Bundle) -> Catalog:
    """Return those of the wanted features by which a score can differ: some columns no tree splits by."""
    unread = {*bundle.features} - bundle.model.reads - {*_read_besides(bundle)}
    return wanted.pick([one.name for one in wanted if one.name not in unread])


def absent_columns(bundle: Bundle, present: frozenset[str], *, catalog: Catalog = CATALOG) -> list[str]:
    """Return what the bundle's features would like and the orders lack."""
    off = wanted_features(bundle, catalog).switched_off(present, bundle.references)
    return sorted({column for columns in off.values() for column in columns})


def require_features(bundle: Bundle, catalog: Catalog) -> None:
    """Raise ArtifactError if a feature that the bundle reads is not there, or has changed since the training."""
    wanted_features(bundle, catalog)


def wanted_features(bundle: Bundle, catalog: Catalog, beside: Sequence[str] = ()) -> Catalog:
    """Return the features that a bundle reads, and those `beside`; ArtifactError if one is missing or has changed."""
    known, own = {one.name for one in catalog}, bundle.manifest.get("own_features", {})
    missing = [name for name in bundle.features if name not in known]
    files = sorted({own[name] for name in missing if name in own})
    if missing:
        shown = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
        fix = f"Give their file: --features {' '.join(files)}" if files else "Train a new model"
        raise ArtifactError(f"the model {bundle.version} reads features that are not here: {shown}. {fix}.")
    found = catalog.pick(tuple(dict.fromkeys((*bundle.features, *_read_besides(bundle), *beside))))
    for one in found:
        if one.source_hash != bundle.manifest["features"].get(one.name, one.source_hash):
            fix = f"Give {own[one.name]} as it was then, or train" if one.name in own else "Train"
            raise ArtifactError(
                f"feature '{one.name}' has changed since the model {bundle.version} was trained. {fix} a new model."
            )
    return found


def _read_besides(bundle: Bundle) -> tuple[str, ...]:
    """Return the features that scores are made of besides the model's answer."""
    return (*SHOWN, *(Margins.needs if bundle.manifest["clv"].get("margins") else ()))


def answered(table: FeatureTable, bundle: Bundle, scoring: Scoring) -> dict[str, Any]:
    """Return the columns of the scores of these features: (n,) arrays, or one value for all."""
    features, lifetime = table.columns, bundle.manifest["clv"]
    knots = lifetime_knots(lifetime["days"])
    asked = (*scoring.horizons, *knots, bundle.manifest["horizon"])
    answer = bundle.model.answer(features, asked, day=scoring.as_of)
    grades, reasons = _confidence(features, answer, bundle, scoring)
    columns: dict[str, Any] = {
        "customer_id": table.customer_id,
        "as_of": to_date(scoring.as_of),
        # Who orders is alive: LightGBM may know better than the base.
        "p_alive": np.maximum(bundle.model.base.p_alive(features), answer.curve[:, -1]),
        "recency_days": features["recency_days"].astype(np.int32),
        "frequency": features["frequency"].astype(np.int32),
        "monetary_value": features["monetary_value"],
        "curve": answer.curve,
        "confidence": grades,
        "confidence_reason": reasons,
        "model": _model_words(bundle, scoring),
        "model_version": bundle.version,
        "currency": bundle.manifest["currency"],
        "scored_at": scoring.scored_at.astimezone(UTC),
        "valid_until": to_date(scoring.as_of) + timedelta(days=VALID_DAYS),
    }
    bounds = {h: bundle.model.spread.interval(answer.at[h], h) for h in {*scoring.horizons, knots[-1]}}
    for h in scoring.horizons:
        found = answer.at[h]
        lower, upper = bounds[h]
        columns |= {
            f"p_repurchase_{h}d": found.p,
            f"expected_orders_{h}d": found.expected_orders,
            f"expected_value_{h}d": found.expected_value,
            f"value_lower_{h}d": lower,
            f"value_upper_{h}d": upper,
        }
    return (
        columns
        | _lifetime(features, answer, bundle, knots, bounds[knots[-1]])
        | _next_order(answer.curve, scoring.as_of)
    )


def _lifetime(
    features: Columns, answer: Answer, bundle: Bundle, knots: list[int], bounds: tuple[Floats, Floats]
) -> dict[str, Any]:
    """Return the lifetime value, its bounds and its variance."""
    terms, spread = bundle.manifest["clv"], bundle.model.spread
    margins = terms.get("margins")
    lifetime = Lifetime.of(
        [answer.at[h].expected_value for h in knots],
        knots,
        margin=Margins(**margins).of(features) if margins else terms["margin"],
        discount_rate=terms["discount_rate"],
        contact_cost_per_year=terms.get("contact_cost", 0.0),
    )
    last = answer.at[knots[-1]]
    lower, upper = lifetime.interval(*bounds)
    variance = lifetime.variance(spread.variance(last, knots[-1]))
    return {"clv": lifetime.expected, "clv_lower": lower, "clv_upper": upper, "clv_variance": variance}


def _next_order(curve: Floats, as_of: int) -> dict[str, Any]:
    likely = curve[:, -1] >= LEAST_P_FOR_DATES
    days = as_of + np.maximum(np.ceil(next_orders(curve, (0.1, 0.5, 0.9))), 1.0).astype(np.int32)
    dates = days.astype("datetime64[D]")
    dates[:, ~likely] = np.datetime64("NaT")
    return dict(zip(("next_order_p10", "next_order_p50", "next_order_p90"), dates, strict=True))


def _confidence(features: Columns, answer: Answer, bundle: Bundle, scoring: Scoring) -> tuple[Texts, Texts]:
    """Return each customer's grade for the model's main horizon, and its reason."""
    horizon, spread = bundle.manifest["horizon"], bundle.model.spread
    known = Known(
        horizon=horizon,
        learnt_until=bundle.manifest["learnt_until_days"],
        history_days=scoring.as_of - parse_day(bundle.manifest["first_day"]),
        level_sd=spread.level_sd(horizon),
    )
    found = answer.at[horizon]
    return grade(
        found.expected_value, spread.variance(found, horizon), features["frequency"] + 1.0, known=known
    )


def _model_words(bundle: Bundle, scoring: Scoring) -> str:
    learnt = bundle.manifest["learnt_until_days"]
    words = bundle.model.parts
    return f"{words}, extrapolated beyond {learnt}d" if max(scoring.horizons) > learnt else words


def _array(values: Any, field: pa.Field, rows: int) -> pa.Array:
    if values is None:
        return pa.nulls(rows, field.type)
    if isinstance(values, pa.Array):
        return values
    if isinstance(values, np.ndarray) and values.ndim == 2:
        flat = pa.array(np.ascontiguousarray(values).ravel())
        return pa.ListArray.from_arrays(pa.array(np.arange(rows + 1, dtype=np.int32) * values.shape[1]), flat)
    if isinstance(values, np.ndarray):
        return pa.array(values, field.type)
    return pa.repeat(pa.scalar(values, field.type), rows)
