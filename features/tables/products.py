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

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.errors import ContractError
from contracts.tables import ORDER_LINES, PRODUCTS
from features.kernel.buffers import as_arrow, as_numpy, filled, in_one
from features.kernel.codes import Text
from features.kernel.level import BLANK
from features.kernel.running import Ints
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
from features.tables.values import day_of

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

    A table without a time counts as always known; else the reading's `since` says from when.
    Raises DataError, DeclarationError.
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
            f"""SELECT product_id, category, price, cost, {day_of("since")} AS since FROM judged WHERE {KEPT}
                ORDER BY product_id"""
        ).to_arrow_table()
        since = rows["since"].combine_chunks() if gate.has("known_at") else None
        emptied = count_emptied(
            gate, [(part, f"has_{part} AND {part} IS NULL") for part in ("price", "cost")]
        )
        report = build_report(gate, emptied=emptied, notes=_notes(gate))
        products = rows.drop_columns(["since"]).cast(PRODUCTS).combine_chunks()
        return TableReading(products, read_quarantine(gate), report, since=since)


def fill_lines(lines: pa.Table, products: pa.Table, *, since: pa.Array | None = None) -> pa.Table:
    """Give order lines the category and the cost of their products where they lack the column or the value.

    The cost of a line is the cost per piece times its quantity. A column that no product knows is not added. since:
    the day from which each product is known (null: always); earlier lines get nothing from it, so that no day sees
    what was written down after it. Text columns may be dictionaries.
    """
    if "product_id" not in lines.column_names:
        return lines
    if products.num_rows != pc.count_distinct(products["product_id"]).as_py():
        raise ContractError("products have the same product_id twice")
    place = _places(lines, products, since)
    columns = {name: lines[name] for name in lines.column_names}
    if products["category"].null_count < products.num_rows:
        as_codes = pa.types.is_dictionary(lines["product_id"].type)
        columns["category"] = _category(
            columns.get("category"), products["category"], place, as_codes=as_codes
        )
    if products["cost"].null_count < products.num_rows:
        per_piece = products["cost"].combine_chunks().take(as_arrow(place, pa.int64(), valid=place >= 0))
        cost = pc.multiply(per_piece, in_one(lines["quantity"]))
        columns["cost"] = pc.coalesce(in_one(columns["cost"]), cost) if "cost" in columns else cost
    ours = [name for name in ORDER_LINES.names if name in columns]
    names = [*ours, *(name for name in columns if name not in ours)]
    return pa.table({name: columns[name] for name in names})


def _places(lines: pa.Table, products: pa.Table, since: pa.Array | None) -> Ints:
    """Return the place of each line's product, -1 where it is not known."""
    text = Text.of(lines["product_id"])
    ids = products["product_id"].combine_chunks()
    found = filled(pc.index_in(text.values.cast(pa.string()), value_set=ids), np.int64(-1))
    place = np.append(found, -1)[text.codes]
    if since is not None:
        known_from = np.append(filled(since, np.int32(BLANK)), BLANK)[place]
        place = np.where(as_numpy(in_one(lines["day"])) >= known_from, place, -1)
    return place


def _category(
    own: pa.ChunkedArray | None, theirs: pa.ChunkedArray, place: Ints, *, as_codes: bool
) -> pa.Array:
    """Return the category of each line: its own, else that of its product."""
    known = Text.of(theirs)
    values, codes = known.values.cast(pa.string()), np.append(known.codes, -1)[place]
    if own is not None:
        written = Text.of(own)
        words = written.values.cast(pa.string())
        values = pc.unique(pa.concat_arrays([words, values]))
        moved = filled(pc.index_in(known.values.cast(pa.string()), value_set=values), np.int64(-1))
        codes = np.where(written.codes >= 0, written.codes, np.append(moved, -1)[codes])
    made = pa.DictionaryArray.from_arrays(
        as_arrow(codes.astype(np.int32), pa.int32(), valid=codes >= 0), values
    )
    return made if as_codes else made.cast(pa.string())


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
