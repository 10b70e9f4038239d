"""Rules in words of columns: what they hold for, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.rules import Rule
from contracts.errors import DeclarationError

NAN = float("nan")
COLUMNS = {
    "days": np.array([10.0, 95.0, 120.0, NAN]),
    "orders": np.array([1, 2, 3, 4]),
    "value": np.array([5.0, 50.0, 7.0, NAN]),
    "tier": np.array(["focus", "reduce", "", None], dtype=object),
    "consent": np.array([True, False, True, True]),
    "opened": np.array([1.0, 0.0, NAN, 1.0]),
    "nothing": np.array([None, None, None, None], dtype=object),
}


def holds(text: str) -> list[int]:
    """Return the places for which a rule holds."""
    return np.flatnonzero(Rule.parse(text).holds(COLUMNS)).tolist()


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("days > 90", [1, 2]),
        ("days > 90 and value > 6", [1, 2]),
        ("days > 90 and not value > 10", [2]),
        ("10 < days <= 95 or orders == 1", [0, 1]),
        ("value / (orders - 1) > 4", [1]),  # x / 0 is unknown
        ("-value < -6", [1, 2]),
        ("days - 2 * orders >= 89", [1, 2]),
        ("tier == 'focus'", [0]),
        ("tier != 'focus'", [1]),  # unknown is neither
        ("tier in ('focus', 'reduce')", [0, 1]),
        ("tier in ('focus')", [0]),
        ("tier not in ['focus', 'cultivate']", [1]),
        ("orders in (1, 4)", [0, 3]),
        ("consent", [0, 2, 3]),
        ("not consent", [1]),
        ("consent == true and opened", [0, 3]),
        ("known(days)", [0, 1, 2]),
        ("not known(tier)", [2, 3]),
        ("days != 10", [1, 2]),
        ("nothing == 'x' or nothing > 3", []),
        ("orders >= quantile(orders, 0.5)", [2, 3]),
        ("bottom(orders, 0.25)", [0]),
        ("True", [0, 1, 2, 3]),
        ("days >\n  90", [1, 2]),
    ],
)
def test_a_rule_holds_for_whom_it_says(text: str, places: list[int]) -> None:
    assert holds(text) == places


def test_an_unknown_value_makes_a_comparison_false_and_its_opposite_true() -> None:
    assert holds("days > 90 or days <= 90") == [0, 1, 2]
    assert holds("not days > 90") == [0, 3]
    assert holds("known(days) and not days > 90") == [0]


def test_the_top_is_a_share_of_the_known_values() -> None:
    values = {"x": np.append(np.arange(10.0), [NAN] * 10)}
    found = Rule.parse("top(x, 0.2)").holds(values)
    assert np.flatnonzero(found).tolist() == [8, 9]


def test_equal_values_are_at_the_top_together_or_not_at_all() -> None:
    orders = {"x": np.array([1.0] * 17 + [2.0] * 3)}
    assert np.flatnonzero(Rule.parse("top(x, 0.2)").holds(orders)).tolist() == [17, 18, 19]
    assert not Rule.parse("top(x, 0.1)").holds(orders).any()
    assert not Rule.parse("top(x, 0.5)").holds({"x": np.ones(4)}).any()


@given(
    st.lists(st.one_of(st.integers(0, 6).map(float), st.just(NAN)), max_size=40),
    st.sampled_from([0.0, 0.1, 0.29, 0.5, 1.0]),
)
def test_nobody_outside_the_top_has_more_than_anybody_in_it(values: list[float], share: float) -> None:
    x = np.array(values)
    found = Rule.parse(f"top(x, {share})").holds({"x": x})
    known = np.count_nonzero(~np.isnan(x))
    assert found.sum() <= share * known + 1e-9
    inside, outside = x[found], x[~found & ~np.isnan(x)]
    assert not inside.size or not outside.size or inside.min() > outside.max()
    opposite = Rule.parse(f"bottom(x, {share})").holds({"x": -x})
    assert (opposite == found).all()


def test_a_rule_says_which_columns_it_reads() -> None:
    rule = Rule.parse("top(value, 0.2) and (days > 90 or tier in ('focus', 'reduce')) and true")
    assert rule.columns == {"value", "days", "tier"}
    rule.check(["days", "tier", "value", "orders"])


def test_an_unknown_column_is_named_with_the_nearest_one() -> None:
    rule = Rule.parse("recency_day > 90", where="shop.toml, [segments.lapsed]")
    with pytest.raises(DeclarationError) as caught:
        rule.check(["recency_days", "frequency"])
    message = str(caught.value)
    assert "shop.toml, [segments.lapsed]" in message and "did you mean 'recency_days'?" in message
    with pytest.raises(DeclarationError, match="'recency_day', which does not exist"):
        rule.holds(COLUMNS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("days = 90", "Write == for equal"),
        ("days > 90 AND orders > 1", "small letters"),
        ("days >", "cannot be read"),
        ("days > 90 & orders > 1", "`and`"),
        ("days", "holds numbers. Compare it: days > 0"),
        ("days + 1", "where a condition is needed"),
        ("tier > 'focus'", "which text is larger"),
        ("tier == 1", "compares a text with a number"),
        ("days == 'x'", "compares a text with a number"),
        ("tier + 1 > 2", "needs numbers, but tier holds texts"),
        ("days is 3", "Write == for `is`"),
        ("top(days, 20)", "a number from 0 to 1"),
        ("top(days)", r"Write top\(x, 0.2\)"),
        ("quantile(days, 0.5)", "where a condition is needed"),
        ("tops(days, 0.2)", "did you mean 'top'"),
        ("tier in ()", "needs a list"),
        ("tier in tier", "needs a list"),
        ("days in (1, orders)", "number or a text in quotes"),
        ("days > 10 ** 400", "where a value is needed"),
        (f"days > {'9' * 400}", "number or a text"),
        ("not " * 50 + "consent", "nested more than"),
        ("consent or " * 300 + "consent", "are the most"),
        ("(" * 300 + "consent" + ")" * 300, "cannot be read"),
        ("days > 1j", "where a value is needed"),
        ("days\x00 > 1", "cannot be read"),
    ],
)
def test_what_is_no_rule_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(DeclarationError, match=message) as caught:
        Rule.parse(text, where="shop.toml, [segments.x]").holds(COLUMNS)
    assert str(caught.value).startswith("shop.toml, [segments.x]: the rule `")


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "days.__class__ == 1",
        "(lambda: days)() > 1",
        "[x for x in days] == 1",
        "days[0] > 1",
        "(y := 3) > 1",
        "f'{days}' == 'x'",
        "days if consent else orders",
        "known(*days)",
        "known(x=days)",
        "open('x')",
        "days @ days > 1",
    ],
)
def test_nothing_outside_the_closed_list_is_read(text: str) -> None:
    with pytest.raises(DeclarationError):
        Rule.parse(text)


def test_dates_are_refused_as_no_numbers() -> None:
    columns = {"seen": np.array(["2021-01-01"], dtype="datetime64[D]")}
    with pytest.raises(DeclarationError, match="'seen', which holds dates"):
        Rule.parse("seen > 3").holds(columns)


def test_a_rule_over_nobody_holds_for_nobody() -> None:
    assert Rule.parse("top(x, 0.2) or x > 1").holds({"x": np.empty(0)}).tolist() == []
