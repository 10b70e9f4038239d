"""What the values of a text column say: against plain loops over the lines that stand."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given

from contracts.errors import DeclarationError
from features.kernel.history import History
from features.kernel.past import Past
from features.kernel.running import Ints
from tests.features.test_properties import DAY, SOME, Row, contract_order, history_of, line, shops

VALUES = ["x", None, "y", "y", "x", "z", "z"]
ROWS = [line("a", str(day), day, 1.0, category=value) for day, value in enumerate(VALUES)]
ROWS += [line("b", "9", 3, 1.0)]


def words(past: Past, codes: Ints) -> list[str | None]:
    """Return the values that codes stand for."""
    texts = past.text("category").texts
    return [texts[code] if code >= 0 else None for code in codes]


def standing(rows: list[Row], customer: str, day: int) -> list[Row]:
    """Return one customer's lines with a category that stand at the end of a day, in their order."""
    return [
        row
        for row in sorted(rows, key=contract_order)
        if row["customer_id"] == customer
        and row["day"] <= day
        and not row["returned"]
        and row.get("category") is not None
        and (row["cancelled_day"] is None or row["cancelled_day"] > day)
    ]


def commonest(values: list[str]) -> str | None:
    """Return the value that first reached the highest count."""
    best: str | None = None
    counts: Counter[str] = Counter()
    for value in values:
        counts[value] += 1
        if best is None or counts[value] > counts[best]:
            best = value
    return best


def test_first_and_last_are_the_values_of_the_first_and_last_line_that_has_one() -> None:
    past = Past(history_of(ROWS), 3)
    assert words(past, past.first_code("category")) == ["x", None]
    assert words(past, past.last_code("category")) == ["y", None]


@pytest.mark.parametrize(
    ("day", "mode", "share"), [(0, "x", 1), (2, "x", 1 / 2), (3, "y", 2 / 3), (6, "y", 2 / 6)]
)
def test_the_mode_is_the_value_that_first_was_the_commonest(day: int, mode: str, share: float) -> None:
    past = Past(history_of(ROWS[:-1]), day)
    assert words(past, past.mode("category")) == [mode]
    assert past.mode_share("category").tolist() == [share]


def test_different_values_are_counted_in_a_window() -> None:
    past = Past(history_of(ROWS), 6)
    assert past.distinct("category").tolist() == [3, 0]
    assert past.distinct("category", days=3).tolist() == [2, 0]
    assert past.distinct("category", days=2, before=3).tolist() == [1, 0]


def test_without_a_value_there_is_no_entropy() -> None:
    np.testing.assert_allclose(Past(history_of(ROWS), 3).entropy("category"), [0.6365141682948128, np.nan])


def test_a_column_that_is_absent_is_refused() -> None:
    with pytest.raises(DeclarationError, match="no text column 'categories', did you mean 'category'"):
        Past(history_of(ROWS), 3).entropy("categories")


@SOME
@given(shops(), DAY)
def test_the_values_of_any_shop_equal_plain_loops(rows: list[Row], day: int) -> None:
    history = history_of(rows)
    history.prepare([day - 20, day, day + 9])
    past = Past(history, day)
    found = zip(
        words(past, past.first_code("category")),
        words(past, past.last_code("category")),
        words(past, past.mode("category")),
        past.distinct("category", days=30),
        past.entropy("category"),
        strict=True,
    )
    for customer, (first, last, mode, distinct, entropy) in zip(
        history.customer_ids[past.customers], found, strict=True
    ):
        lines = standing(rows, customer, day)
        values = [row["category"] for row in lines]
        shares = [count / len(values) for count in Counter(values).values()]
        assert (first, last) == ((values[0], values[-1]) if values else (None, None))
        assert mode == commonest(values)
        assert distinct == len({row["category"] for row in lines if row["day"] > day - 30})
        wanted = -math.fsum(share * math.log(share) for share in shares) if values else math.nan
        assert entropy == pytest.approx(wanted, abs=1e-12, nan_ok=True)


def test_entropy_of_one_customer_alone_is_that_in_the_base_to_the_bit() -> None:
    chance = np.random.default_rng(3)
    rows = [
        line(
            f"c{i % 40:02d}",
            f"{i:04d}",
            int(chance.integers(0, 300)),
            1.0,
            category=f"k{chance.integers(0, 9)}",
        )
        for i in range(900)
    ]

    def entropy(some: list[Row]) -> dict[str, float]:
        history: History = history_of(some)
        past = Past(history, 250)
        return dict(zip(history.customer_ids[past.customers], past.entropy("category").tolist(), strict=True))

    base = entropy(rows)
    for name in ("c00", "c17", "c39"):
        assert entropy([row for row in rows if row["customer_id"] == name]) == {name: base[name]}
