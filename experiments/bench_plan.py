"""Measure the plan's optimiser: time, memory, gap to the bound and to HiGHS, beside greedy peers.

    python -m experiments.bench_plan [--customers 1_000_000] [--large] [--seed 1]

A generated base chooses among 20 options (5 offers, 2 channels, 2 weeks) under a budget, capacities, stock, caps and
floors of three tiers. Every way runs in a process of its own (bench_cost); CPU and wall are those of the solving
alone, the peak holds the profits and costs as well. Greedy takes the pairs of customer and option by profit per cost,
or by profit, as long as there is room; it knows no floors. --large adds ten million customers.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from campaigns.knapsack import Option, Problem, Resource, limits_of, shadow_prices, solve
from campaigns.knapsack.linear import relaxed
from campaigns.knapsack.rows import rows_of
from campaigns.knapsack.sweep import totals
from contracts.errors import ArtifactError
from experiments.bench_cost import measure

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LARGE = 10_000_000
OFFERS = {
    "special price": 0.0,
    "discount": 0.1,
    "coupon": 0.05,
    "gift": 0.2,
    "free shipping": 0.02,
}  # of the basket
CHANNELS = {"email": (0.05, 0.8), "sms": (0.6, 0.4)}  # cost of a message, share reachable
TIERS = ("reduce", "cultivate", "focus")
OPTIONS = tuple(Option(offer, channel, week) for offer in OFFERS for channel in CHANNELS for week in (1, 2))
WAYS = ("ours", "greedy by profit / cost", "greedy by profit")
SAMPLES, SAMPLE = 5, 2_500  # more customers than the optimiser gives to the linear programme itself


# ---------------------------------------------------------------- the base
@dataclass(frozen=True)
class Shop:
    """A generated base. profit, cost: (n, 20) float32, one option after the other; tier: (n,) codes."""

    profit: NDArray[np.float32]
    cost: NDArray[np.float32]
    tier: Ints

    def problem(self, resources: Sequence[Resource]) -> Problem:
        """Return the problem of this base."""
        return Problem.of(self.profit, resources, cost=self.cost, group=self.tier)

    def some(self, positions: Ints) -> Shop:
        """Return some of its customers."""
        return Shop(self.profit[positions], self.cost[positions], self.tier[positions])


def shop_of(customers: int, seed: int) -> Shop:
    """Return a base with many one-time buyers, skewed values, and effects that differ by segment and taste."""
    chance = np.random.default_rng(seed)
    p, basket = chance.beta(0.8, 3.0, customers), chance.lognormal(3.5, 1.0, customers)
    segment, effect = chance.integers(0, 8, customers), chance.uniform(0.02, 0.15, (8, len(OPTIONS)))
    reached = {name: chance.random(customers) < share for name, (_, share) in CHANNELS.items()}
    taste = {offer: chance.lognormal(0.0, 0.5, customers).astype(np.float32) for offer in OFFERS}
    profit = np.empty((customers, len(OPTIONS)), dtype=np.float32, order="F")
    cost = np.empty_like(profit)
    for position, one in enumerate(OPTIONS):
        cost[:, position] = CHANNELS[one.channel][0] + OFFERS[one.offer] * basket * p
        more = effect[segment, position] * taste[one.offer] * (1 - p) * basket * 0.35
        profit[:, position] = np.where(reached[one.channel], more - cost[:, position], -np.inf)
    value = p * basket
    return Shop(profit, cost, np.digitize(value, np.quantile(value, (0.5, 0.8))).astype(np.int64))


def resources_of(customers: int, scale: float = 1.0) -> tuple[Resource, ...]:
    """Return the limits of a base of `customers`, for a sample that is `scale` of it."""
    many = customers * scale
    weekly = {("email", 1): 0.2, ("email", 2): 0.2, ("sms", 1): 0.01, ("sms", 2): 0.01}
    stock = {"discount": 0.01, "coupon": 0.1, "gift": 0.001, "free shipping": 0.3}
    floors = {"reduce": 0.2, "cultivate": 0.02, "focus": 0.05}
    return limits_of(
        OPTIONS,
        currency="EUR",
        budget=0.05 * many,
        capacity={key: share * many for key, share in weekly.items()},
        stock={offer: share * many for offer, share in stock.items()},
        caps=dict.fromkeys(OFFERS, 0.015 * many),
        floors={tier: (code, floors[tier] * many) for code, tier in enumerate(TIERS)},
    )


# ---------------------------------------------------------------- the greedy peer
def greedy(problem: Problem, shop: Shop, *, by_cost: bool) -> NDArray[np.int16]:
    """Return choices in the order of profit per cost (or profit), as long as there is room; floors are not looked at.

    Each round gives every customer left its best open option and takes them in order up to the first that does not
    fit; the options that use what has run out are then closed.
    """
    limits = [one for one in problem.resources if np.isfinite(one.limit)]
    left = [one.limit for one in limits]
    choice = np.full(problem.count, -1, dtype=np.int16)
    open_, rest = np.ones(problem.options, dtype=np.bool_), np.arange(problem.count)
    while open_.any() and len(rest):
        best, option = best_open(shop, rest, open_, by_cost=by_cost)
        kept = np.flatnonzero(best > 0)
        order = kept[np.argsort(-best[kept], kind="stable")]
        who, what = rest[order], option[order]
        fits = len(who)
        uses = [one.uses[what] * (shop.cost[who, what] if one.of_cost else 1.0) for one in limits]
        for use, room in zip(uses, left, strict=True):
            over = np.flatnonzero(np.cumsum(use) > room)
            fits = min(fits, int(over[0])) if len(over) else fits
        choice[who[:fits]] = what[:fits]
        left = [room - float(use[:fits].sum()) for use, room in zip(uses, left, strict=True)]
        if fits == len(who):
            break
        for one, use, room in zip(limits, uses, left, strict=True):
            if use[fits] > room:
                open_ &= one.uses == 0
        rest = np.sort(who[fits:])
    return choice


def best_open(shop: Shop, rest: Ints, open_: NDArray[np.bool_], *, by_cost: bool) -> tuple[Floats, Ints]:
    """Return each remaining customer's best score over the open options, and the option."""
    best, option = np.zeros(len(rest)), np.zeros(len(rest), dtype=np.int64)
    for position in np.flatnonzero(open_):
        profit = shop.profit[rest, position]
        score = profit / shop.cost[rest, position] if by_cost else profit
        better = score > best
        best[better], option[better] = score[better], position
    return best, option


# ---------------------------------------------------------------- one way, in a process of its own
def run_way(way: str, customers: int, seed: int) -> dict[str, object]:
    """Solve one base in one way and return what came out."""
    shop = shop_of(customers, seed)
    problem = shop.problem(resources_of(customers))
    wall, cpu = time.perf_counter(), time.process_time()
    if way == "ours":
        solution = solve(problem)
        found = {
            "profit": solution.profit,
            "bound": solution.bound,
            "gap": solution.gap,
            "passes": solution.passes,
        }
        choice, words = solution.choice, shadow_prices(solution, currency="EUR")
    else:
        choice, found, words = greedy(problem, shop, by_cost="cost" in way), {}, []
    spent = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
    return {**found, **spent, **checked(problem, choice), "words": words}


def checked(problem: Problem, choice: NDArray[np.int16]) -> dict[str, object]:
    """Return the profit, and the limits and floors that are broken."""
    rows, taken = rows_of(problem), totals(problem, choice)
    over = rows.use(taken.counts, taken.spent) > rows.limit + rows.nearest
    return {
        "profit": taken.value,
        "limits_broken": int((over & ~rows.floors).sum()),
        "floors_missed": int((over & rows.floors).sum()),
    }


def against_highs(customers: int, seed: int) -> list[tuple[float, float, float, float]]:
    """Return, for samples: gap of the plan to the linear programme, the bound over it, seconds of ours and of HiGHS."""
    shop, found = shop_of(customers, seed), []
    for number in range(SAMPLES):
        positions = np.random.default_rng(number).choice(customers, SAMPLE, replace=False)
        problem = shop.some(np.sort(positions)).problem(resources_of(customers, SAMPLE / customers))
        begun = time.perf_counter()
        solution = solve(problem)
        between = time.perf_counter()
        exact = relaxed(problem, rows_of(problem))
        if exact is None:
            raise ArtifactError(f"sample {number}: HiGHS finds no solution.")
        seconds = (between - begun, time.perf_counter() - between)
        found.append((1 - solution.profit / exact.value, solution.bound / exact.value - 1, *seconds))
    return found


# ---------------------------------------------------------------- the run
def main() -> None:
    """Read the arguments, run every way, print the table and the gaps."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--large", action="store_true", help="10 million customers as well; needs 5 GB of memory."
    )
    parser.add_argument("--way", choices=WAYS, help="Only this way, its result as one line of JSON.")
    asked = parser.parse_args()
    console = Console(width=130, highlight=False)
    if asked.way:
        print(json.dumps(run_way(asked.way, asked.customers, asked.seed)))  # noqa: T201 - read by the caller
        return
    sizes = [asked.customers, LARGE] if asked.large else [asked.customers]
    console.print(as_table([*rows(sizes, asked.seed, console)]))
    for line in sample_lines(against_highs(max(min(asked.customers, 200_000), SAMPLE), asked.seed)):
        console.print(line)


def rows(sizes: Sequence[int], seed: int, console: Console) -> Iterator[tuple[str, int, dict[str, object]]]:
    """Yield what every way makes of every size."""
    for customers in sizes:
        for way in WAYS:
            console.print(f"{way}: {customers:,} customers, {len(OPTIONS)} options …")
            arguments = ["--way", way, "--customers", str(customers), "--seed", str(seed)]
            cost = measure([sys.executable, "-m", "experiments.bench_plan", *arguments])
            if cost.code:
                raise ArtifactError(f"{way}: it failed with code {cost.code}: {cost.said}")
            found = json.loads(cost.said)
            for sentence in found.pop("words"):
                console.print(f"  {sentence}")
            yield way, customers, found | {"peak": cost.peak}


def as_table(found: Sequence[tuple[str, int, dict[str, object]]]) -> Table:
    """Return the rows as a table for the terminal."""
    table = Table(title="the plan: one of 20 options for each customer", box=SIMPLE_HEAD)
    heads = (
        "way",
        "customers",
        "CPU s",
        "wall s",
        "peak GiB",
        "profit",
        "gap to bound",
        "limits broken",
        "floors missed",
    )
    for head in heads:
        table.add_column(head, justify="left" if head == "way" else "right")
    for way, customers, one in found:
        gap = f"{one['gap']:.4%}" if "gap" in one else "–"
        figures = (
            f"{one['cpu']:.1f}",
            f"{one['wall']:.1f}",
            f"{one['peak']:.2f}",
            f"{one['profit']:,.0f}",
            gap,
        )
        table.add_row(way, f"{customers:,}", *figures, str(one["limits_broken"]), str(one["floors_missed"]))
    return table


def sample_lines(found: Sequence[tuple[float, float, float, float]]) -> list[str]:
    """Return what the comparison with HiGHS says."""
    gaps, bounds, ours, highs = (np.array(column) for column in zip(*found, strict=True))
    return [
        f"{SAMPLES} samples of {SAMPLE:,} customers against the linear programme (scipy, HiGHS):",
        f"  plan below its optimum by at most {gaps.max():.4%}, our bound above it by at most {bounds.max():.4%}",
        f"  {ours.mean():.2f} s for the plan, {highs.mean():.2f} s for the linear programme alone",
    ]


if __name__ == "__main__":
    main()
