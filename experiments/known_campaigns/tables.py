"""A drawn world as tables, as a shop would export them."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa

from campaigns.channels import read_channels
from contracts.tables import CONTACTS, ORDER_LINES, REQUIRED_LINE_COLUMNS
from experiments.known_campaigns.law import OFFERS, STAGES, TYPES
from experiments.known_campaigns.money import CODES, first_in_window
from experiments.known_campaigns.organic import DAY, HOUR, Bools, Floats, Ints
from experiments.known_campaigns.sending import RESPONSE_DAYS, Sending
from experiments.known_campaigns.world import Drawn
from experiments.worlds_lines import (
    CATEGORY_NAMES,
    PRODUCTS_EACH,
    Lines,
    coded,
    draw_returns,
    lines_table,
    numbered_ids,
)
from features.kernel.buffers import as_arrow

SECOND = 1_000_000  # microseconds
TRUTH_FIELDS = ("customer_id", "type", "stage", "p_without", "basket")


def order_lines(drawn: Drawn) -> pa.Table:
    """Return one row per order as contracts.tables.ORDER_LINES with discount, coupon and cost; nothing comes back."""
    lines, orders = drawn.sales, drawn.orders
    count = len(orders.at)
    rank = np.lexsort((orders.at, orders.customer))
    sums = {
        name: np.bincount(lines.order, getattr(lines, name), count)[rank]
        for name in ("amount", "quantity", "discount", "cost")
    }
    coupon = np.full(count, -1, dtype=np.int32)
    coupon[lines.order] = lines.coupon
    at, no = orders.at[rank], as_arrow(np.zeros(count, dtype=np.bool_), pa.bool_())
    columns = {
        "customer_id": drawn.ids.take(as_arrow(orders.customer[rank].astype(np.int64), pa.int64())),
        "order_id": numbered_ids("o", rank, 9),
        "line": as_arrow(np.ones(count, dtype=np.int32), pa.int32()),
        "ordered_at": as_arrow(at * SECOND, pa.timestamp("us")),
        "day": as_arrow((at // DAY).astype(np.int32), pa.int32()),
        "amount": as_arrow(np.round(sums["amount"], 2), pa.float64()),
        "quantity": as_arrow(sums["quantity"], pa.float64()),
        "returned": no,
        "reverses": no,
        "cancelled_day": pa.nulls(count, pa.int32()),
        "discount": as_arrow(np.round(sums["discount"], 2), pa.float64()),
        "coupon": coded(coupon[rank], pa.array(CODES)).cast(pa.string()),
        "cost": as_arrow(sums["cost"], pa.float64()),
    }
    names = (*REQUIRED_LINE_COLUMNS, "discount", "coupon", "cost")
    return pa.table(columns, schema=pa.schema([ORDER_LINES.field(name) for name in names]))


def exported_lines(drawn: Drawn, chance: np.random.Generator) -> tuple[pa.Table, int]:
    """Return the order lines as a shop would export them, returns among them, and how many returns there are."""
    count = len(drawn.orders.at)
    back = draw_returns(drawn.sales, count, drawn.organic.clock, chance)
    lines: Lines = drawn.sales.and_then(back)
    table = lines_table(lines, drawn.organic.customers, drawn.goods, drawn.ids, count, 1)
    place = table.column_names.index("coupon")
    coupon = coded(lines.coupon.astype(np.int32), pa.array(CODES))
    return table.set_column(place, table.schema.field(place), coupon), len(back.at)


def contacts(drawn: Drawn, chance: np.random.Generator | None = None) -> pa.Table:
    """Return the log of all campaigns as contracts.tables.CONTACTS, by campaign and customer."""
    chance = np.random.default_rng(drawn.world.seed) if chance is None else chance
    rows = [_rows(drawn, sending, chance) for sending in drawn.sent]
    return pa.concat_tables(rows) if rows else CONTACTS.empty_table()


def _rows(drawn: Drawn, sending: Sending, chance: np.random.Generator) -> pa.Table:
    n = len(sending.customer)
    treated = sending.offer >= 0
    first = first_in_window(sending, drawn.orders)
    bought = first >= 0
    paid = np.bincount(drawn.sales.order, drawn.sales.amount, len(drawn.orders.at))[first]
    opened_at = sending.at + 60 + chance.integers(0, 8 * HOUR, n)
    clicked_at = opened_at + chance.integers(5, 120, n)
    left_at = sending.at + chance.integers(HOUR, 2 * DAY, n)
    cost = read_channels()[sending.design.channel].cost
    columns = {
        "campaign_id": _words(np.zeros(n, np.int32), [sending.name]),
        "customer_id": drawn.ids.take(as_arrow(sending.customer, pa.int64())),
        "sent_at": _times(np.full(n, sending.at)),
        "day": as_arrow(np.full(n, sending.at // DAY, dtype=np.int32), pa.int32()),
        "arm": _words(treated.astype(np.int32), ["control", "treated"]),
        "offer": _words(sending.offer.astype(np.int32), list(OFFERS)),
        "channel": _words(np.where(treated, 0, -1).astype(np.int32), [sending.design.channel]),
        "cost": as_arrow(np.full(n, cost), pa.float64(), valid=treated),
        "delivered": as_arrow(sending.delivered, pa.bool_(), valid=treated),
        "opened_at": _times(opened_at, sending.opened),
        "clicked_at": _times(clicked_at, sending.clicked),
        "converted_at": _times(drawn.orders.at[first], bought),
        "revenue": as_arrow(np.where(bought, np.round(paid, 2), 0.0), pa.float64(), valid=bought),
        "unsubscribed_at": _times(left_at, sending.unsubscribed),
    }
    return pa.table(columns, schema=CONTACTS)


def customers(drawn: Drawn, chance: np.random.Generator) -> pa.Table:
    """Return what is known of each customer besides the orders; birthdays and the like only of some."""
    n = len(drawn.organic)
    first = np.zeros(n, dtype=np.int64)
    begins = drawn.orders.first
    first[drawn.orders.customer[begins]] = drawn.orders.at[begins]
    age = np.clip(chance.normal(42.0, 14.0, n), 18.0, 90.0)
    born = drawn.world.as_of - (age * 365.25).astype(np.int64)
    knows = chance.random(n)
    return pa.table(
        {
            "customer_id": drawn.ids,
            "signed_up_at": _times(first - chance.integers(HOUR, 30 * DAY, n)),
            "birth_date": as_arrow(born.astype(np.int32), pa.date32(), valid=knows < 0.6),
            "age": as_arrow(np.floor(age), pa.float64(), valid=(knows >= 0.6) & (knows < 0.75)),
            "gender": _words(chance.choice(3, n, p=(0.5, 0.4, 0.1)), ["female", "male", None]),
            "region": _words(
                chance.choice(5, n, p=(0.35, 0.25, 0.2, 0.12, 0.08)), ["north", "west", "south", "east", None]
            ),
            "device": _words(chance.choice(3, n, p=(0.6, 0.3, 0.1)), ["mobile", "desktop", None]),
            **{f"consent_{_CONSENT[name]}": as_arrow(who, pa.bool_()) for name, who in drawn.agreed.items()},
        }
    )


_CONSENT = {"email": "email", "sms": "sms", "app": "push"}


def products(drawn: Drawn) -> pa.Table:
    """Return the products with their category, price and cost."""
    goods = drawn.goods
    category = (np.arange(len(goods.price)) // PRODUCTS_EACH).astype(np.int32)
    return pa.table(
        {
            "product_id": goods.ids,
            "category": _words(category, list(CATEGORY_NAMES)),
            "price": as_arrow(goods.price, pa.float64()),
            "cost": as_arrow(goods.cost, pa.float64()),
        }
    )


def truth_table(drawn: Drawn) -> pa.Table:
    """Return the truth on the last day; what is not a column stands in the metadata of the schema."""
    truth, margin = drawn.truth, drawn.margin
    columns = {
        "customer_id": drawn.ids,
        "type": _words(truth.type.astype(np.int32), list(TYPES)),
        "stage": _words(truth.stage.astype(np.int32), list(STAGES)),
        "p_without": as_arrow(truth.p, pa.float64()),
        "basket": as_arrow(truth.basket, pa.float64()),
        **{
            f"lift_{name}": as_arrow(np.ascontiguousarray(truth.lifts[:, place]), pa.float64())
            for place, name in enumerate(OFFERS)
        },
    }
    world = drawn.world
    about = {
        "as_of": world.last_day.isoformat(),
        "response_days": RESPONSE_DAYS,
        "response": world.response,
        "margin": margin,
        "mean_lifts": dict(zip(OFFERS, drawn.responses.means.tolist(), strict=True)),
    }
    return pa.table(columns).replace_schema_metadata({"truth": json.dumps(about)})


def _words(codes: Ints | np.ndarray, words: list[str | None]) -> pa.Array:
    """Return texts by codes; -1 and words that are None are null."""
    values = pa.array([*words, None], pa.string())
    at = np.where(codes < 0, len(words), codes).astype(np.int64)
    return values.take(as_arrow(at, pa.int64()))


def _times(seconds: Ints | Floats, valid: Bools | None = None) -> pa.Array:
    return as_arrow(np.asarray(seconds, dtype=np.int64) * SECOND, pa.timestamp("us"), valid=valid)
