"""The peers of bench_features: the same features by DuckDB SQL and by pandas, each as its users would write them.

    python -m experiments.bench_peers duckdb LINES OUT --cutoffs 20000,20030

They start from order lines of which the day and the day of cancellation are known, sorted by customer: `prepare`
finds, in SQL, which sale a return undoes, so that all three mean the same. It is measured apart and not counted
against them. An order lies on one day in these data; an order day is a day with a live line.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb

from contracts.days import to_date

WINDOWS = (7, 14, 30, 60, 90, 180, 365)
FEATURES = (
    "frequency", "recency", "tenure", "monetary_value", "orders", "lines",
    *(f"orders_{w}d" for w in WINDOWS),
    "spend",
    *(f"spend_{w}d" for w in WINDOWS),
    "recency_days", "order_value", "amount_largest", "refund_share", "weekend_share",
)  # fmt: skip
NEEDED = ["customer_id", "order_id", "day", "amount", "quantity", "returned", "cancelled_day"]
NEVER = 2**31 - 1
MONDAY = 4  # (day - MONDAY) % 7 is 0 on Mondays
SATURDAY = 5


def main() -> None:
    """Run one way; bench_features calls this."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--cutoffs", default="")
    asked = parser.parse_args()
    cutoffs = [int(day) for day in asked.cutoffs.split(",") if day]
    WAYS[asked.way](asked.source, cutoffs, asked.out)


def make_world(_: Path, lines: Sequence[int], out: Path) -> None:
    """Generate a world of `lines[0]` order lines into the folder `out`."""
    from experiments.worlds import World, generate

    generate(World(lines=lines[0]), out)


def prepare(orders: Path, _: Sequence[int], out: Path) -> None:
    """Write the order lines that the peers start from: each line's day, and the day on which it was undone.

    A return undoes the latest open sale of the same customer, product, price and number of pieces. With +1 for a sale
    and -1 for a return, that is the sale just before it at which the running sum rose to where the return lets it fall.
    """
    query = f"""
        WITH raw AS (
          SELECT *, (epoch_ms(ordered_at) // 86400000)::INTEGER AS day, quantity < 0 AS returned,
            abs(quantity) AS pieces
          FROM read_parquet('{orders}', file_row_number = true)),
        concerned AS (
          SELECT * FROM raw SEMI JOIN (SELECT * FROM raw WHERE returned)
          USING (customer_id, product_id, unit_price, pieces)),
        steps AS (
          SELECT *, returned::INTEGER + sum(CASE WHEN returned THEN -1 ELSE 1 END) OVER (
              PARTITION BY customer_id, product_id, unit_price, pieces
              ORDER BY ordered_at, returned, order_id, discount ROWS UNBOUNDED PRECEDING) AS height
          FROM concerned),
        pairs AS (
          SELECT file_row_number, returned, lead(day) OVER later AS cancelled_day, lead(returned) OVER later AS undone
          FROM steps WINDOW later AS (
            PARTITION BY customer_id, product_id, unit_price, pieces, height
            ORDER BY ordered_at, returned, order_id, discount))
        SELECT customer_id, order_id, day, amount, quantity, returned, cancelled_day
        FROM raw LEFT JOIN (SELECT * FROM pairs WHERE NOT returned AND undone) USING (file_row_number, returned)
        ORDER BY customer_id, day"""
    with _connect() as con:
        con.execute(f"COPY ({query}) TO '{out}' (FORMAT parquet)")


def group_by(orders: Path, _: Sequence[int], out: Path) -> None:
    """Count orders and sum amounts per customer from raw lines: the floor that no way can go below."""
    query = f"""SELECT customer_id, count(DISTINCT order_id) AS orders, sum(amount) AS spend
                FROM '{orders}' GROUP BY customer_id"""
    with _connect() as con:
        con.execute(f"COPY ({query}) TO '{out}' (FORMAT parquet)")


# ---------------------------------------------------------------- DuckDB
def duckdb_features(lines: Path, cutoffs: Sequence[int], out: Path) -> None:
    """Write one Parquet file per cutoff into the folder `out`, by one query each."""
    out.mkdir(parents=True, exist_ok=True)
    with _connect() as con:
        for cutoff in cutoffs:
            query = features_query(str(lines), cutoff)
            con.execute(f"COPY ({query}) TO '{out}/part-{to_date(cutoff)}.parquet' (FORMAT parquet)")


def features_query(lines: str, cutoff: int) -> str:
    """Return the SQL of the features at one cutoff: lines to orders, orders to days, days to customers.

    Of the ways tried (count(DISTINCT …) per day, a temporary table, integer ids made first) this costs least.
    """
    live = f"quantity > 0 AND NOT returned AND coalesce(cancelled_day > {cutoff}, true)"
    windows = ", ".join(
        f"coalesce(sum(orders) FILTER (day > {cutoff - w}), 0)::DOUBLE AS orders_{w}d, "
        f"coalesce(sum(net) FILTER (day > {cutoff - w}), 0) AS spend_{w}d"
        for w in WINDOWS
    )
    return f"""
        WITH by_order AS (
          SELECT customer_id, day, order_id,
            count(*) FILTER ({live}) AS lines,
            coalesce(sum(amount) FILTER ({live}), 0) AS sales,
            sum(amount) AS net,
            coalesce(sum(-amount) FILTER (returned), 0) AS refunds
          FROM '{lines}' WHERE day <= {cutoff} GROUP BY ALL),
        by_day AS (
          SELECT customer_id, day,
            count(*) FILTER (lines > 0) AS orders,
            sum(lines) AS lines, sum(sales) AS sales, sum(net) AS net, sum(refunds) AS refunds
          FROM by_order GROUP BY ALL),
        by_customer AS (
          SELECT customer_id,
            count(*) FILTER (orders > 0) AS days,
            min(day) FILTER (orders > 0) AS first_day, max(day) FILTER (orders > 0) AS last_day,
            sum(orders) AS orders, sum(lines) AS lines, sum(net) AS spend, {windows},
            sum(sales) AS sales, sum(refunds) AS refunds,
            max(sales) FILTER (orders > 0) AS amount_largest,
            coalesce(sum(orders) FILTER ((day - {MONDAY}) % 7 >= {SATURDAY}), 0) AS weekend_orders
          FROM by_day GROUP BY customer_id HAVING days > 0)
        SELECT customer_id, DATE '{to_date(cutoff)}' AS cutoff,
          days - 1e0 AS frequency, (last_day - first_day)::DOUBLE AS recency,
          ({cutoff} - first_day)::DOUBLE AS tenure, sales / days AS monetary_value,
          orders::DOUBLE AS orders, lines::DOUBLE AS lines, COLUMNS('(orders|spend)_\\d+d'), spend,
          ({cutoff} - last_day)::DOUBLE AS recency_days, sales / orders AS order_value, amount_largest,
          refunds / nullif(sales + refunds, 0) AS refund_share, weekend_orders / orders AS weekend_share
        FROM by_customer"""


def _connect() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(config={"threads": 2, "memory_limit": "4GB", "preserve_insertion_order": False})
    con.execute("SET enable_progress_bar = false")
    return con


# ---------------------------------------------------------------- pandas
def pandas_features(lines: Path, cutoffs: Sequence[int], out: Path) -> None:
    """Write one Parquet file per cutoff into the folder `out`, by pandas.

    Ids become integers and cancellations a plain day once; then each cutoff is filters and group-bys.
    """
    import pandas as pd

    out.mkdir(parents=True, exist_ok=True)
    frame = pd.read_parquet(lines, columns=NEEDED)
    frame["customer"], ids = pd.factorize(frame.pop("customer_id"))
    frame["order"] = pd.factorize(frame.pop("order_id"))[0]
    frame["cancelled_day"] = frame["cancelled_day"].fillna(NEVER).astype("int32")
    sold = (frame["quantity"] > 0) & ~frame["returned"]
    sales = frame.loc[sold, ["customer", "order", "day", "amount", "cancelled_day"]]
    money = frame[["customer", "day", "amount"]]
    refunds = frame.loc[frame["returned"], ["customer", "day", "amount"]]
    for cutoff in cutoffs:
        live = sales[(sales["day"] <= cutoff) & (sales["cancelled_day"] > cutoff)]
        table = _of_orders(live, cutoff)
        _add_money(table, money[money["day"] <= cutoff], refunds[refunds["day"] <= cutoff], cutoff)
        table.insert(0, "customer_id", ids[table.index])
        table.insert(1, "cutoff", to_date(cutoff))
        columns = ["customer_id", "cutoff", *FEATURES]
        table[columns].to_parquet(out / f"part-{to_date(cutoff)}.parquet", index=False)


def _of_orders(live, cutoff: int):  # type: ignore[no-untyped-def]  # data frames in and out
    by_order = live.groupby("order", sort=False)
    orders = by_order.agg(customer=("customer", "first"), day=("day", "first"), sales=("amount", "sum"))
    orders["lines"] = by_order.size()
    orders["weekend"] = (orders["day"] - MONDAY) % 7 >= SATURDAY
    days = orders.groupby(orders["customer"] * 100_000 + orders["day"], sort=False).agg(
        customer=("customer", "first"), day=("day", "first"), sales=("sales", "sum")
    )
    by_customer = orders.groupby("customer")
    table = by_customer.agg(lines=("lines", "sum"), sales=("sales", "sum"), weekend=("weekend", "sum"))
    table["orders"] = by_customer.size()
    by_day = days.groupby("customer")
    first, last, count = by_day["day"].min(), by_day["day"].max(), by_day.size()
    table["frequency"], table["recency"] = count - 1.0, last - first
    table["tenure"], table["recency_days"] = cutoff - first, cutoff - last
    table["monetary_value"], table["order_value"] = table["sales"] / count, table["sales"] / table["orders"]
    table["amount_largest"] = by_day["sales"].max()
    table["weekend_share"] = table["weekend"] / table["orders"]
    for window in WINDOWS:
        recent = orders.loc[orders["day"] > cutoff - window, "customer"].value_counts(sort=False)
        table[f"orders_{window}d"] = recent.reindex(table.index, fill_value=0)
    return table


def _add_money(table, money, refunds, cutoff: int) -> None:  # type: ignore[no-untyped-def]
    table["spend"] = money.groupby("customer")["amount"].sum()
    for window in WINDOWS:
        recent = money[money["day"] > cutoff - window].groupby("customer")["amount"].sum()
        table[f"spend_{window}d"] = recent.reindex(table.index, fill_value=0.0)
    back = -refunds.groupby("customer")["amount"].sum().reindex(table.index, fill_value=0.0)
    table["refund_share"] = back / (table["sales"] + back)


# ---------------------------------------------------------------- are they the same?
def differences(left: Path, right: Path, *, sample: int = 1) -> dict[str, float]:
    """Return, per feature, the largest difference between two results, for one customer in `sample`.

    Relative to the value, or absolute below 1, since sums that cancel leave rounding. Undefined must meet undefined,
    and both must have the same (customer, cutoff) rows: else the difference is infinite.
    """
    both = f"""({_rows_of(left, sample)}) AS l FULL JOIN ({_rows_of(right, sample)}) AS r
               USING (customer_id, cutoff)"""
    with _connect() as con:
        found = con.execute(
            f"SELECT count(*), {', '.join(map(_difference, FEATURES))} FROM {both}"
        ).fetchall()
    (rows, *worst) = found[0]
    return {"rows": float(rows), **dict(zip(FEATURES, map(float, worst), strict=True))}


def _difference(name: str) -> str:
    one, other = (f"nullif({side}.{name}::DOUBLE, 'nan'::DOUBLE)" for side in "lr")
    apart = f"abs({one} - {other}) / greatest(1, abs({one}), abs({other}))"
    undefined = f"CASE WHEN l.present AND r.present AND {one} IS NULL AND {other} IS NULL THEN 0 ELSE 'inf'::DOUBLE END"
    return f"max(coalesce({apart}, {undefined}))"


def _rows_of(result: Path, sample: int) -> str:
    files = result if result.is_file() else f"{result}/part-*.parquet"
    return f"SELECT *, true AS present FROM read_parquet('{files}') WHERE hash(customer_id) % {sample} = 0"


WAYS: dict[str, Callable[[Path, Sequence[int], Path], None]] = {
    "generate": make_world,
    "prepare": prepare,
    "group-by": group_by,
    "duckdb": duckdb_features,
    "pandas": pandas_features,
}

if __name__ == "__main__":
    main()
