"""What `rank` prints, from the few numbers that a run keeps of a base of any size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from repurchase import show

if TYPE_CHECKING:
    from repurchase.rank_job import Ranked
    from serving.batch.ranking import Summary

LAYERS = ("tier", "lifecycle", "segment")


def ranking(ranked: Ranked) -> None:
    """Print the first customers, the base by tenths and layers, and how the tiers were found."""
    currency, horizon = ranked.report.currency, ranked.horizon
    customers = sum(count for count, _, _ in ranked.summary.tenths)
    show.out.print(top(ranked.top, horizon=horizon, currency=currency, customers=customers))
    show.out.print("Orders and value are expected; so far: order days; silent: days since the last order.\n")
    show.out.print(tenths(ranked.summary))
    for layer in LAYERS:
        show.out.print(groups(ranked.summary, layer))
    for sentence in ranked.layers.tiers.words(currency):
        show.out.print(f"Tiers: {sentence}")


def top(scores: pa.Table, *, horizon: int, currency: str, customers: int) -> Table:
    """Return the first rows of a ranking as a table for the terminal."""
    p, orders, value = (
        f"{what}_{horizon}d" for what in ("p_repurchase", "expected_orders", "expected_value")
    )
    title = f"The {scores.num_rows} best of {customers:,} customers · next {horizon} days · {currency}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 2, 0, 0))
    for name in ("rank", "customer", "chance", "orders", "value", "next order", "so far", "silent"):
        table.add_column(name, justify="left" if name == "customer" else "right", no_wrap=True)
    for row in scores.to_pylist():
        known = (
            f"{row[p]:.1%}",
            f"{row[orders]:.2f}",
            f"{row[value]:,.2f}",
            str(row["next_order_p50"] or "–"),
        )
        past = (str(row["frequency"] + 1), str(row["recency_days"]))
        table.add_row(str(row["rank"]), Text(row["customer_id"]), *known, *past)
    return table


def tenths(summary: Summary) -> Table:
    """Return what each tenth of the ranking is expected to bring."""
    table = Table(title="By tenths of the ranking", title_justify="left", box=SIMPLE_HEAD)
    for name in ("tenth", "customers", "mean chance", "expected buyers", "value", "share of value"):
        table.add_column(name, justify="right")
    customers, buyers, value = (sum(column) for column in zip(*summary.tenths, strict=True))
    for number, (count, chance, worth) in enumerate(summary.tenths, start=1):
        counts = (f"{count:,}", f"{chance / count:.1%}", f"{chance:,.0f}", f"{worth:,.0f}")
        table.add_row(str(number), *counts, f"{worth / value if value else 0.0:.1%}")
    total = (f"{customers:,}", f"{buyers / customers:.1%}", f"{buyers:,.0f}", f"{value:,.0f}")
    table.add_row("all", *total, "100.0%", style="bold")
    return table


def groups(summary: Summary, layer: str) -> Table:
    """Return how customers and value are spread over the groups of a layer, the most valuable first."""
    found = summary.groups[layer]
    customers = sum(count for count, _ in found.values())
    value = max(sum(worth for _, worth in found.values()), 1e-12)
    table = Table(box=SIMPLE_HEAD, padding=(0, 2, 0, 0))
    table.add_column(layer, no_wrap=True, min_width=18)
    for name in ("customers", "share", "value each", "share of value"):
        table.add_column(name, justify="right")
    for name, (count, worth) in sorted(found.items(), key=lambda item: (-item[1][1] / item[1][0], item[0])):
        cells = (f"{count:,}", f"{count / customers:.1%}", f"{worth / count:,.2f}", f"{worth / value:.1%}")
        table.add_row(name, *cells)
    return table


def run(ranked: Ranked) -> None:
    """Print how long the run took, what it took up, who moved, and what became of the last finished forecast."""
    stages = ", ".join(f"{name} {seconds:.1f} s" for name, (seconds, _) in ranked.stages.taken.items())
    show.out.print(f"Stages: {stages}.")
    if ranked.taken_up:
        show.out.print(f"Taken up: {ranked.taken_up} of {ranked.parts} parts were finished before.")
    if ranked.moves is not None:
        found = ranked.moves
        show.out.print(
            f"Since the previous ranking: {found.new:,} new, {found.gone:,} gone, {found.moved:,} moved "
            f"({ranked.store}/changed.parquet)."
        )
    if ranked.finished is not None:
        total = ranked.finished["total"]
        show.out.print(
            f"Of the {ranked.finished['horizon']} days after {ranked.finished['as_of']} were expected "
            f"{total['expected_buyers']:,.0f} buyers and {total['expected_value']:,.0f} of value; "
            f"{total['buyers']:,.0f} and {total['value']:,.0f} came ({total['customers']:,.0f} customers looked at)."
        )
        if ranked.finished["in_sample"]:
            show.warning("that is no test of the model: it had learnt from those days.")
    for reason in ranked.drift.reasons:
        show.warning(f"the orders do not look like those that the model learnt from: {reason}.")
    if ranked.upserted is not None:
        show.upserted(ranked.upserted)
    for note in ranked.notes:
        show.warning(note)
