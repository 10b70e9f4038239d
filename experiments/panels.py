"""Training data as of any day of one history; each cutoff's features are computed once and shared.

Each cutoff reads the reference tables that were fitted on what was known then, by the whole history that is given:
the sample of customers to learn from may be smaller.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from contracts.training import Columns, Outcome, Summaries, TrainingData
from experiments.recipe import Recipe
from features.catalog import BTYD_SUMMARY, CATALOG
from features.kernel.declaration import Catalog, FeatureTable
from features.kernel.history import History
from features.kernel.reference import References
from features.panel import build_panel, outcome_at
from features.references import fit_over
from features.sampling import sampled

# The level of a date is learnt from the totals of at most so many earlier cutoffs: four years of them.
MOST_SUMMARIES = 48
MOST_SUMMARISED = 10_000  # customers
SUMMARY = (*BTYD_SUMMARY, "recency_days")


@dataclass(frozen=True)
class Panels:
    """The customers of one history, sampled to the recipe's limit, and their features by cutoff.

    population: the whole history, on which reference tables are fitted.
    """

    history: History
    recipe: Recipe
    first_day: int
    population: History
    catalog: Catalog = CATALOG
    _tables: dict[int, FeatureTable] = field(default_factory=dict, repr=False)
    _references: dict[int, References] = field(default_factory=dict, repr=False)

    @staticmethod
    def of(history: History, recipe: Recipe, *, catalog: Catalog = CATALOG) -> Panels:
        """Sample the customers and prepare an empty shelf of cutoffs."""
        positions = sampled(history.customer_ids, recipe.most_customers)
        return Panels(history.of_customers(positions), recipe, history.first_order_day, history, catalog)

    def features(self, day: int) -> FeatureTable:
        """Return the whole catalogue's features at the end of a day."""
        if day not in self._tables:
            references = self.references(day)
            self._tables[day] = self.available(day).compute(self.history, day, references=references)
        return self._tables[day]

    def available(self, day: int) -> Catalog:
        """Return the features that the history and its reference tables allow."""
        return self.catalog.available(self.history.optional, self.references(day))

    def references(self, day: int) -> References:
        """Return the reference tables that the catalogue needs, as known at the end of a day."""
        return self._references_on([day])[day]

    def outcome(self, day: int, horizon: int) -> Outcome:
        """Return what the customers of that day's features did in the horizon after it."""
        return outcome_at(self.history, self.features(day).customers, day, horizon)

    def training_data(self, day: int) -> TrainingData:
        """Return all that may be learnt from at the end of a day."""
        cutoffs = self._cutoffs(day)
        ends = {cutoff + h for cutoff in cutoffs for h in self.recipe.all_horizons}
        self.history.prepare([day, *cutoffs, *(end for end in ends if end <= day)])
        self._references_on([day, *cutoffs])
        tables = [self.features(cutoff) for cutoff in cutoffs]
        now = self.features(day)
        if not tables:
            empty: dict[str, np.ndarray] = {name: np.empty(0) for name in now.columns}
            return self._data(now.columns, empty, np.empty(0, dtype=np.int64), {}, day)
        panel = FeatureTable.stack(tables)
        outcomes = {h: self._outcomes(cutoffs, h, day) for h in self.recipe.all_horizons}
        outcomes = {h: o for h, o in outcomes.items() if o.observed.any() or h == self.recipe.horizon}
        return self._data(now.columns, panel.columns, panel.cutoff, outcomes, day)

    def _references_on(self, days: list[int]) -> dict[int, References]:
        missing = [day for day in days if day not in self._references]
        if missing:
            self._references.update(fit_over([self.population], missing, self.catalog))
        return self._references

    def _data(
        self, now: Columns, panel: Columns, cutoff: np.ndarray, outcomes: dict[int, Outcome], day: int
    ) -> TrainingData:
        span, earlier = day - self.first_day, self._summaries(day)
        return TrainingData(now, panel, cutoff, outcomes, self.recipe.horizon, span, day, earlier)

    def _summaries(self, day: int) -> Summaries | None:
        """Return the BTYD summaries of the customers at earlier cutoffs, and who bought in each horizon after them."""
        step, shortest = self.recipe.cutoff_step_days, self.recipe.all_horizons[0]
        cutoffs = [day - k * step for k in range(1, MOST_SUMMARIES + 1)]
        cutoffs = sorted(cutoff for cutoff in cutoffs if self.first_day <= cutoff <= day - shortest)
        if not cutoffs:
            return None
        some = self.history.of_customers(sampled(self.history.customer_ids, MOST_SUMMARISED))
        panel = build_panel(
            some,
            cutoffs,
            horizons=self.recipe.all_horizons,
            observed_until=day,
            catalog=self.catalog.pick(SUMMARY),
        )
        return Summaries(panel.features.columns, panel.features.cutoff, panel.outcomes)

    def _cutoffs(self, day: int) -> list[int]:
        """Return the grid of cutoffs: day - horizon, and steps before and after it, as far as observed."""
        step, horizon = self.recipe.cutoff_step_days, self.recipe.horizon
        shortest, longest = self.recipe.all_horizons[0], max(self._learnable(day))
        after = max(0, (horizon - shortest) // step)
        before = self.recipe.cutoffs - 1 + max(0, (longest - horizon) // step)
        grid = [day - horizon + k * step for k in range(-before, after + 1)]
        return [cutoff for cutoff in grid if cutoff >= self.first_day]

    def _learnable(self, day: int) -> tuple[int, ...]:
        span = day - self.first_day
        return tuple(h for h in self.recipe.all_horizons if 2 * h <= span) or (self.recipe.horizon,)

    def _outcomes(self, cutoffs: list[int], horizon: int, day: int) -> Outcome:
        """Return the outcomes of the newest finished cutoffs, at most the recipe's number, NaN elsewhere."""
        finished = [cutoff for cutoff in cutoffs if cutoff + horizon <= day][-self.recipe.cutoffs :]
        parts = []
        for cutoff in cutoffs:
            blank = Outcome.unknown(len(self.features(cutoff)))
            parts.append(self.outcome(cutoff, horizon) if cutoff in finished else blank)
        return Outcome.stack(parts)
