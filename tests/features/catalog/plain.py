"""Features a second way: plain loops over rows, sharing no code with features/."""

from __future__ import annotations

import math
import random
import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from functools import cached_property
from itertools import pairwise

import pytest

from contracts.tables import EVENT_KINDS
from features.catalog import FAMILIES, REFERENCES
from features.kernel.population import fit_references
from tests.features.shops import Row, Shop, contract_order, event, line, taken_back

NAN = math.nan
EVER = 10**6


def over(above: float, below: float) -> float:
    return above / below if below else NAN


def mean(values: Sequence[float]) -> float:
    return statistics.fmean(values) if values else NAN


class Known:
    """One customer's rows as known at the end of a day."""

    def __init__(self, shop: Shop, customer: str, day: int) -> None:
        self.shop = shop
        self.day = day
        own = [row for row in sorted(shop.rows, key=contract_order) if row["customer_id"] == customer]
        self.rows = [row for row in own if row["day"] <= day]
        self.sold = [row for row in self.rows if not row["returned"] and not self.is_cancelled(row)]
        self.back = [row for row in self.rows if row["returned"]]
        self.events = [row for row in shop.events if row["customer_id"] == customer and row["day"] <= day]
        self.person: Row = {}
        for row in shop.people:
            if row["customer_id"] == customer and (row["known_day"] is None or row["known_day"] <= day):
                self.person = row
        self.opens: dict[str, Row] = {}
        for row in self.sold:
            self.opens.setdefault(row["order_id"], row)
        self.days = sorted({row["day"] for row in self.opens.values()})
        self.gaps = [late - early for early, late in pairwise(self.days)]
        self.day_amounts = [sum(r["amount"] for r in self.sold if r["day"] == day) for day in self.days]

    def is_cancelled(self, row: Row) -> bool:
        return row["cancelled_day"] is not None and row["cancelled_day"] <= self.day

    @property
    def tenure(self) -> int:
        return self.day - self.days[0]

    def last(self, days: int) -> int:
        """Return the first day of the last `days` days."""
        return self.day - days + 1

    def orders(self, first: int = -EVER, last: int = EVER) -> int:
        return sum(first <= row["day"] <= last for row in self.opens.values())

    def net(self, first: int = -EVER, last: int = EVER) -> float:
        return math.fsum(row["amount"] for row in self.rows if first <= row["day"] <= last)

    def total(self, column: str, first: int = -EVER, last: int = EVER) -> float:
        return math.fsum(row.get(column) or 0.0 for row in self.sold if first <= row["day"] <= last)

    def new(self, column: str, *, since: int = -EVER) -> int:
        firsts: dict[str, int] = {}
        for row in self.sold:
            if row.get(column) is not None:
                firsts.setdefault(row[column], row["day"])
        return sum(day >= since for day in firsts.values())

    def values(self, column: str, *, since: int = -EVER) -> list[str]:
        """Return the values of the lines that have one, in their order."""
        found = [row.get(column) for row in self.sold if row["day"] >= since]
        return [value for value in found if value is not None]

    def commonest(self, column: str) -> str | None:
        """Return the value that first reached the highest count."""
        best: str | None = None
        counts: Counter[str] = Counter()
        for value in self.values(column):
            counts[value] += 1
            if best is None or counts[value] > counts[best]:
                best = value
        return best

    def mode_share(self, column: str) -> float:
        values = self.values(column)
        return over(max(Counter(values).values(), default=0), len(values))

    def happened(self, kind: str, days: int = EVER) -> int:
        return sum(row["kind"] == kind and row["day"] >= self.last(days) for row in self.events)

    def days_since(self, days: Sequence[int]) -> float:
        return self.day - max(days) if days else NAN

    @cached_property
    def everyone(self) -> list[Known]:
        """All customers with an order that stands."""
        names = sorted({row["customer_id"] for row in self.shop.rows})
        found = [Known(self.shop, name, self.day) for name in names]
        return [one for one in found if one.days]


def rank(wanted: str | None, of: Sequence[set[str]]) -> float:
    """Return the place of a value by the number of customers who have it, 1 for the most; of equals by text."""
    counts = Counter(value for values in of for value in values)
    order = sorted(counts, key=lambda value: (-counts[value], value))
    return order.index(wanted) + 1 if wanted is not None and wanted in counts else NAN


# Two years; two orders on day 30, one on two days (60 and 61), a free one, one cancelled on day 130.
SHOP = Shop(
    rows=[
        line("a", "1", 0, 20.0, product_id="p1", category="c1", discount=2.0, cost=8.0, channel="web"),
        line("a", "1", 0, 5.5, line=2, quantity=3.0, product_id="p2", category="c1", coupon="TEN", country="FR"),
        line("a", "2", 30, 12.25, product_id="p1", category="c1", cost=6.0, channel="shop", minute=1100),
        line("a", "3", 30, 0.0, product_id="p3", category="c2", minute=1200, country="DE"),
        line("a", "4", 60, 40.0, minute=1439, product_id="p2", category="c1", discount=10.0, channel="web"),
        line("a", "4", 61, 4.0, minute=1, line=2),
        line("a", "5", 120, 99.0, cancelled_day=130, product_id="p4", category="c3", channel="phone"),
        taken_back("a", "5", 130, 99.0, reverses=True, product_id="p4"),
        taken_back("a", "2", 131, 12.25),
        line("a", "6", 310, 8.0, quantity=2.0, product_id="p4", category="c3", minute=30, coupon="GIFT"),
        line("a", "9", 318, 7.0, product_id="p1", category="c2", country="FR", minute=800),
        line("b", "7", 125, 1.0, product_id="p1", category="c1", country="FR", channel="web"),
        line("b", "8", 160, 3.0, product_id="p5", category="c1", discount=1.0, channel="web", country="AT"),
        line("c", "10", 20, 50.0, product_id="p2", category="c2", coupon="TEN", channel="shop"),
        line("c", "11", 395, 60.0, product_id="p2", category="c2", channel="phone"),
    ],
    events=[
        *(event("a", day, "email_sent") for day in (10, 40, 70, 300, 400)),
        *(event("a", day, "email_open") for day in (11, 41, 41, 305)),
        *(event("a", day, "visit") for day in (29, 29, 59, 309, 370)),
        *(event("a", day, kind) for day, kind in ((42, "email_click"), (310, "cart_add"), (320, "cart_abandon"))),
        *(event("a", day, kind) for day, kind in ((411, "unsubscribe"), (390, "message_read"))),
        event("b", 100, "visit"),
        event("z", 100, "visit"),
    ],
    people=[
        {"customer_id": "a", "known_day": 25, "birth_date": date(1940, 2, 29), "gender": "f", "region": "north",
         "device": "phone", "signed_up_day": 5, "consent_email": True, "consent_sms": False},
        {"customer_id": "b", "known_day": None, "age": 33.0, "gender": "m", "region": "south", "consent_push": True},
        {"customer_id": "c", "known_day": None, "gender": "m", "region": "north", "device": "desktop"},
    ],
)  # fmt: skip
DAYS = (0, 29, 30, 61, 119, 120, 129, 130, 131, 309, 310, 399, 420, 700, 800)


def dense_shop(days: int) -> Shop:
    """Return a customer for whom nearly every day differs from its neighbours: no window may end a day too late."""
    chance = random.Random(5)
    rows, events = [], []
    for day in range(days):
        events += [event("d", day, kind) for kind in EVENT_KINDS if chance.random() < 0.3]
        for number in range(chance.choice((0, 0, 0, 1, 1, 2))):
            texts = {
                name: f"{name}{chance.randrange(most)}"
                for name, most in (("product_id", 300), ("category", 40))
            }
            some = {"coupon": chance.choice((None, "TEN")), "discount": chance.choice((None, 1.5))}
            some |= {
                "minute": chance.randrange(1440),
                "cost": chance.random(),
                "channel": chance.choice("xyz"),
            }
            rows.append(line("d", f"{day}-{number}", day, 1.0 + chance.random(), **texts, **some))
        if chance.random() < 0.2 and rows:
            rows.append(taken_back("d", "r", day, chance.random(), line=len(rows)))
    return Shop(rows, events)


DENSE = dense_shop(720)
# Few things, looked at on the days on which they leave a window or a year is full.
SPARSE = Shop(
    rows=[
        line("s", "1", 0, 5.0),
        line("s", "2", 200, 7.0, coupon="TEN", discount=1.0),
        line("s", "3", 240, 9.0),
        line("t", "4", 0, 5.0, product_id="p"),
    ],
    events=[
        *(event(who, day, "email_sent") for who in "st" for day in (190, 250)),
        event("s", 195, "email_open"),
        event("t", 196, "email_click"),
    ],
)
LEAVING = {day + after for day in (190, 195, 196, 200, 240, 250) for after in (34, 35, 36, 89, 90, 91)}
LITERAL = [
    *((SHOP, day) for day in DAYS),
    *((DENSE, day) for day in range(700, 712)),
    *((SPARSE, day) for day in sorted(LEAVING | {363, 364, 365, 452, 453, 454})),
]
Golden = Callable[[Known], dict[str, float]]


def assert_equal(family: str, golden: Golden, shop: Shop, day: int, *, rel: float = 1e-7) -> None:
    """Compare all features of a family with the loops, for each customer of a shop at the end of a day."""
    history, catalog = shop.history, FAMILIES[family]
    tables = fit_references(REFERENCES, history, day)
    table = catalog.compute(history, day, references=tables)
    for i, customer in enumerate(table.customer_id):
        found = {name: float(values[i]) for name, values in table.columns.items()}
        wanted = golden(Known(shop, customer, day))
        assert found == pytest.approx(wanted, rel=rel, abs=1e-6, nan_ok=True)
