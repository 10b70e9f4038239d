"""Measure whether values lie inside their 80 % intervals as often as promised: of customers, groups and everyone.

    python -m experiments.coverage AS_OF [AS_OF ...] [--orders FILE] [--horizon 90]

At each as-of day the default model is trained on what was known; its spread is learnt from the same model's answers at
earlier days, whose outcomes were over by then. Also printed: how far off the values are by confidence grade.
CDNOW, from the lifetimes package, is the default.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from contracts.days import parse_day, to_date
from contracts.errors import DataError, RepurchaseError
from contracts.metrics import log_loss
from contracts.training import Floats, Outcome, Prediction
from experiments.backtest_groups import texts_at
from experiments.data_sets import cdnow_file
from experiments.panels import Panels
from experiments.recipe import Recipe
from experiments.slices import Mask, measurable, slices
from features.kernel.history import History
from features.orders import read_orders
from features.sampling import id_hashes
from models.confidence import GRADES, YEAR_DAYS, Known, Texts, grade
from models.contract import NoFit
from models.ensemble import Ensemble
from models.spread import Checked, Spread
from models.spread_classes import LEVEL
from models.spread_total import Total

GROUP_SIZES = (5, 50, 500)
TENTHS = 10
# The spread is learnt from at most so many earlier days, side by side but at least a quarter apart.
MOST_FOLDS = 4
LEAST_STEP_DAYS = 90


@dataclass(frozen=True)
class Covered:
    """What share of `count` values lay inside their interval."""

    what: str
    count: int
    share: float


@dataclass(frozen=True)
class Graded:
    """How good the answers of one confidence grade are. value_error: sum of |actual - expected| over expected."""

    grade: str
    customers: int
    log_loss: float
    value_error: float


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("as_of", nargs="+")
    parser.add_argument("--orders", default=str(cdnow_file()))
    parser.add_argument("--horizon", type=int, default=90)
    asked = parser.parse_args()
    try:
        history = History.from_lines(read_orders(asked.orders).lines)
        laboratory = Laboratory(Panels.of(history, Recipe(horizons=(asked.horizon,))), asked.horizon)
        found = {day: laboratory.measure(parse_day(day)) for day in asked.as_of}
    except RepurchaseError as error:
        parser.error(str(error))
    title = f"{Path(asked.orders).name}, {asked.horizon} days ahead"
    console = Console(width=130)
    console.print(_coverage_table(title, {day: covered for day, (covered, _) in found.items()}))
    console.print(_grades_table(title, {day: graded for day, (_, graded) in found.items()}))


@dataclass(frozen=True)
class Outlook:
    """Customers of one as-of day: what was expected of them in the horizon (days), how surely, what they brought."""

    spread: Spread
    horizon: int
    answer: Prediction
    outcome: Outcome
    customer_id: Texts

    def coverage(self, groups: Mapping[str, Mask]) -> list[Covered]:
        """Return the share inside: of customers, all and by tenths of expected value; of totals.

        Totals are of groups hashed by id, of the given groups, and of everyone. An interval from 0 holds more than it
        promises where no order is likelier than that: `could miss` are the customers for whom it is not.
        """
        lower, upper = self.spread.interval(self.answer, self.horizon)
        inside = (self.outcome.value >= lower) & (self.outcome.value <= upper)
        found = [_share("customers", inside), _share("could miss", inside[1.0 - self.answer.p < LEVEL])]
        order = np.argsort(self.answer.expected_value, kind="stable")
        found += [
            _share(f"tenth {k}", inside[rows])
            for k, rows in enumerate(np.array_split(order, TENTHS), start=1)
        ]
        found += [self._hashed(size) for size in GROUP_SIZES]
        found.append(_share("slices", np.array([self._total_inside(mask) for mask in groups.values()])))
        everyone = np.ones(len(inside), dtype=np.bool_)
        return [*found, _share("everyone", np.array([self._total_inside(everyone)]))]

    def by_grade(self, known: Known, order_days: Floats) -> list[Graded]:
        """Return how good the answers of each confidence grade are, as far as it has customers."""
        answer, outcome = self.answer, self.outcome
        variance = self.spread.variance(answer, self.horizon)
        grades, _ = grade(answer.expected_value, variance, order_days, known=known)
        found = []
        for word in GRADES:
            rows = grades == word
            expected = float(answer.expected_value[rows].sum())
            if expected > 0:
                error = float(np.abs(outcome.value - answer.expected_value)[rows].sum()) / expected
                loss = log_loss(outcome.bought[rows], answer.p[rows])
                found.append(Graded(word, int(rows.sum()), loss, error))
        return found

    def _hashed(self, size: int) -> Covered:
        groups = max(len(self.customer_id) // size, 1)
        group = (id_hashes(self.customer_id) % np.uint64(groups)).astype(np.intp)
        totals = self.spread.totals(self.answer, self.horizon, group, groups=groups)
        actual = np.bincount(group, self.outcome.value, groups).tolist()
        pairs = zip(totals, actual, strict=True)
        return _share(f"groups of {size}", np.array([_inside(total, value) for total, value in pairs]))

    def _total_inside(self, rows: Mask) -> bool:
        total = self.spread.total(self.answer, self.horizon, rows=rows)
        return _inside(total, float(self.outcome.value[rows].sum()))


@dataclass(frozen=True)
class Laboratory:
    """The default model as of days of one history, each trained once. asked: its answers by day."""

    panels: Panels
    horizon: int
    asked: dict[int, tuple[Prediction, int]] = field(default_factory=dict)

    def measure(self, day: int) -> tuple[list[Covered], list[Graded]]:
        """Return the coverage and the errors by grade at one day; DataError without outcomes or earlier days."""
        if day + self.horizon > self.panels.history.last_order_day:
            raise DataError(
                f"the {self.horizon} days after {to_date(day)} are not over in these orders. Give an earlier day."
            )
        spread, table = self.spread(day), self.panels.features(day)
        answer, learnt_until = self._answer(day)
        outcome = self.panels.outcome(day, self.horizon)
        outlook = Outlook(spread, self.horizon, answer, outcome, table.customer_id)
        texts = texts_at(self.panels.history, table.customers, day)
        groups = measurable(slices(table.columns, texts), outcome.bought).measured
        history_days, level_sd = day - self.panels.first_day, spread.level_sd(self.horizon)
        known = Known(self.horizon, learnt_until, history_days, level_sd)
        return outlook.coverage(groups), outlook.by_grade(known, table.columns["frequency"] + 1.0)

    def spread(self, day: int) -> Spread:
        """Return the spread learnt from answers at earlier days; DataError where there is none."""
        step = max(self.horizon, LEAST_STEP_DAYS)
        found = {}
        for fold in (day - self.horizon - k * step for k in reversed(range(MOST_FOLDS))):
            try:
                found[fold] = self._answer(fold)[0], self.panels.outcome(fold, self.horizon)
            except NoFit:
                continue
        if not found:
            raise DataError(f"before {to_date(day)} there is too little to learn from. Give a later day.")
        second_year = self.panels.first_day + YEAR_DAYS + self.horizon
        seasons_from = second_year if day >= second_year else None
        return Spread.fit({self.horizon: Checked.stack(found)}, seasons_from=seasons_from)

    def _answer(self, day: int) -> tuple[Prediction, int]:
        """Return what was answered as of a day, and the longest learnt horizon; NoFit if there is too little."""
        if day - self.horizon < self.panels.first_day:
            raise NoFit("no outcome of the horizon is over")
        if day not in self.asked:
            model = Ensemble.fit(self.panels.training_data(day), threads=1)
            columns = self.panels.features(day).columns
            self.asked[day] = model.predict(columns, self.horizon, day=day), model.learnt_until
        return self.asked[day]


def _inside(total: Total, actual: float) -> bool:
    lower, upper = total.interval(LEVEL)
    return lower <= actual <= upper


def _share(what: str, inside: Mask) -> Covered:
    return Covered(what, len(inside), float(inside.mean()) if len(inside) else float("nan"))


def _coverage_table(title: str, found: Mapping[str, list[Covered]]) -> Table:
    """Return one row for each kind of value: the share inside at each as-of day (of how many), and their mean."""
    table = Table(title=f"{title}: share inside the {LEVEL:.0%} interval", box=SIMPLE_HEAD)
    table.add_column("of")
    for day in (*found, "mean"):
        table.add_column(day, justify="right")
    for row in zip(*found.values(), strict=True):
        cells = [f"{one.share:.3f} ({one.count:,})" for one in row]
        table.add_row(row[0].what, *cells, f"{np.nanmean([one.share for one in row]):.3f}")
    return table


def _grades_table(title: str, found: Mapping[str, list[Graded]]) -> Table:
    table = Table(title=f"{title}: by confidence", box=SIMPLE_HEAD)
    for name in ("as of", "grade", "customers", "log loss", "value error"):
        table.add_column(name, justify="right")
    for day, rows in found.items():
        for one in rows:
            table.add_row(
                day, one.grade, f"{one.customers:,}", f"{one.log_loss:.3f}", f"{one.value_error:.2f}"
            )
    return table


if __name__ == "__main__":
    main()
