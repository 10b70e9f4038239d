from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow.compute as pc
import pytest

from contracts.days import parse_day
from contracts.errors import DataError
from contracts.tables import CURVE_KNOTS
from contracts.training import Outcome, Prediction
from experiments.answers import Answers
from experiments.backtest_result import Backtest, Verdict
from experiments.bench_accuracy import main, planned
from experiments.bench_bars import Bar, accuracy_bars
from experiments.bench_carry import carry_bars
from experiments.bench_curve import (
    Dates,
    Falling,
    curve_bars,
    last_order_and_gap,
    next_order_day,
    quantile_days,
)
from experiments.bench_tables import bars_table, models_table
from experiments.bench_training import cost_bar, known_then_bar, threads_bar
from experiments.bootstrap import compare
from experiments.data_sets import cdnow_file
from experiments.panels import Panels
from experiments.recipe import Recipe
from features.kernel.history import History
from features.orders import read_orders
from models.ensemble import Ensemble
from models.mbgnbd import MbgNbd
from tests.experiments import laboratory as lab

pytestmark = pytest.mark.lab

CUSTOMERS = 600
TRUTH = np.random.default_rng(1).beta(0.5, 1.5, CUSTOMERS)
NOISE = np.random.default_rng(2).beta(0.5, 1.5, CUSTOMERS)
BLURRED = 0.5 * TRUTH + 0.5 * NOISE
PEERS = ("historic_spend", "lifetimes_bgnbd", "lifetimes_mbgnbd")


def answers(day: int, chances: Mapping[str, np.ndarray]) -> Answers:
    """Return chances beside outcomes of chance TRUTH, of which as many come true as it expects; 10 an order."""
    draws = np.random.default_rng(day)
    order = draws.permutation(CUSTOMERS)
    steps = np.floor(np.cumsum(TRUTH[order]) + draws.random())
    bought = np.zeros(CUSTOMERS)
    bought[order] = np.diff(steps, prepend=0.0) > 0
    told = {name: Prediction(p, p, 10.0 * p) for name, p in chances.items()}
    return Answers(day, np.arange(CUSTOMERS), Outcome(bought, bought, 10.0 * bought), told)


def backtest(
    main_horizon: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray] | None = None
) -> Backtest:
    """Return a backtest at two origins in which the models answered these chances."""
    kinds = {"repurchase": "ours", **dict.fromkeys(PEERS, "peer")}
    said = {60: main_horizon, 30: other or main_horizon}
    found = {h: tuple(answers(day, chances) for day in (10, 40)) for h, chances in said.items()}
    compared = {h: tuple(compare(one, default="repurchase", draws=40)) for h, one in found.items()}
    settings = lab.settings(kinds, origins=(10, 40))
    verdict = Verdict(True, "", None)
    missing = {name: {10: "too few customers"} for name in PEERS if name not in main_horizon}
    return Backtest(settings, found, compared, (), (), {}, {}, (), {}, missing, None, verdict)


def bars(found: Backtest) -> dict[str, Bar]:
    return {bar.what: bar for bar in accuracy_bars(found)}


KNOWING = {"repurchase": TRUTH, **dict.fromkeys(PEERS, BLURRED)}


# ---------------------------------------------------------------- bars of a backtest
def test_who_knows_the_truth_misses_no_bar_where_the_others_are_blurred() -> None:
    assert [bar.what for bar in bars(backtest(KNOWING)).values() if bar.met is False] == []


def test_who_is_blurred_where_lifetimes_knows_misses_the_bars_against_it_and_the_peers() -> None:
    found = bars(backtest({"repurchase": BLURRED, **dict.fromkeys(PEERS, TRUTH)}))
    for metric in ("auc", "average_precision", "log_loss", "brier", "value_gini"):
        assert found[f"{metric} against lifetimes_bgnbd, 60 days"].met is False
        assert found[f"{metric} against every peer, 60 days"].met is False


def test_an_equal_is_not_better_with_certainty_and_no_better_peer_either() -> None:
    found = bars(backtest({"repurchase": TRUTH, **dict.fromkeys(PEERS, TRUTH)}))
    assert found["auc against lifetimes_bgnbd, 60 days"].met is False
    assert found["auc against every peer, 60 days"].met is True


def test_the_level_may_be_further_off_at_the_other_horizons() -> None:
    found = bars(backtest({**KNOWING, "repurchase": 0.9 * TRUTH}))
    assert found["mean |level bias|, 60 days"].met is False
    assert found["mean |level bias|, 30 days"].met is True


def test_a_peer_with_a_better_level_is_named() -> None:
    right = {**KNOWING, "historic_spend": TRUTH}
    bar = bars(backtest(KNOWING, {**right, "repurchase": 0.95 * TRUTH}))[
        "mean |level bias| against every peer, 30 days"
    ]
    assert bar.met is False and "historic_spend" in bar.reached


def test_chances_that_are_too_far_apart_miss_the_slope() -> None:
    odds = (TRUTH / (1 - TRUTH)) ** 1.5
    assert (
        bars(backtest({**KNOWING, "repurchase": odds / (1 + odds)}))["calibration slope, 60 days"].met
        is False
    )


def test_totals_are_compared_origin_by_origin() -> None:
    found = bars(backtest({**KNOWING, "repurchase": 1.2 * TRUTH, "lifetimes_bgnbd": 1.1 * TRUTH}))
    bar = found["total value nearer than lifetimes_bgnbd's, 60 days"]
    assert (bar.asked, bar.reached[:4], bar.met) == ("at 2 of 2 origins", "at 0", False)
    assert found["total value bias, 60 days"].met is False


def test_a_peer_that_could_not_be_fitted_is_no_missed_bar() -> None:
    found = bars(backtest({"repurchase": TRUTH, "lifetimes_mbgnbd": BLURRED}))
    bar = found["auc against lifetimes_bgnbd, 60 days"]
    assert (bar.met, bar.reached) == (None, "too few customers")


def test_the_tables_have_a_row_for_each_model_and_origin_and_each_bar() -> None:
    found = backtest(KNOWING)
    assert models_table("shop", found, 60).row_count == 3 * 4
    assert bars_table("shop", accuracy_bars(found)).row_count == len(accuracy_bars(found))


# ---------------------------------------------------------------- the curve and its dates
def test_quantiles_are_read_off_the_curve() -> None:
    rate = np.array([0.05, 0.01, 0.001])
    curve = 1.0 - np.exp(-rate[:, None] * np.array(CURVE_KNOTS))
    found = quantile_days(curve, (0.25,), window=90)[0.25]
    assert found[:2] == pytest.approx(np.log(4 / 3) / rate[:2], abs=0.01)
    assert found[2] == np.inf


def test_the_plain_rule_adds_the_mean_gap_to_the_last_order() -> None:
    columns = {
        "frequency": np.array([2.0, 4.0, 0.0]),
        "recency": np.array([60.0, 40.0, 0.0]),
        "recency_days": np.array([12.0, 90.0, 5.0]),
    }
    assert last_order_and_gap(columns).tolist() == [30.0 - 12.0, 1.0, 100.0 / 6.0 - 5.0]


def test_the_next_order_day_is_the_first_one_after_the_origin() -> None:
    panels, table = lab.panels(), lab.panels().features(lab.DAY)
    lines = read_orders(cdnow_file()).lines
    lines = lines.filter(
        pc.and_(pc.greater(lines["day"], lab.DAY), pc.less_equal(lines["day"], lab.DAY + 40))
    )
    first = lines.group_by("customer_id").aggregate([("day", "min")]).to_pydict()
    day_of = dict(zip(first["customer_id"], first["day_min"], strict=True))
    expected = [day_of.get(name, np.inf) - lab.DAY for name in table.customer_id]
    assert next_order_day(panels, lab.DAY, window=40).tolist() == expected


def dates(quantile: float, ordered: float) -> Dates:
    """Return 400 customers, a share of whom order on day 3."""
    order_day = np.where(np.arange(400) < 400 * ordered, 3.0, np.inf)
    said = {u: np.full(400, quantile) for u in (0.1, 0.25, 0.5)}
    return Dates(said, np.full(400, 1.0), order_day, 30)


def test_coverage_is_the_share_that_has_ordered_by_the_quantile() -> None:
    found = curve_bars([dates(10.0, 0.25), dates(10.0, 0.27)], Falling(400, 0, 0, 0, 0.0))
    by = {bar.what: bar for bar in found}
    assert by["ordered by the 25% quantile"].met is True
    assert by["ordered by the 50% quantile"].met is False
    assert by["ordered by the 25% quantile"].reached == "0.260 of 800 (0.250 0.270)"


def test_quantiles_beyond_the_window_are_too_few_to_tell() -> None:
    found = curve_bars([dates(31.0, 0.25)], Falling(400, 0, 0, 0, 0.0))
    assert {bar.met for bar in found if bar.what.startswith("ordered by")} == {None}


def test_one_curve_that_falls_is_a_missed_bar() -> None:
    assert curve_bars([dates(10.0, 0.25)], Falling(400, 0, 1, 1, 0.1))[0].met is False
    assert curve_bars([dates(10.0, 0.25)], Falling(400, 0, 0, 0, 0.0))[0].met is True


def test_one_call_and_several_give_the_same_curve() -> None:
    data = lab.panels().training_data(lab.DAY)
    model = Ensemble.of_base(MbgNbd.fit(data), data, why="")
    some = {name: values[:200] for name, values in lab.panels().features(lab.DAY).columns.items()}
    found = Falling.of(model, some, lab.DAY)
    assert (found.customers, found.unequal) == (200, 0)
    assert found.deepest < 1e-12


# ---------------------------------------------------------------- later days, and the training itself
def quick() -> Panels:
    return replace(lab.panels(), recipe=replace(lab.RECIPE, model="mbgnbd"))


def test_a_model_asked_on_its_own_day_is_the_fresh_one() -> None:
    last = lab.history().last_order_day
    _, fresh = carry_bars(quick(), lab.DAY, [lab.DAY], last_day=last)
    own, _, theirs = fresh.reached.partition(" against ")
    assert own == theirs and fresh.met is True


def test_a_later_day_has_its_two_bars_and_a_window_that_is_not_over_has_none() -> None:
    last = lab.history().last_order_day
    *measured, open_window = carry_bars(quick(), lab.DAY, [lab.DAY + 30, last - 10], last_day=last)
    assert [bar.met is not None for bar in measured] == [True, True]
    assert open_window.met is None


def test_a_model_is_not_asked_before_its_training() -> None:
    with pytest.raises(DataError, match="cannot be asked on 1997-12-31"):
        list(carry_bars(quick(), lab.DAY, [lab.DAY - 1], last_day=lab.history().last_order_day))


def few(*, until: str | None = None) -> History:
    """Return 300 customers, none of whom is new."""
    return lab.history(until=until).of_customers(np.arange(300))


def test_what_is_learnt_equals_the_rows_known_then() -> None:
    bar = known_then_bar(Panels.of(few(), lab.RECIPE), few(until="1998-01-01"), lab.DAY)
    assert bar.met is True


def test_a_row_that_differs_is_found() -> None:
    bar = known_then_bar(Panels.of(few(), lab.RECIPE), few(until="1997-11-30"), lab.DAY)
    assert bar.met is False and "asked recency_days" in bar.reached


def test_the_threads_are_compared_byte_by_byte() -> None:
    bar = threads_bar(Panels.of(few(until="1998-01-01"), lab.RECIPE).training_data(lab.DAY), lab.RECIPE)
    assert bar.met is True and bar.reached.startswith("the same in")


def test_a_training_is_timed_to_its_bundle() -> None:
    bar = cost_bar(few(until="1998-01-01"), lab.DAY, replace(lab.RECIPE, model="mbgnbd"))
    assert bar.met is True and "CPU s" in bar.reached


# ---------------------------------------------------------------- what is asked
def test_origins_go_back_from_the_last_possible_day() -> None:
    plan = planned(0, 1000, horizons=(90, 30), as_of=(), count=3, step=30)
    assert (plan.horizons, plan.origins, plan.notes) == ((90, 30), (850, 880, 910), ())


def test_what_does_not_fit_is_left_out_and_said() -> None:
    plan = planned(0, 300, horizons=(90, 200), as_of=(20, 100, 280), count=5, step=30)
    assert (plan.horizons, plan.origins) == ((90,), (100,))
    assert plan.notes == (
        "200 days ahead are left out: the history is too short",
        "1970-01-21 is left out: no room around it",
        "1970-10-08 is left out: no room around it",
    )


def test_days_to_carry_to_are_checked_before_any_work(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--carry", "1998-01-01", "1997-12-01"])
    assert "cannot be asked on 1997-12-01" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("horizon", "as_of", "said"),
    [(90, (950,), "no origin lies between"), (600, (), "600 days ahead need 1200"), (0, (), "days above 0")],
)
def test_what_cannot_be_measured_at_all_is_refused(horizon: int, as_of: tuple[int, ...], said: str) -> None:
    with pytest.raises(DataError, match=said):
        planned(0, 1000, horizons=(horizon,), as_of=as_of, count=5, step=30)


def test_a_file_that_is_not_there_ends_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--orders", "nowhere.csv"])
    assert "nowhere.csv" in capsys.readouterr().err


def test_days_are_of_the_whole_history() -> None:
    plan = planned(
        lab.history().first_order_day, lab.history().last_order_day,
        horizons=Recipe(horizons=(90, 30)).horizons, as_of=(), count=5, step=30,
    )  # fmt: skip
    assert plan.origins[-1] == parse_day("1998-04-01")
