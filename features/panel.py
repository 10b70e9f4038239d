"""Features and outcomes for one or more cutoffs.

from features.orders import read_orders
from features.kernel.history import History
from features.panel import build_panel
history = History.from_lines(read_orders("orders.csv").lines)
frame = build_panel(history, [cutoff], horizons=(90,)).to_arrow().to_pandas()
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from contracts.training import Outcome
from features.catalog import CATALOG
from features.kernel.declaration import Catalog, FeatureTable
from features.kernel.history import History
from features.kernel.past import Past
from features.kernel.running import Ints

CUTOFF_STEP_DAYS = 30


@dataclass(frozen=True)
class Panel:
    """Features of n (customer, cutoff) rows and, for each horizon (days), their outcomes.

    observed_until: the last day that outcomes may use. The outcome of a horizon that ends later is NaN.
    """

    features: FeatureTable
    outcomes: dict[int, Outcome]
    observed_until: int

    def to_arrow(self) -> pa.Table:
        """Return one Arrow table: customer_id, cutoff, the features, then the outcomes."""
        table = self.features.to_arrow()
        for horizon, outcome in self.outcomes.items():
            for name, values in vars(outcome).items():
                table = table.append_column(f"outcome_{name}_{horizon}d", pa.array(values))
        return table


def cutoff_days(
    as_of: int, *, horizon: int, count: int, first_day: int, step: int = CUTOFF_STEP_DAYS
) -> list[int]:
    """Return up to `count` training cutoffs, oldest first: as_of - horizon and every `step` days before it.

    Cutoffs before `first_day` are left out.
    """
    newest = as_of - horizon
    return [day for day in (newest - k * step for k in reversed(range(count))) if day >= first_day]


def outcome_at(history: History, positions: Ints, cutoff: int, horizon: int) -> Outcome:
    """Return what the customers at these positions did in the days cutoff+1 ... cutoff+horizon.

    As known at the end of the horizon: an order cancelled inside it is none, and returns dated inside it
    reduce the value.
    """
    end = cutoff + horizon
    order_days = Past(history, end, rows=positions).count_days(days=horizon)
    corrected = history.as_known_on(end)
    if corrected is not None:
        anew = Past(corrected, end, rows=np.arange(len(corrected.positions))).count_days(days=horizon)
        where = np.full(len(history.customer_ids), -1)
        where[corrected.positions] = np.arange(len(anew))
        at = where[positions]
        order_days = np.where(at >= 0, anew[at], order_days)
    value = Past(history, end, rows=positions).sum("net", days=horizon)
    return Outcome((order_days > 0).astype(np.float64), order_days, value)


def positions_of(history: History, table: FeatureTable) -> Ints:
    """Return where the table's customers stand in the history; (n,)."""
    place = {name: i for i, name in enumerate(history.customer_ids)}
    return np.array([place[name] for name in table.customer_id], dtype=np.int64)


def build_panel(
    history: History,
    cutoffs: Sequence[int],
    *,
    horizons: Sequence[int] = (),
    observed_until: int | None = None,
    catalog: Catalog = CATALOG,
) -> Panel:
    """Compute the catalogue's features at each cutoff, and the outcomes of each horizon.

    observed_until: outcomes may use nothing later (default: the last order day of the history).
    """
    until = history.last_order_day if observed_until is None else observed_until
    catalog = catalog.available(history.optional)
    tables: list[FeatureTable] = []
    outcomes: dict[int, list[Outcome]] = {h: [] for h in horizons}
    for cutoff in cutoffs:
        table = catalog.compute(history, cutoff)
        tables.append(table)
        rows = positions_of(history, table)
        for h in horizons:
            outcomes[h].append(
                outcome_at(history, rows, cutoff, h) if cutoff + h <= until else Outcome.unknown(len(rows))
            )
    return Panel(FeatureTable.stack(tables), {h: Outcome.stack(some) for h, some in outcomes.items()}, until)
