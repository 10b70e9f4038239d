"""What kind of shop it is, and how sure that is."""

from __future__ import annotations

import numpy as np
import pytest

from campaigns.diagnosis.first_orders import Newcomers
from campaigns.diagnosis.mode import kind_of, mode_of
from campaigns.diagnosis.repurchase_rate import Rates
from campaigns.diagnosis.shares import Share


def mode(
    second: tuple[int, int], twice: tuple[int, int], back: tuple[int, int]
) -> tuple[str, tuple[str, ...]]:
    new = Newcomers(np.arange(second[1]), 0, 1, 90, moved=False)
    found = mode_of(Rates(Share.of_counts(*second), Share.of_counts(*twice), Share.of_counts(*back), new))
    return found.name, found.doubts


@pytest.mark.parametrize(
    ("rate", "kind"),
    [
        (0.0, "too_few"), (0.0099, "too_few"), (0.01, "acquisition"), (0.1499, "acquisition"), (0.15, "hybrid"),
        (0.2999, "hybrid"), (0.30, "loyalty"), (1.0, "loyalty"),
    ],
)  # fmt: skip
def test_the_borders_belong_to_the_upper_kind(rate: float, kind: str) -> None:
    assert kind_of(rate) == kind


def test_a_kind_on_which_all_figures_agree_is_stable() -> None:
    assert mode((200, 1000), (210, 1000), (220, 1000)) == ("hybrid", ())


def test_an_interval_over_a_border_is_a_doubt() -> None:
    name, (doubt,) = mode((28, 100), (20, 100), (20, 100))
    assert name == "hybrid"
    assert doubt == "the interval of the rate (20.1 to 37.5 %) reaches from hybrid to loyalty"


def test_each_other_figure_beyond_a_border_is_a_doubt() -> None:
    name, doubts = mode((2000, 10000), (100, 1000), (460, 1000))
    assert name == "hybrid"
    assert [doubt.split(" would say ")[1] for doubt in doubts] == ["acquisition", "loyalty"]


def test_a_figure_of_fewer_than_30_customers_raises_no_doubt() -> None:
    assert mode((200, 1000), (20, 29), (0, 0)) == ("hybrid", ())


def test_fewer_than_30_new_customers_are_too_few() -> None:
    name, (doubt,) = mode((29, 29), (50, 100), (50, 100))
    assert (name, doubt) == ("too_few", "only 29 new customers have been watched for 90 days; 30 are needed")


def test_below_one_of_a_hundred_it_is_too_few_to_say() -> None:
    assert mode((5, 10000), (5, 10000), (5, 10000)) == ("too_few", ())
