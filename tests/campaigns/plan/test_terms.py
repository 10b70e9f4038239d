"""What a campaign may do: its own file, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from campaigns.plan.terms import read_terms
from contracts.days import parse_day
from contracts.errors import DeclarationError
from tests.campaigns.plan.small import AS_OF, terms


def written(folder: Path, text: str) -> Path:
    path = folder / "plan.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_our_campaign_takes_the_asked_name() -> None:
    found = read_terms(None, "autumn")
    assert (found.name, found.weeks, found.budget) == ("autumn", 4, None)


def test_the_only_campaign_of_a_file_needs_no_name(tmp_path: Path) -> None:
    path = written(tmp_path, '[plans.autumn]\nlabel = "Autumn"\nbudget = 500\nfloors = { focus = 10 }\n')
    assert (read_terms(path, None).budget, read_terms(path, "autumn").floors) == (500.0, {"focus": 10.0})


@pytest.mark.parametrize(
    ("text", "campaign", "message"),
    [
        (
            '[plans.a]\nlabel = "A"\n[plans.b]\nlabel = "B"\n',
            None,
            r"several campaigns: a, b\. .*--campaign a",
        ),
        ('[plans.autumn]\nlabel = "A"\n', "autum", r"no \[plans.autum\], did you mean 'autumn'\?"),
        ('[plan.autumn]\nlabel = "A"\n', None, r"unknown section \[plan\], did you mean 'plans'\?"),
        ('[offers.mug]\nlabel = "A"\n', None, r"no campaign in it. Write a table \[plans.NAME\]"),
        ('[plans.a]\nlabel = "A"\nbugdet = 5\n', None, r"unknown key 'bugdet', did you mean 'budget'\?"),
        ("plans = [", None, "not a TOML file"),
    ],
)
def test_a_file_that_says_no_campaign_is_refused(
    tmp_path: Path, text: str, campaign: str | None, message: str
) -> None:
    with pytest.raises(DeclarationError, match=message):
        read_terms(written(tmp_path, text), campaign)


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ({"budget": 0.0}, "budget is 0: nobody could be contacted"),
        ({"budget": -5.0}, "budget is -5"),
        ({"budget": float("nan")}, "budget is nan"),
        ({"margin": 0.0}, "margin is 0"),
        ({"margin": 1.2}, "margin is 1.2"),
        ({"weeks": 0}, "weeks is 0. Write 1 to 12"),
        ({"weeks": 13}, "weeks is 13"),
        ({"response_days": 0}, "response_days is 0"),
        ({"control_share": 1.0}, "control_share is 1. Write a share from 0 to below 1"),
        ({"week_loss": 1.0}, "week_loss is 1"),
        ({"floors": {"fokus": 5.0}}, "floors has 'fokus', did you mean 'focus'"),
        ({"taste": {"high": -1.0}}, "taste.high is -1"),
        ({"unknown_reach": "maybe"}, "unknown_reach is 'maybe'. Write ask, allow or orders"),
        ({"start": "tomorrow"}, "start is 'tomorrow'. Write a day as YYYY-MM-DD"),
        ({"no_send": ("24.12.2026",)}, "no_send has '24.12.2026'. Write days as YYYY-MM-DD"),
        ({"when": "recency_days >"}, "campaign spring"),
    ],
)
def test_what_cannot_be_meant_is_refused(rest: dict[str, Any], message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        terms(**rest)


def test_a_margin_of_one_is_allowed() -> None:
    assert terms(margin=1.0).margin == 1.0


def test_the_first_day_is_the_day_after_the_scores_unless_the_campaign_says_a_later_one() -> None:
    assert terms().first_day(AS_OF) == AS_OF + 1
    assert terms(start="2022-02-01").first_day(AS_OF) == parse_day("2022-02-01")


def test_a_start_in_the_past_is_refused_with_both_days() -> None:
    with pytest.raises(
        DeclarationError, match=r"start is 2022-01-08, but the scores know .* up to 2022-01-08"
    ):
        terms(start="2022-01-08").first_day(AS_OF)


def test_a_campaign_that_ends_beyond_the_scores_is_refused() -> None:
    assert terms(start="2022-12-09", weeks=1).first_day(AS_OF) == parse_day("2022-12-09")  # 365 days
    with pytest.raises(DeclarationError, match="reach 365 days"):
        terms(start="2022-12-11", weeks=1).first_day(AS_OF)


def test_offers_that_are_not_there_are_refused_with_the_nearest() -> None:
    with pytest.raises(DeclarationError, match="offers has 'samples', did you mean 'sample'"):
        terms(offers=("samples",)).chosen("offers", ["gift", "sample"])
    assert terms(offers=("sample", "gift")).chosen("offers", ["gift", "sample"]) == ["gift", "sample"]
