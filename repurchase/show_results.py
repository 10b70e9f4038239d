"""What the command about results prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from campaigns.results.account import Account
from features.reading.presets import NO_CURRENCY
from repurchase import show

MOST_ROWS = 24
NONE = "–"
Row = Mapping[str, Any]


def account(found: Account, *, told: Sequence[str], about: Mapping[str, Any]) -> None:
    """Print the account: responses, checks, effects, groups, comparison, and what must be said."""
    show.sentences(told)
    money = "" if about.get("currency") in (None, NO_CURRENCY) else f" · {about['currency']}"
    if found.response is not None:
        _responses(found.response, money, by_orders=about.get("outcomes") == "orders")
    _checks(found.checks)
    rows = found.effects.to_pylist()
    _effects([row for row in rows if row["pooled"] is None], money)
    _groups([row for row in rows if row["pooled"] is not None], found.spreads)
    for row in found.compared.to_pylist():
        show.out.print(_comparison(row), markup=False)
    show.sentences(["", *found.told] if found.told else [])


def _responses(response: pa.Table, money: str, *, by_orders: bool) -> None:
    rows = response.to_pylist()
    several = {
        (row["campaign_id"], row["by"]) for row in rows if row["by"] != "all" and row["group"] is not None
    }
    shown = [row for row in rows if row["by"] == "all" or (row["campaign_id"], row["by"]) in several]
    names = ["campaign", "of", "arm", "contacts", "delivered", "opened", "clicked", "bought", "unsubscribed", "each",
             "cost", "ROI"]  # fmt: skip
    cells = [_response(row) for row in shown[:MOST_ROWS]]
    used = [at for at in range(len(names)) if any(row[at] != NONE for row in cells)]
    table = _table(f"What came back{money}", [names[at] for at in used], left=3)
    for row in cells:
        table.add_row(*(Text(row[at]) for at in used))
    show.out.print(table)
    if len(shown) > MOST_ROWS:
        show.out.print(f"{len(shown) - MOST_ROWS} more rows are in response.csv (--out).")
    source = "orders after the sending" if by_orders else "what the sender wrote down"
    show.out.print(f"Bought, and revenue of each: {source}.")
    if "ROI" in (names[at] for at in used):
        show.out.print("ROI is of all that followed the messages, not of what they caused.")


def _response(row: Row) -> list[str]:
    of = "all" if row["by"] == "all" else f"{row['by']} {row['group'] or 'unknown'}"
    rates = ("delivered", "open", "click", "conversion", "unsubscribe")
    shares = [_share(row[f"{name}_rate"]) for name in rates]
    money = [_number(row["revenue_per_message"]), _number(row["cost"]), _share(row["roi"])]
    return [row["campaign_id"], of, row["arm"], f"{row['contacts']:,}", *shares, *money]


def _checks(checks: pa.Table) -> None:
    for row in checks.to_pylist():
        words = f"{row['campaign_id']}: {row['told']}"
        if row["verdict"] == "ok":
            show.out.print(words, markup=False)
        elif row["verdict"] == "refused":
            show.warning(f"{words} No effect is shown.")
        else:
            show.warning(words)


def _effects(rows: Sequence[Row], money: str) -> None:
    if not rows:
        return
    names = ("test", "outcome", "treated", "control", "difference", "95 % interval", "lift", "p")
    table = _table(f"What it caused: treated less control, each customer counted{money}", names, left=1)
    for row in rows[:MOST_ROWS]:
        table.add_row(Text(_name(row)), *_cells(row, "adjusted"))
    show.out.print(table)
    if any(row["p_holm"] is not None for row in rows):
        show.out.print("Several arms share one control: p is Holm's, for all of them at once.")
    shorter = [row["narrower"] for row in rows if row["narrower"] is not None]
    if shorter:
        show.out.print(
            "Differences are adjusted for what was known before (Lin, 2013); that changes the length of the intervals "
            f"by {-max(shorter):+.1%} to {-min(shorter):+.1%}. The plain ones are in effects.csv (--out)."
        )
    for row in rows[:MOST_ROWS]:
        show.out.print(_headline(row), markup=False)
    if len(rows) > MOST_ROWS:
        show.out.print(f"{len(rows) - MOST_ROWS} more rows are in effects.csv (--out).")


def _name(row: Row) -> str:
    """Return campaign and arm, or offer; the arm's name says nothing where it is just `treated`."""
    arm = row["group"] or (row["arm"] if row["arm"] != "treated" else "")
    return f"{row['campaign_id']}, {arm}" if arm else str(row["campaign_id"])


def _cells(row: Row, figure: str) -> list[str]:
    """Return outcome, both means, a difference (the plain one where there is no other), its interval, lift and p."""
    name, ends = (figure, (f"{figure}_lower", f"{figure}_upper"))
    if row[figure] is None:
        name, ends = "difference", ("lower", "upper")
    means = (_level(row, "treated_mean"), _level(row, "control_mean"))
    p = next((row[name] for name in ("p_holm", "adjusted_p", "p_value") if row[name] is not None), None)
    told = NONE if p is None else "< .001" if p < 0.001 else f"{p:.3f}"
    return [row["outcome"], *means, _points(row, name), _interval(row, *ends), _signed(row["lift"]), told]


def _headline(row: Row) -> str:
    """Return an effect in a sentence: what all treated customers together brought."""
    low, high, best = row["total_lower"], row["total_upper"], row["total"]
    of = _name(row)
    if best is None or low is None:
        return f"{of}, {row['outcome']}: too few customers for an interval."
    verdict = "" if low > 0 or high < 0 else "; it may as well be nothing"
    ends = f"{low:+,.0f} to {high:+,.0f}"
    return f"{of}, {row['outcome']}: {best:+,.0f} by all {row['treated']:,} treated ({ends}){verdict}."


def _groups(rows: Sequence[Row], spreads: pa.Table) -> None:
    if not rows:
        return
    names = ("group", "outcome", "treated", "control", "pooled", "95 % interval", "lift", "p (Holm)")
    table = _table("By group", names, left=1)
    several = {name: len({row[name] for row in rows}) > 1 for name in ("campaign_id", "arm")}
    for row in rows[:MOST_ROWS]:
        before = "".join(f"{row[name]}: " for name, more in several.items() if more)
        table.add_row(Text(f"{before}{row['by']} {row['group']}"), *_cells(row, "pooled"))
    show.out.print(table)
    if len(rows) > MOST_ROWS:
        show.out.print(f"{len(rows) - MOST_ROWS} more rows are in effects.csv (--out).")
    show.out.print(
        "Do not pick the best group from this table: of many groups one always looks best. Pooled differences are "
        "pulled towards all groups by how little each tells (empirical Bayes); each group's own is in effects.csv."
    )
    differing = [row for row in spreads.to_pylist() if row["groups"] > 1]
    real = [f"{row['by']} ({row['arm']}, {row['outcome']})" for row in differing if row["p_value"] < 0.01]
    show.out.print(
        f"Of {len(differing)} comparisons of groups, {len(real)} show different effects at p < .01"
        + (f": {', '.join(real)}." if real else "; the others differ no more than chance does."),
        markup=False,
    )


def _comparison(row: Row) -> str:
    """Return in a sentence which grouping separates better."""
    what = (
        f"the effect of {row['arm']} on {row['outcome']}"
        if row["what"] == "effect"
        else f"{row['outcome']} itself"
    )
    apart = f"{row['first']} {row['first_deviation']:.4g}, {row['second']} {row['second_deviation']:.4g}"
    ends = f"difference of the variances {row['lower']:+.3g} to {row['upper']:+.3g}"
    verdict = (
        f"{row['better']} separates it better" if row["better"] else "neither separates it better for certain"
    )
    return f"{row['campaign_id']}: {what}, standard deviation between groups: {apart}; {ends}: {verdict}."


def _table(title: str, names: Sequence[str], *, left: int) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for at, name in enumerate(names):
        is_text = at < left or name == "outcome"
        table.add_column(name, justify="left" if is_text else "right", no_wrap=at >= left, overflow="fold")
    return table


def _share(value: float | None) -> str:
    return NONE if value is None else f"{value:.1%}"


def _signed(value: float | None) -> str:
    return NONE if value is None else f"{value:+.1%}"


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:,.2f}"


def _level(row: Row, name: str) -> str:
    return f"{row[name]:.2%}" if row["unit"] == "rate" else f"{row[name]:,.2f}"


def _points(row: Row, name: str) -> str:
    """Return a difference: of rates in percentage points, of money in currency."""
    if row[name] is None:
        return NONE
    return f"{100 * row[name]:+.2f}" if row["unit"] == "rate" else f"{row[name]:+,.2f}"


def _interval(row: Row, lower: str, upper: str) -> str:
    return NONE if row[lower] is None else f"{_points(row, lower)} to {_points(row, upper)}"
