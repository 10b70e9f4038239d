"""Measure whether the plan earns more than plainer policies at equal budget, in worlds whose truth is known.

    python -m experiments.bench_campaigns [--seeds 20] [--customers 20000] [--worlds segment hidden potential none]
    python -m experiments.bench_campaigns --plan PLAN_FOLDER WORLD/truth.parquet

Each world (experiments/known_campaigns/law.py says what is true in it) has run 8 randomised campaigns. BG/NBD ranks
its customers by their orders, with tiers, stages and RFM groups as `repurchase rank` gives them; the lifts come from
the past campaigns (campaigns.results.measured_effects). Then one week is planned by expected profit, and at the same
budget by the highest chance to buy (`potential`), the highest expected amount (`value`) and at random: each gives
every customer whom it reaches the option that earns most with them by the same beliefs. Budgets are shares of what
the plan would spend without a limit. The profit is the true expected one: by the hidden chance, basket and lifts,
over all outcomes.

--catalogues cheap  e-mail, app and text messages with all our offers: contacts cost next to nothing
             sms    text messages alone: a contact costs .08, so that it matters to whom it goes
--source            tested: one lift per offer; lifecycle, tier, segment: by that label besides; assumed: no test
                    is looked at
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from scipy.stats import t as student

from campaigns.plan.planning import PROFIT
from campaigns.plan.table import CONTACT
from experiments.known_campaigns import RESPONSES, CampaignWorld, draw
from experiments.known_campaigns.contest import (
    BUDGETS,
    CATALOGUES,
    NAMES,
    ORACLE,
    SOURCES,
    TESTED,
    Row,
    Shop,
    contest,
)
from experiments.known_campaigns.judging import of_files

Floats = NDArray[np.float64]
CAMPAIGNS = 8
OTHERS = tuple(name for name in NAMES if name != PROFIT)


@dataclass(frozen=True)
class Interval:
    """A mean over seeds with its 95 % interval (Student)."""

    mean: float
    lower: float
    upper: float

    @staticmethod
    def of(values: Floats) -> Interval:
        """Return the interval; without end for fewer than two seeds."""
        mean, n = float(values.mean()), len(values)
        half = float(student.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n)) if n > 1 else np.inf
        return Interval(mean, mean - half, mean + half)

    def __str__(self) -> str:
        return f"{self.mean:,.0f} [{self.lower:,.0f}, {self.upper:,.0f}]"


@dataclass(frozen=True)
class Compared:
    """A world and catalogue at one budget, over seeds. profit: the plan's; less: plan - other, paired by seed.

    reached: the plan's profit over the oracle's, both summed; believed: what the plan expected to earn; overspent: true
    cost over the budget less 1, the largest mean of all policies.
    """

    share: float
    budget: float
    profit: Interval
    believed: float
    less: Mapping[str, Interval]
    reached: float
    overspent: float


def compared(rows: Sequence[Sequence[Row]], share: float) -> Compared:
    """Return what the seeds together say about one budget; rows: by seed."""
    at = [{row.policy: row for row in seed if row.share == share} for seed in rows]
    profit = {name: np.array([one[name].true.profit for one in at]) for name in at[0]}
    budget = np.array([one[PROFIT].budget for one in at])
    spent = {name: np.array([one[name].true.cost for one in at]).mean() for name in NAMES}
    return Compared(
        share,
        float(budget.mean()),
        Interval.of(profit[PROFIT]),
        float(np.mean([one[PROFIT].believed for one in at])),
        {name: Interval.of(profit[PROFIT] - profit[name]) for name in OTHERS},
        float(profit[PROFIT].sum() / profit[ORACLE].sum()) if profit[ORACLE].sum() > 0 else float("nan"),
        max(spent.values()) / float(budget.mean()) - 1.0,
    )


def rows_of(world: str, seed: int, asked: argparse.Namespace) -> dict[str, list[Row]]:
    """Return what every policy earns in one drawn world, by catalogue."""
    drawn = draw(CampaignWorld(asked.customers, campaigns=asked.campaigns, response=world, seed=seed))
    shop = Shop.of(drawn)
    return {
        name: contest(drawn, shop.economics(catalogue=name, source=asked.source), budgets=asked.budgets)
        for name in asked.catalogues
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the arguments, measure, print; 1 if --check is given and the plan does not earn more where it should."""
    asked = _arguments().parse_args(arguments)
    if asked.plan:
        return _judge(*asked.plan)
    console, progress = Console(width=190, highlight=False), Console(stderr=True, width=120)
    missed = []
    for world in asked.worlds:
        found: dict[str, list[list[Row]]] = {name: [] for name in asked.catalogues}
        for seed in range(asked.first_seed, asked.first_seed + asked.seeds):
            for name, rows in rows_of(world, seed, asked).items():
                found[name].append(rows)
            progress.print(f"{world} seed {seed}")
        for name, by_seed in found.items():
            planned = [rows for rows in by_seed if rows]
            table = [compared(planned, share) for share in asked.budgets] if planned else []
            console.print(_table(f"{world}, {name}", table, len(planned), asked))
            if world == RESPONSES[0]:
                missed += [
                    f"{name}, {one.share:.0%} of the budget: not shown to earn more than {other}"
                    for one in table
                    for other, gain in one.less.items()
                    if not gain.lower > 0
                ]
    for line in missed:
        console.print(f"bar missed: {line}")
    return 1 if asked.check and missed else 0


def _judge(plan: Path, truth: Path) -> int:
    """Print what a written plan truly earns."""
    table = pq.read_table(plan / "plan.parquet")
    true = of_files(table, pq.read_table(truth))
    contacts = table.filter(pc.equal(table["action"], CONTACT))
    expected = {name: pc.sum(contacts[name]).as_py() or 0.0 for name in ("expected_profit", "expected_cost")}
    Console(highlight=False, soft_wrap=True).print(
        f"{true.customers:,} contacts truly earn {true.profit:,.0f} ({expected['expected_profit']:,.0f} expected), "
        f"cost {true.cost:,.0f} ({expected['expected_cost']:,.0f} expected) and add {true.added:,.1f} buyers"
    )
    return 0


def _table(title: str, rows: Sequence[Compared], seeds: int, asked: argparse.Namespace) -> Table:
    left = asked.seeds - seeds
    said = f"; {left} seeds without any contact that pays" if left else ""
    table = Table(
        title=f"{title}: {seeds} seeds, {asked.customers:,} customers, lifts {asked.source}{said}",
        title_justify="left",
        box=SIMPLE_HEAD,
    )
    heads = (
        "budget",
        "",
        "plan's profit",
        "it expected",
        *(f"- {name}" for name in OTHERS),
        "of oracle",
        "over budget",
    )
    for head in heads:
        table.add_column(head, justify="right")
    for one in rows:
        table.add_row(
            f"{one.budget:,.0f}",
            f"{one.share:.0%}",
            str(one.profit),
            f"{one.believed:,.0f}",
            *(str(one.less[name]) for name in OTHERS),
            f"{one.reached:.0%}",
            f"{one.overspent:+.1%}",
        )
    return table


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--worlds", nargs="+", choices=RESPONSES, default=list(RESPONSES))
    parser.add_argument("--catalogues", nargs="+", choices=tuple(CATALOGUES), default=list(CATALOGUES))
    parser.add_argument("--source", choices=SOURCES, default=TESTED)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--campaigns", type=int, default=CAMPAIGNS)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--budgets", nargs="+", type=float, default=list(BUDGETS), metavar="SHARE")
    parser.add_argument(
        "--plan", nargs=2, type=Path, metavar=("PLAN", "TRUTH"), help="judge a written plan instead"
    )
    parser.add_argument("--check", action="store_true", help="end with code 1 if a bar is missed")
    return parser


if __name__ == "__main__":
    sys.exit(main())
