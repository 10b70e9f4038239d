from __future__ import annotations

from typing import Any

from serving.pages.returning import cohorts_of, verdict

YEAR = [f"2010-{month:02d}" for month in range(1, 13)]
NEXT = ["2011-01", "2011-02", "2011-03"]


def months(*counts: tuple[str, int, int]) -> list[dict[str, Any]]:
    """Return a trend: month, how many of how many ordered again."""
    return [
        {"month": month, "share": {"value": count / of, "count": count, "of": of}}
        for month, count, of in counts
    ]


def test_rows_and_columns_without_a_number_are_left_out_and_said() -> None:
    found = cohorts_of(
        {
            "won_in": ["2011-10", "2011-11", "2011-12"],
            "customers": [100, 80, 20],
            "shares": [[1.0, 0.4, 0.2, None], [1.0, 0.3, None, None], [1.0, None, None, None]],
        }
    )
    assert [one.month for one in found.rows] == ["Oct\xa02011", "Nov\xa02011"] and found.months == 2
    assert [one.says for one in found.rows[1].cells] == ["30", ""]
    assert found.left_out == "Not in the table: those won since Dec\xa02011, of whom no later month is over."


def test_earlier_months_than_two_years_are_said_to_be_missing() -> None:
    names = [f"{year}-{month:02d}" for year in (2009, 2010, 2011) for month in range(1, 13)]
    found = cohorts_of({"won_in": names, "customers": [50] * 36, "shares": [[1.0, 0.5]] * 36})
    assert len(found.rows) == 24 and found.rows[0].month == "Jan\xa02010"
    assert found.left_out == "Not in the table: those won before Jan\xa02010 (12 months)."


def test_better_than_a_year_before_is_told() -> None:
    told = verdict(months(*[(month, 100, 500) for month in YEAR], *[(month, 200, 500) for month in NEXT]))
    assert told is not None and told.startswith("Yes: of those won from Jan\xa02011 to Mar\xa02011 40\xa0%")
    assert "in the same months a year before 20\xa0%" in told


def test_worse_than_the_months_before_is_told_where_no_year_is_known() -> None:
    before, now = [("2011-01", 300, 500)] * 3, [("2011-04", 100, 500)] * 3
    told = verdict(months(*before, *now))
    assert told is not None and told.startswith("No, worse:") and "won in the months before 60\xa0%" in told


def test_a_difference_that_chance_brings_is_no_answer() -> None:
    told = verdict(months(*[(month, 20, 50) for month in YEAR], *[(month, 22, 50) for month in NEXT]))
    assert told is not None and told.startswith("That cannot be told:")


def test_too_few_customers_are_no_answer() -> None:
    assert verdict(months(("2010-06", 1, 5), ("2011-06", 22, 50))) is None and verdict([]) is None
