# ruff: noqa: E402, T201  (a script to read along imports where a thing is first used, and prints)
# %% [markdown]
# # From orders to a model of your own
#
# A tour for data scientists, on real orders: CDNOW, a shop of 1997-98, which comes with the lifetimes package.
# Open this file in VS Code, PyCharm or Jupyter (with jupytext) and run it cell by cell, or all of it with
# `.venv/bin/python docs/tour.py`; it takes under a minute. At the end a model that you wrote stands beside ours, judged
# on the same customers and days, and both are in MLflow. CI runs this file.

# %% [markdown]
# ## 1. Orders
# `read_orders` recognises the columns, cleans, and accounts for every row: it is kept, or refused by a named rule,
# or merged. Nothing is dropped in silence. (`repurchase check orders.csv` says the same in a terminal.)

# %%
from experiments.data_sets import cdnow_file
from features.orders import read_orders

orders = read_orders(cdnow_file())
report = orders.report
print(
    f"{report.read:,} rows read, {report.kept:,} kept, {report.refused} refused, {report.customers_kept:,} customers"
)
for note in report.notes:
    print("-", note)

# %% [markdown]
# CDNOW is clean. Here are three rows, two of them bad: the quarantine holds these as they were written, each with its
# reason.

# %%
import tempfile
from pathlib import Path

folder = Path(tempfile.mkdtemp(prefix="repurchase-tour-"))
(folder / "dirty.csv").write_text(
    "customer_id,order_id,ordered_at,amount\n"
    "anna,1,1998-03-02,29.90\n"
    ",2,1998-03-05,12.00\n"  # whose order is it?
    "bert,3,soon,15.00\n"  # when?
)
dirty = read_orders(folder / "dirty.csv")
print(dirty.quarantine.drop_columns(["source_file"]).to_pandas().to_string(index=False))

# %% [markdown]
# ## 2. A cutoff
# A cutoff is the END of a day. The past is every line up to it, that day included; the outcome of a horizon of 90 days
# is the 90 days after it. Our data end on 1998-06-30, so the last cutoff whose 90 days are over is 1998-04-01.
# We pretend that it is today, and keep what came later for the judgement.

# %%
from contracts.days import parse_day, to_date
from features.kernel.history import History

history = History.from_lines(orders.lines)
today = parse_day("1998-04-01")
print(
    f"orders from {to_date(history.first_order_day)} to {to_date(history.last_order_day)}; today is {to_date(today)}"
)

# %% [markdown]
# ## 3. Features
# One row per customer and cutoff. Every feature sees the past of its customer at the cutoff, and nothing else.
# `build_panel` computes them for as many cutoffs as you like, with the outcomes beside them where they are known.

# %%
from features.panel import build_panel

frame = build_panel(history, [today - 90, today], horizons=(90,)).to_arrow().to_pandas()
print(f"{len(frame):,} rows, {frame.shape[1]} columns")
print(
    frame[["customer_id", "cutoff", "orders_90d", "recency_days", "outcome_bought_90d"]].head(4).to_string()
)
print(frame.groupby("cutoff")["outcome_bought_90d"].agg(["count", "mean"]).round(4).to_string())

# %% [markdown]
# They are declared one by one, with their words and units.

# %%
from features.catalog import CATALOG

print(
    f"{len(CATALOG)} features in the catalogue; these orders allow {len(CATALOG.available(history.optional))}"
)
for one in list(CATALOG)[:5]:
    print(f"- {one.name} ({one.unit}): {one.description}")

# %% [markdown]
# ## 4. A feature of your own
# One function of a `Past` is one feature: its name is the column, its description the documentation. In a file of its
# own it goes to `repurchase train --features my_features.py`; here it joins the catalogue by hand.

# %%
from features.kernel.declaration import Catalog, feature
from features.kernel.past import Past
from features.kernel.running import Floats


@feature("Orders in the last 45 days less orders in the 45 days before.", unit="orders", family="own")
def orders_trend_45d(past: Past) -> Floats:
    return past.count(days=45) - past.count(days=45, before=45)


catalog = Catalog([*CATALOG, orders_trend_45d])

# %% [markdown]
# ## 5. What may be learnt from
# `Panels` gives training data as of any day: features at cutoffs every 30 days, and of their outcomes only those that
# were over by that day. A recipe says how many cutoffs, which horizons, how many customers; the sample is by hashed id.

# %%
from experiments.panels import Panels
from experiments.recipe import Recipe

recipe = Recipe(horizons=(90, 30), cutoffs=6, most_customers=2_500)
panels = Panels.of(history, recipe, catalog=catalog)
data = panels.training_data(today)
print(f"{len(data.cutoff):,} rows of {len(panels.history.customer_ids):,} customers at the cutoffs", end=" ")
print(*(to_date(int(day)) for day in sorted(set(data.cutoff.tolist()))))

# %% [markdown]
# ## 6. Models
# BG/NBD knows three numbers of a customer: order days, the time between the first and the last, and the age.
# `Ensemble`, our default, starts from such a model and lets LightGBM bend its answer by all other features, as far as
# earlier windows show that this helps.

# %%
from models.bgnbd import BgNbd
from models.ensemble import Ensemble
from models.persistence import Persistence
from models.recency import Recency

models = {kind.name: kind.fit(data) for kind in (Recency, Persistence, BgNbd, Ensemble)}
print("the ensemble is made of:", models["ensemble"].parts)

# %% [markdown]
# Every model answers for any horizon: the chance of an order, expected order days, expected value. The ensemble's
# answers lie on one curve per customer, so a longer horizon never has a smaller chance.

# %%
import pandas as pd

from contracts.tables import CURVE_KNOTS

customers = panels.features(today)
answer = models["ensemble"].answer(customers.columns, (30, 90), day=today)
told = pd.DataFrame({"customer_id": customers.customer_id})
for horizon, prediction in answer.at.items():
    told[f"chance_{horizon}d"] = prediction.p
    told[f"orders_{horizon}d"] = prediction.expected_orders
    told[f"value_{horizon}d"] = prediction.expected_value
told = told.sort_values("value_90d", ascending=False)
print(told.head(5).round(3).to_string(index=False))
best = told.index[0]
print(f"the curve of customer {told.customer_id[best]}:")
print("; ".join(f"{day} days {p:.3f}" for day, p in zip(CURVE_KNOTS, answer.curve[best], strict=True)))

# %% [markdown]
# ## 7. Out of time
# Nothing above has seen a day after today. What the customers did in the next 90 days is the judge. AUC is about order,
# log loss about the probabilities themselves, `level_bias` about their total.

# %%
from experiments.evaluate import evaluate

outcome = panels.outcome(today, 90)
SHOWN = ["auc", "log_loss", "brier", "level_bias", "value_gini"]
judged = evaluate(models, customers.columns, outcome, origin=today, horizon=90)
print(pd.DataFrame(judged.metrics).T[SHOWN].round(4).to_string())

# %% [markdown]
# ## 8. A model of your own
# A model is any class with these four methods. It reads named columns, stores plain numbers, and needs no base class.
# This one is a logistic regression on four features, your own among them.

# %%
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from contracts.training import Columns, Prediction, TrainingData
from models.contract import read_numbers, sigmoid, write_numbers


@dataclass(frozen=True)
class FourNumbers:
    """Logistic regression of "orders within 90 days" on four features; one amount per order day for everybody."""

    weights: tuple[float, ...]
    intercept: float
    orders_per_buyer: float
    spend: float
    name: ClassVar[str] = "four_numbers"
    needs: ClassVar[tuple[str, ...]] = ("recency_days", "frequency", "orders_90d", "orders_trend_45d")

    @classmethod
    def fit(cls, data: TrainingData) -> "FourNumbers":
        from sklearn.linear_model import LogisticRegression

        rows, happened = data.observed(90)  # rows whose 90 days are over
        fitted = LogisticRegression(C=1.0, max_iter=500).fit(cls.design(rows), happened.bought)
        order_days = happened.order_days.sum()
        return cls(
            weights=tuple(map(float, fitted.coef_[0])),
            intercept=float(fitted.intercept_[0]),
            orders_per_buyer=float(order_days / happened.bought.sum()),
            spend=float(happened.value.sum() / order_days),
        )

    @classmethod
    def design(cls, columns: Columns) -> Floats:
        recency, frequency, orders_90d, trend = (columns[name] for name in cls.needs)
        return np.column_stack((np.log1p(recency), np.log1p(frequency), np.log1p(orders_90d), trend))

    def predict(self, columns: Columns, horizon: float, *, day: int) -> Prediction:
        p_90 = sigmoid(self.design(columns) @ np.array(self.weights) + self.intercept)
        p = 1.0 - (1.0 - p_90) ** (horizon / 90.0)  # as if the chance were the same every day
        expected = p * self.orders_per_buyer
        return Prediction(p, expected, expected * self.spend)

    def save(self, folder: Path) -> None:
        write_numbers(folder / "four_numbers.json", {**vars(self), "weights": list(self.weights)})

    @classmethod
    def load(cls, folder: Path) -> "FourNumbers":
        numbers = read_numbers(folder / "four_numbers.json")
        return cls(**{**numbers, "weights": tuple(numbers["weights"])})


mine = FourNumbers.fit(data)
mine.save(folder)
print({name: round(weight, 3) for name, weight in zip(mine.needs, mine.weights, strict=True)})

# %% [markdown]
# ## 9. The same judgement for both
# Same customers, same days. A difference without an interval says little: the bootstrap draws customers, and the same
# draw holds for every model. It is positive where our default is better; if its interval holds 0, you are level.

# %%
from experiments.answers import Answers
from experiments.bootstrap import compare

together = {**models, "four_numbers": FourNumbers.load(folder)}
judged = evaluate(together, customers.columns, outcome, origin=today, horizon=90)
table = pd.DataFrame(judged.metrics).T[SHOWN].sort_values("log_loss")
print(table.round(4).to_string())

rows = compare(
    [Answers(today, customers.customers, outcome, judged.predictions)], default="ensemble", draws=200
)
paired = pd.DataFrame([vars(row) for row in rows if row.origin is not None])
paired = paired[paired.metric.isin(("auc", "log_loss", "value_gini")) & (paired.model != "ensemble")]
print(
    paired[["model", "metric", "difference", "difference_lower", "difference_upper"]]
    .round(4)
    .to_string(index=False)
)

# %% [markdown]
# ## 10. MLflow
# `repurchase train` writes one run per training: the recipe, the metrics, the plots, the bundle, and a registered
# model. The same from Python, as of the last day, into a database of our own. Your model becomes a run beside it.

# %%
from experiments import tracking
from experiments.train import Source, train

uri = f"sqlite:///{folder / 'mlflow.db'}"
trained = train(
    history,
    as_of=history.last_order_day,
    recipe=recipe,
    champion=None,  # a shop's first model needs only to beat the plain rules
    source=Source(orders.fingerprint, orders.currency, orders.timezone),
    folder=folder / "bundle",
    progress=lambda step: print("...", step),
    catalog=catalog,
)
registered = tracking.log_training(trained, shop="tour", tracking_uri=uri, extra={})
print(f"{registered.uri}: {trained.decision.reason}")

# %%
import mlflow  # after `tracking`, which switches its telemetry off

mlflow.set_tracking_uri(uri)
mlflow.set_experiment(tracking.model_name("tour"))
with mlflow.start_run(run_name="four_numbers"):
    mlflow.log_params({"features": ", ".join(mine.needs), "as_of": str(to_date(today))})
    mlflow.log_metrics(
        {f"four_numbers.{name}": value for name, value in judged.metrics["four_numbers"].items()}
    )
    mlflow.log_artifact(str(folder / "four_numbers.json"))

runs = mlflow.search_runs(search_all_experiments=True)
print(runs[["metrics.ensemble.log_loss", "metrics.four_numbers.log_loss"]].round(4).to_string())

# %% [markdown]
# ## 11. What next
# One window is one season. `repurchase backtest` asks all models and peers at several past days and writes a
# leaderboard with paired differences, a report that opens offline, and nested runs:
#
# ```
# .venv/bin/repurchase backtest orders.csv --shop myshop --out backtest
# .venv/bin/repurchase train orders.csv --shop myshop --features my_features.py --out model
# .venv/bin/repurchase rank orders.csv --model model --features my_features.py --out ranking
# ```
#
# To have your model in every backtest, put its class into a file of `experiments/peers/` and add
# `Entrant.of("peer", FourNumbers)` to `PEERS` in `experiments/backtest_models.py`.

# %%
print(
    f"The tour is over: {len(table)} models judged on {judged.customers:,} customers, {len(runs)} runs in MLflow."
)
print(f"Look at them: .venv/bin/mlflow ui --backend-store-uri {uri}")
