"""RFM scores and groups: ties, the cube, the window of new customers, and two real bases computed a second way."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.rfm import RfmGroups, Thresholds, read_groups, rfm_groups, segment_of
from contracts.days import parse_day
from contracts.errors import ContractError, DeclarationError
from contracts.training import Floats
from experiments.data_sets import cdnow_file
from features.catalog import CATALOG
from features.kernel.history import History
from features.orders import read_orders

RETAIL = Path(__file__).parents[3] / "shared/data/online_retail_ii/transactions.parquet"
# The groups by recency score (rows, 5 first) and FM (columns, 1 first), written out a second time.
GRID = {
    5: ("promising", "promising", "active", "champions", "champions"),
    4: ("promising", "promising", "active", "loyal", "champions"),
    3: ("needs attention", "needs attention", "needs attention", "loyal", "loyal"),
    2: ("almost lost", "almost lost", "at risk", "at risk", "previously loyal"),
    1: ("dormant", "dormant", "at risk", "previously loyal", "previously loyal"),
}
NAMES = {
    "champions", "loyal", "active", "promising", "new", "needs attention", "at risk", "almost lost",
    "previously loyal", "dormant", "prospects",
}  # fmt: skip


def base(
    recency: list[float], frequency: list[float], money: list[float], **more: list[float]
) -> dict[str, Floats]:
    """Return columns of customers; money per order day."""
    columns = {"recency_days": recency, "frequency": frequency, "monetary_value": money, **more}
    return {name: np.array(values, dtype=np.float64) for name, values in columns.items()}


def shop_file(folder: Path, text: str) -> Path:
    path = folder / "shop.toml"
    path.write_text(text, encoding="utf-8")
    return path


# ---------------------------------------------------------------- scores
def test_scores_are_the_fifths_of_the_base() -> None:
    ten = list(map(float, range(10)))
    found = rfm_groups(base(ten, ten, [1.0] * 10))
    assert found.recency.tolist() == [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]
    assert found.frequency.tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert found.thresholds.frequency == pytest.approx((1.8, 3.6, 5.4, 7.2))


def test_half_who_bought_once_are_all_at_the_lowest_frequency() -> None:
    frequency = [0.0] * 5 + [1.0, 1.0, 2.0, 3.0, 9.0]
    found = rfm_groups(base(list(map(float, range(10))), frequency, [1.0] * 10))
    assert found.frequency.tolist() == [1, 1, 1, 1, 1, 3, 3, 4, 5, 5]


def test_who_all_spent_the_same_or_ordered_on_one_day_are_in_the_middle() -> None:
    found = rfm_groups(base([400.0] * 6, [0.0] * 6, [25.0] * 6))
    assert set(zip(found.recency, found.frequency, found.money, strict=True)) == {(3, 1, 3)}
    assert set(found.names) == {"needs attention"}


def test_the_same_sum_ties_however_it_came_about() -> None:
    columns = base([1.0, 1.0, 1.0], [0.0, 2.0, 6.0], [0.3, 0.3 / 3, 0.3 / 7])
    assert len(set(rfm_groups(columns).money.tolist())) == 1


some = st.lists(
    st.tuples(st.integers(0, 400), st.integers(0, 5), st.integers(0, 30)), min_size=1, max_size=60
)


@settings(max_examples=50)
@given(some)
def test_every_customer_is_in_one_group_and_equal_customers_in_the_same(
    rows: list[tuple[int, int, int]],
) -> None:
    found = rfm_groups(base(*(list(map(float, column)) for column in zip(*rows, strict=True))))
    assert set(found.names) <= NAMES - {"prospects"}
    for column, scores in zip(zip(*rows, strict=True), (found.recency, found.frequency), strict=False):
        by_value: dict[int, set[int]] = {}
        for value, score in zip(column, scores.tolist(), strict=True):
            by_value.setdefault(value, set()).add(score)
        assert all(len(one) == 1 and one <= {1, 2, 3, 4, 5} for one in by_value.values())


@settings(max_examples=50)
@given(some)
def test_the_order_of_rows_does_not_matter(rows: list[tuple[int, int, int]]) -> None:
    turned = rows[::-1]
    one, other = (
        rfm_groups(base(*(list(map(float, column)) for column in zip(*some, strict=True)))).names
        for some in (rows, turned)
    )
    assert one.tolist() == other.tolist()[::-1]


# ---------------------------------------------------------------- groups
def test_the_groups_cover_each_of_the_125_cells_once() -> None:
    groups = [one for one in read_groups().values() if one.within_days is None]
    held = {cell: [one.name for one in groups if one.inside()[cell]] for cell in product(range(5), repeat=3)}
    assert len(held) == 125
    for (r, f, m), names in held.items():
        assert names == [GRID[r + 1][(f + m + 3) // 2 - 1]]


def test_there_are_the_eleven_groups_that_shops_know() -> None:
    assert set(read_groups()) == NAMES


def test_new_is_whoever_first_ordered_in_the_window_and_is_not_among_the_best() -> None:
    columns = base([0, 0, 0, 0, 300], [0, 0, 9, 1, 3], [9, 9, 90, 9, 20], tenure_days=[89, 90, 80, 40, 700])
    assert segment_of(columns).tolist() == ["new", "promising", "champions", "new", "previously loyal"]


def test_without_the_tenure_only_one_time_buyers_can_be_new() -> None:
    columns = base([5, 95, 5, 300, 400], [0, 0, 1, 2, 3], [10] * 5)
    assert segment_of(columns).tolist()[:3] == ["new", "needs attention", "active"]


def test_the_window_of_new_customers_can_be_set(tmp_path: Path) -> None:
    text = '[rfm.new]\nlabel = "New"\nsays = "x"\ncells = ["FM1-3"]\nwithin_days = 30\n'
    columns = base([5, 40], [0, 0], [10, 10])
    assert "new" in segment_of(columns).tolist()[1:]
    assert segment_of(columns, path=shop_file(tmp_path, text)).tolist()[1:] != ["new"]


def test_who_is_known_but_has_not_ordered_is_a_prospect_and_moves_no_threshold() -> None:
    nan = float("nan")
    alone = rfm_groups(base([10, 20], [0, 3], [5, 6]))
    found = rfm_groups(base([10, nan, 20], [0, nan, 3], [5, nan, 6]))
    assert found.names[1] == "prospects" and found.recency[1] == 0
    assert found.thresholds == alone.thresholds
    assert found.names[[0, 2]].tolist() == alone.names.tolist()


def test_thresholds_of_another_base_place_one_customer_alone() -> None:
    many = base(
        list(map(float, range(100))), [float(i % 7) for i in range(100)], [float(i) for i in range(100)]
    )
    whole = rfm_groups(many)
    alone = rfm_groups({name: values[42:43] for name, values in many.items()}, thresholds=whole.thresholds)
    assert alone.names.tolist() == [whole.names[42]]


def test_nobody_at_all_is_no_error() -> None:
    assert segment_of(base([], [], [])).tolist() == []


def test_columns_that_are_not_there_are_named() -> None:
    with pytest.raises(ContractError, match="recency_days, monetary_value"):
        segment_of({"frequency": np.zeros(2)})
    with pytest.raises(ContractError, match="no money"):
        segment_of(base([1.0], [0.0], [float("nan")]))


# ---------------------------------------------------------------- declarations
WRONG = {
    "gap": ('[rfm.dormant]\nlabel="x"\nsays="x"\ncells=["R1 FM1"]', r"cells are in no group: R1 F1 M2"),
    "overlap": (
        '[rfm.vip]\nlabel="x"\nsays="x"\ncells=["R5 F5 M5"]',
        r"1 cells are in several groups: R5 F5 M5 \(champions, vip\)",
    ),
    "no cell": (
        '[rfm.vip]\nlabel="x"\nsays="x"\ncells=["R5 FM6"]',
        r"the cell 'R5 FM6' cannot be read at 'FM6'",
    ),
    "reversed": ('[rfm.vip]\nlabel="x"\nsays="x"\ncells=["R5-4"]', "cannot be read at 'R5-4'"),
    "impossible": ('[rfm.vip]\nlabel="x"\nsays="x"\ncells=["F1 FM5"]', "holds nobody"),
    "no cells": ('[rfm.vip]\nlabel="x"\nsays="x"', "Give it cells, or without_order"),
    "window": ('[rfm.new]\nlabel="x"\nsays="x"\ncells=["FM1"]\nwithin_days=0', "within_days is 0"),
    "no prospects": ("[rfm.prospects]\noff = true", "0 groups have without_order"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_table_of_groups_is_refused_with_its_cells(tmp_path: Path, what: str) -> None:
    text, message = WRONG[what]
    with pytest.raises(DeclarationError, match=message) as caught:
        read_groups(shop_file(tmp_path, text))
    assert "shop.toml" in str(caught.value)


def test_a_shop_may_part_the_cube_in_its_own_way(tmp_path: Path) -> None:
    text = """
[rfm.champions]
label = "Champions"
says = "x"
cells = ["R5 FM4", "R4 FM5", "R5 F4 M5"]
[rfm.stars]
label = "Stars"
says = "x"
cells = ["R5 F5 M4-5"]
"""
    with pytest.raises(DeclarationError, match=r"in no group: R5 F5 M4\."):
        read_groups(shop_file(tmp_path, text.replace('"R5 F5 M4-5"', '"R5 F5 M5"')))
    assert "stars" in read_groups(shop_file(tmp_path, text))


# ---------------------------------------------------------------- two real bases, computed a second way
def second_way(days: pd.DataFrame, as_of: int) -> pd.Series:
    """Return each customer's group from one row per customer and order day (day, amount), by pandas and loops."""
    by = days.groupby("customer_id")
    table = pd.DataFrame(
        {"r": as_of - by["day"].max(), "f": by["day"].count() - 1, "m": by["amount"].sum().round(4)}
    )
    table["tenure"] = as_of - by["day"].min()
    lines = {key: table[key].quantile([0.2, 0.4, 0.6, 0.8]).tolist() for key in "rfm"}

    def group(r: float, f: float, m: float, tenure: float) -> str:
        over = {key: sum(v > line for line in lines[key]) for key, v in zip("rfm", (r, f, m), strict=True)}
        upto = {key: sum(v >= line for line in lines[key]) for key, v in zip("rfm", (r, f, m), strict=True)}
        recency, money = 5 - (over["r"] + upto["r"]) // 2, 1 + (over["m"] + upto["m"]) // 2
        fm = int((1 + over["f"] + money) / 2 + 0.5)
        return "new" if tenure < 90 and fm <= 3 else GRID[recency][fm - 1]

    return pd.Series([group(*row) for row in table.itertuples(index=False, name=None)], index=table.index)


def first_way(history: History, as_of: int) -> tuple[RfmGroups, list[str]]:
    names = ("recency_days", "frequency", "monetary_value", "tenure")
    found = CATALOG.pick(names).compute(history, as_of)
    return rfm_groups(found.columns), found.customer_id.tolist()


def test_cdnow_is_the_same_by_pandas() -> None:
    raw = pd.read_csv(
        cdnow_file(),
        sep=r"\s+",
        header=0,
        names=["customer_id", "date", "n", "amount"],
        dtype={0: str, 1: str},
    )
    raw["day"] = (pd.to_datetime(raw["date"], format="%Y%m%d") - pd.Timestamp(0)).dt.days
    days = raw.groupby(["customer_id", "day"], as_index=False)["amount"].sum()
    as_of = parse_day("1998-06-30")
    found, ids = first_way(History.from_lines(read_orders(cdnow_file()).lines), as_of)
    expected = second_way(days, as_of)
    assert len(ids) == 23_570
    assert expected[ids].tolist() == found.names.tolist()
    counts = {name: int(number) for name, number in expected.value_counts().items()}
    assert (counts["champions"], counts["dormant"], counts["promising"]) == (5_889, 3_839, 9)
    assert found.thresholds == Thresholds(
        (141.0, 432.0, 485.0, 512.0), (0.0, 0.0, 1.0, 3.0), found.thresholds.spend
    )


@pytest.mark.skipif(not RETAIL.exists(), reason="Online Retail II is not at hand")
def test_online_retail_is_the_same_by_pandas() -> None:
    as_of = parse_day("2011-09-10")
    lines = read_orders(RETAIL, until=as_of).lines
    table = lines.select(["customer_id", "day", "amount", "returned", "cancelled_day"]).to_pandas()
    gone = table["cancelled_day"].fillna(10**9) <= as_of
    stands = table[~table["returned"] & ~gone & (table["day"] <= as_of)]
    days = stands.groupby(["customer_id", "day"], as_index=False, observed=True)["amount"].sum()
    found, ids = first_way(History.from_lines(lines), as_of)
    days["customer_id"] = days["customer_id"].astype(str)
    expected = second_way(days, as_of)
    assert expected[ids].tolist() == found.names.tolist()
    counts = {name: int(number) for name, number in expected.value_counts().items()}
    assert (counts["champions"], counts["new"], counts["dormant"]) == (1_091, 297, 780)
