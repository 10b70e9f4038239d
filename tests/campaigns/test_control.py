"""The control group: random, stable, independent between campaigns, logged."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, chi2_contingency, chisquare

from campaigns.control import ARMS, CONTROL, TREATED, assign, draws, log_of
from contracts.errors import ContractError, DeclarationError

MANY = pa.array([f"{number:06d}" for number in range(100_000)])
TIERS = pa.array(["focus", "cultivate", "reduce", "reduce"] * 25_000)


def arms_of(ids: list[str], campaign: str = "spring", share: float = 0.5) -> dict[str, int]:
    found = assign(
        pa.array(ids, pa.string()), pa.array(["all"] * len(ids), pa.string()), campaign=campaign, share=share
    )
    return dict(zip(ids, found.tolist(), strict=True))


def test_each_stratum_gives_its_share() -> None:
    arms = assign(MANY, TIERS, campaign="spring", share={"focus": 0.3, "cultivate": 0.1, "reduce": 0.05})
    tiers = np.array(TIERS.to_pylist())
    for tier, share in (("focus", 0.3), ("cultivate", 0.1), ("reduce", 0.05)):
        here = arms[tiers == tier]
        assert binomtest(int((here == CONTROL).sum()), len(here), share).pvalue > 0.001


def test_draws_are_even() -> None:
    counts = np.histogram(draws(MANY, "spring"), bins=50, range=(0, 1))[0]
    assert chisquare(counts).pvalue > 0.001


@pytest.mark.parametrize(("one", "other"), [("spring", "summer"), ("1", "11"), ("spring", "Spring")])
def test_two_campaigns_draw_independently(one: str, other: str) -> None:
    all_ = pa.array(["all"] * len(MANY))
    first, second = (assign(MANY, all_, campaign=name, share=0.2) for name in (one, other))
    table = np.histogram2d(first, second, bins=2)[0]
    assert chi2_contingency(table).pvalue > 0.001


def test_the_draw_is_the_documented_hash() -> None:
    digest = hashlib.blake2b(b"6:spring:07592", digest_size=8).digest()
    assert draws(pa.array(["07592"]), "spring")[0] == (int.from_bytes(digest, "big") >> 11) / 2**53


def test_a_campaign_and_an_id_never_read_as_another_pair() -> None:
    assert draws(pa.array(["b:c"]), "a")[0] != draws(pa.array(["c"]), "a:b")[0]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=5), unique=True, min_size=1, max_size=40), st.data())
def test_a_customer_keeps_its_arm_whoever_else_is_there(ids: list[str], data: st.DataObject) -> None:
    some = data.draw(st.lists(st.sampled_from(ids), unique=True))
    everyone = arms_of(ids)
    assert arms_of(some) == {name: everyone[name] for name in some}


def test_a_larger_share_keeps_the_controls_of_a_smaller_one() -> None:
    names = [f"c{number}" for number in range(500)]
    small, large = arms_of(names, share=0.1), arms_of(names, share=0.3)
    assert all(large[name] == CONTROL for name in names if small[name] == CONTROL)


@pytest.mark.parametrize(("share", "arm"), [(0.0, TREATED), (1.0, CONTROL)])
def test_no_share_is_nobody_and_a_whole_share_everybody(share: float, arm: int) -> None:
    assert set(arms_of([f"c{number}" for number in range(1_000)], share=share).values()) == {arm}


def test_the_log_says_what_was_done() -> None:
    ids, strata = pa.array(["a", "b", "c"]), pa.array(["x", "y", "x"])
    log = log_of(np.array([1, 0, 0], np.int8), strata, campaign="spring", share={"x": 0.4, "y": 0.2})
    assert (log["campaign"], log["customers"], log["controls"]) == ("spring", len(ids), 1)
    assert log["strata"] == [
        {"stratum": "x", "customers": 2, "controls": 1, "share_asked": 0.4, "share_reached": 0.5},
        {"stratum": "y", "customers": 1, "controls": 0, "share_asked": 0.2, "share_reached": 0.0},
    ]
    assert ARMS[CONTROL] == "control"


def test_a_stratum_without_a_share_names_the_nearest() -> None:
    with pytest.raises(
        DeclarationError, match="no share of controls is given for 'focus', did you mean 'Focus'"
    ):
        assign(pa.array(["a"]), pa.array(["focus"]), campaign="spring", share={"Focus": 0.1})


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_an_impossible_share_is_refused(share: float) -> None:
    with pytest.raises(DeclarationError, match="must be from 0 to 1"):
        arms_of(["a"], share=share)


def test_a_campaign_without_a_name_is_refused() -> None:
    with pytest.raises(DeclarationError, match="the campaign has no name"):
        arms_of(["a"], campaign="")


def test_customers_without_a_stratum_are_refused() -> None:
    with pytest.raises(ContractError, match="no stratum"):
        assign(pa.array(["a", "b"]), pa.array(["x", None]), campaign="spring", share=0.1)
    with pytest.raises(ContractError, match="each customer needs one of both"):
        assign(pa.array(["a", "b"]), pa.array(["x"]), campaign="spring", share=0.1)
