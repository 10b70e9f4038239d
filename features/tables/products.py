"""Products, and what order lines take from them: their category and what they cost the shop.

| reason | a row is refused because |
|---|---|
| malformed_row | it has more or fewer fields than the header |
| unreadable_date | the table says when products became known, and this cannot be read |
| missing_product | it has no product |
| negative_price | its price or cost is below zero |

Of several rows of one product the first is kept: the earliest known, then the first in the source. The others
are merged as `same_product`, or as `other_product` where they say something else.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from contracts.errors import ContractError
from contracts.tables import ORDER_LINES, PRODUCTS
from features.tables.account import (
    KEPT,
    TableReading,
    build_report,
    count_emptied,
    judge,
    merge,
    read_quarantine,
)
from features.tables.gate import Files, Gate, opened
from features.tables.mapping import Part, Shape, TableMapping

SHAPE = Shape(
    name="products",
    parts={
        "product_id": Part(
            kind="id",
            names=(
                "product_id", "product", "sku", "variant_sku", "item_id", "item", "stock_code", "article_id",
                "article", "id",
            ),
        ),
        "category": Part(
            kind="text",
            names=(
                "category", "product_category", "product_category_name", "product_type", "category_name",
                "department", "type", "collection",
            ),
        ),
        "price": Part(kind="number", names=("price", "unit_price", "list_price", "variant_price", "regular_price")),
        "cost": Part(
            kind="number", names=("cost", "unit_cost", "cost_per_item", "cogs", "cost_price", "purchase_price")
        ),
        "known_at": Part(kind="time", names=("known_at", "valid_from", "created_at", "launched_at", "published_at")),
    },
    needs=(("product_id",),),
    known_by=("known_at",),
)  # fmt: skip


def read_products(
    source: Files, *, mapping: TableMapping | None = None, until: int, timezone: str
) -> TableReading:
    """Read products known at the end of day `until` as contracts.tables.PRODUCTS, sorted by product_id.

    A table without a time counts as always known. Raises DataError, DeclarationError.
    """
    with opened(source, shape=SHAPE, mapping=mapping, until=until, timezone=timezone) as gate:
        judge(
            gate,
            [
                ("unreadable_date", "has_known_at AND known_at IS NULL"),
                ("missing_product", "product_id IS NULL"),
                ("negative_price", "coalesce(price < 0, false) OR coalesce(cost < 0, false)"),
            ],
        )
        order = "since NULLS FIRST, source, source_row"
        _merge_products(gate, order)
        rows = gate.con.sql(
            f"SELECT product_id, category, price, cost FROM judged WHERE {KEPT} ORDER BY product_id"
        ).to_arrow_table()
        emptied = count_emptied(
            gate, [(part, f"has_{part} AND {part} IS NULL") for part in ("price", "cost")]
        )
        report = build_report(gate, emptied=emptied, notes=_notes(gate))
        return TableReading(rows.cast(PRODUCTS).combine_chunks(), read_quarantine(gate), report)


def fill_lines(lines: pa.Table, products: pa.Table) -> pa.Table:
    """Give order lines the category and the cost of their products where they lack the column or the value.

    The cost of a line is the cost per piece times its quantity. A column that no product knows is not added.
    """
    if "product_id" not in lines.column_names:
        return lines
    if products.num_rows != pc.count_distinct(products["product_id"]).as_py():
        raise ContractError("products have the same product_id twice")
    place = pc.index_in(lines["product_id"], value_set=products["product_id"].combine_chunks())
    found = {"category": products["category"].take(place)}
    found["cost"] = pc.multiply(products["cost"].take(place), lines["quantity"])
    columns = {name: lines[name] for name in lines.column_names}
    for name, values in found.items():
        if name in columns:
            columns[name] = pc.coalesce(columns[name], values)
        elif products[name].null_count < products.num_rows:
            columns[name] = values
    ours = [name for name in ORDER_LINES.names if name in columns]
    names = [*ours, *(name for name in columns if name not in ours)]
    schema = pa.schema(
        [ORDER_LINES.field(name) if name in ours else lines.schema.field(name) for name in names]
    )
    return pa.Table.from_arrays([columns[name] for name in names], names=names).cast(schema).combine_chunks()


def _merge_products(gate: Gate, order: str) -> None:
    merge(gate, "same_product", key="product_id, category, price, cost", order=order)
    merge(gate, "other_product", key="product_id", order=order)


def _notes(gate: Gate) -> list[str]:
    notes = []
    (others,) = gate.con.execute("SELECT count(*) FROM judged WHERE merged = 'other_product'").fetchall()[0]
    if others:
        notes.append(
            f"{others:,} rows say something else about a product that an earlier row describes: left out."
        )
    if not gate.has("known_at"):
        notes.append("The products have no time: they are taken as always known.")
    return notes
