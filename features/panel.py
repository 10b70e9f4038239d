"""Features and outcomes for one or more cutoffs.

from features.orders import read_orders
from features.kernel.history import History
from features.panel import build_panel
history = History.from_lines(read_orders("orders.csv").lines)
frame = build_panel(history, [cutoff], horizons=(90,)).to_arrow().to_pandas()
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from contracts.training import Outcome
from features.catalog import CATALOG
from features.kernel.buffers import as_arrow
from features.kernel.declaration import Catalog, FeatureTable
from features.kernel.history import History
from features.kernel.past import Past
from features.kernel.reference import NONE, References
from features.kernel.running import Ints
from features.shop.histories import PeopleHistory

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
                column = as_arrow(values, pa.float64())
                table = table.append_column(f"outcome_{name}_{horizon}d", column)
        return table


def cutoff_days(
    as_of: int, *, horizon: int, count: int, first_day: int, step: int = CUTOFF_STEP_DAYS
) -> list[int]:
    """Return up to `count` training cutoffs, oldest first: as_of - horizon and every `step` days before it.

    Cutoffs before `first_day` are left out.
    """
    newest = as_of - horizon
    return [day for day in (newest - k * step for k in reversed(range(count))) if day >= first_day]


def outcome_at(history: History, customers: Ints, cutoff: int, horizon: int) -> Outcome:
    """Return what the customers at these positions did in the days cutoff+1 ... cutoff+horizon.

    As known at the end of the horizon: an order cancelled inside it is none, and returns dated inside it
    reduce the value. Whoever has become one customer with somebody else by then has done what that customer did.
    """
    end = cutoff + horizon
    if isinstance(history, PeopleHistory):
        customers = history.standing(customers, end)
    later = Past(history, end, customers=customers)
    order_days = later.count_days(days=horizon)
    return Outcome((order_days > 0).astype(np.float64), order_days, later.sum("net", days=horizon))


def each_cutoff(
    history: History,
    cutoffs: Sequence[int],
    *,
    horizons: Sequence[int] = (),
    observed_until: int | None = None,
    catalog: Catalog = CATALOG,
    references: Mapping[int, References] | None = None,
) -> Iterator[Panel]:
    """Compute the features that the history allows, and the outcomes of each horizon, cutoff by cutoff.

    observed_until: outcomes may use nothing later (default: the last order day of the history).
    references: for each cutoff the reference tables fitted on what was known then; without them the features that
    need one are off.
    """
    until = history.last_order_day if observed_until is None else observed_until
    tables = {cutoff: references[cutoff] if references else NONE for cutoff in cutoffs}
    named = frozenset.intersection(*map(frozenset, tables.values())) if tables else frozenset()
    catalog = catalog.available(history.optional, named)
    history.prepare([*cutoffs, *(c + h for c in cutoffs for h in horizons if c + h <= until)])
    for cutoff in cutoffs:
        found = catalog.compute(history, cutoff, references=tables[cutoff])
        outcomes = {
            h: outcome_at(history, found.customers, cutoff, h)
            if cutoff + h <= until
            else Outcome.unknown(len(found))
            for h in horizons
        }
        yield Panel(found, outcomes, until)


def build_panel(
    history: History,
    cutoffs: Sequence[int],
    *,
    horizons: Sequence[int] = (),
    observed_until: int | None = None,
    catalog: Catalog = CATALOG,
    references: Mapping[int, References] | None = None,
) -> Panel:
    """Compute what `each_cutoff` does as one panel, cutoff below cutoff."""
    panels = list(
        each_cutoff(
            history,
            cutoffs,
            horizons=horizons,
            observed_until=observed_until,
            catalog=catalog,
            references=references,
        )
    )
    outcomes = {h: Outcome.stack([one.outcomes[h] for one in panels]) for h in horizons}
    return Panel(FeatureTable.stack([one.features for one in panels]), outcomes, panels[0].observed_until)
