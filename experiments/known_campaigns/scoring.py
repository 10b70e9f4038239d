"""A ranking of drawn orders by BG/NBD with Gamma-Gamma spend, tiers, stages and RFM groups, as the plan reads it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from campaigns.base import Base
from campaigns.layers import FEATURES, layered
from campaigns.results.campaign import Known
from campaigns.sales import Sales
from contracts.tables import CURVE_KNOTS, CUSTOMERS
from contracts.training import Columns, TrainingData
from experiments.known_campaigns.tables import contacts, order_lines
from experiments.known_campaigns.world import Drawn
from features.catalog import BTYD_SUMMARY, CATALOG
from features.kernel.buffers import as_arrow
from features.kernel.history import History
from models.bgnbd import BgNbd

_READ = (*BTYD_SUMMARY, "recency_days", *(name for name in FEATURES if name not in BTYD_SUMMARY))
_HORIZONS = (30, 90)
_TIER_DAYS = 90


class Ranker:
    """BG/NBD fitted to a history as known at the end of a day."""

    def __init__(self, history: History, day: int) -> None:
        self.history, self.day = history, day
        now = self._columns(day)
        data = TrainingData(
            now, {}, np.empty(0, dtype=np.int64), {}, _TIER_DAYS, day - history.first_order_day, day
        )
        self.model = BgNbd.fit(data)

    def _columns(self, day: int) -> Columns:
        return CATALOG.pick(_READ).compute(self.history, day).columns

    def scores(self, day: int, *, margin: float) -> pa.Table:
        """Return the columns of contracts.tables.scores_schema that a plan reads, of whoever has ordered by a day."""
        table = CATALOG.pick(_READ).compute(self.history, day)
        columns = table.columns
        curve = np.column_stack([self.model.p_order(columns, h) for h in CURVE_KNOTS])
        n = len(table)
        found = {"customer_id": table.names.ids.take(as_arrow(table.customers.astype(np.int64), pa.int64()))}
        numbers = {"p_alive": self.model.p_alive(columns)}
        for h in _HORIZONS:
            said = self.model.predict(columns, h, day=day)
            numbers |= {
                f"p_repurchase_{h}d": said.p,
                f"expected_orders_{h}d": said.expected_orders,
                f"expected_value_{h}d": said.expected_value,
            }
        numbers |= {name: columns[name] for name in _READ}
        found |= {
            name: as_arrow(np.ascontiguousarray(values), pa.float64()) for name, values in numbers.items()
        }
        found |= dict.fromkeys(("tier", "lifecycle", "segment"), pa.nulls(n, pa.string()))
        flat = as_arrow(curve.ravel(), pa.float64())
        offsets = pa.array(np.arange(0, curve.size + 1, len(CURVE_KNOTS), dtype=np.int32))
        found["curve"] = pa.ListArray.from_arrays(offsets, flat)
        return layered(pa.table(found), horizon=_TIER_DAYS, margin=margin)[0]


def ranked(drawn: Drawn) -> tuple[Base, pa.Table, list[Known]]:
    """Return the customer base of a drawn world, its scores on the last day, and what was known before each campaign.

    The last is each customer's stage and tier on the evening before; the model is the one of the last day.
    """
    day = drawn.world.as_of
    history = History.from_lines(order_lines(drawn))
    history.prepare([day])
    ranker = Ranker(history, day)
    scores = ranker.scores(day, margin=drawn.margin)
    base = Base(
        Sales.of(history, day),
        "EUR",
        "UTC",
        customers=_consents(drawn),
        contacts=contacts(drawn) if drawn.sent else None,
    )
    return base, scores, [_known(ranker, sending.at // 86_400 - 1, drawn.margin) for sending in drawn.sent]


def _known(ranker: Ranker, day: int, margin: float) -> Known:
    scores = ranker.scores(day, margin=margin)
    groups = ("lifecycle", "tier", "segment")
    return Known(f"scores of day {day}", scores.select(["customer_id", *groups]), day, (), groups)


def _consents(drawn: Drawn) -> pa.Table:
    n = len(drawn.ids)
    columns: dict[str, pa.Array] = {field.name: pa.nulls(n, field.type) for field in CUSTOMERS}
    columns["customer_id"] = drawn.ids
    for channel, column in (("email", "consent_email"), ("sms", "consent_sms"), ("app", "consent_push")):
        columns[column] = as_arrow(drawn.agreed[channel], pa.bool_())
    return pa.table(columns, schema=CUSTOMERS)
