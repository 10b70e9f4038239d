"""The demo: check, train and rank on CDNOW, the real orders that come with the lifetimes package."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from contracts.days import to_date
from repurchase import orders_job, show, show_rank, train_job
from repurchase.rank_job import rank

SHOP = "demo"
CUTOFFS = (
    6  # half of the usual past days to learn from: as good on these orders, and under a minute on any machine
)


def run(out: Path, *, now: datetime) -> None:
    """Run the main job into `out` and print what to type next. Leaves nothing running."""
    from experiments.data_sets import cdnow_file
    from experiments.recipe import Recipe
    from features.cleaning.report import print_report
    from serving.guarding.keys import new_key

    out.mkdir(parents=True, exist_ok=True)
    file, tracking = cdnow_file(), f"sqlite:///{(out / 'mlflow.db').resolve()}"
    job = orders_job.OrdersJob((str(file),), None, None, now)
    model, ranking, keys = out / "model", out / "ranking", out / "keys.json"
    show.out.rule("1 check: what is in the orders")
    with show.steps(1) as progress:
        progress("reading orders")
        report = orders_job.check(job, out=None)
    print_report(report, show.out)
    show.out.rule("2 train: which model to believe")
    with show.steps(5) as progress:
        trained, registered, _ = train_job.train(
            job,
            recipe=Recipe(cutoffs=CUTOFFS),
            shop=SHOP,
            tracking_uri=tracking,
            out=model,
            progress=progress,
        )
    show.training(trained)
    show.out.rule("3 rank: whom to contact")
    with show.steps(4) as progress:
        ranked = rank(
            job,
            model=str(model),
            horizons=(),
            by="value",
            out=ranking,
            tracking_uri=tracking,
            progress=progress,
        )
    show_rank.ranking(ranked)
    show.trust(ranked.bundle.manifest["backtest"])
    show.out.print(f"As of {to_date(ranked.as_of)}. MLflow holds it as {registered.uri}.")
    fresh = new_key(keys, "demo")
    first = ranked.top["customer_id"][0].as_py()
    show.next_commands(
        {
            "the training run: parameters, metrics, plots, the registered model": (
                f".venv/bin/mlflow ui --backend-store-uri {tracking}"
            ),
            "the pages for marketers at http://127.0.0.1:8000 (sign in with the key below), the API at /docs": (
                f".venv/bin/repurchase serve --store {ranking} --model {model} --keys {keys}"
            ),
            "the best customer and why, as a marketing tool would ask (this key was made for you just now)": (
                f"curl -H 'Authorization: Bearer {fresh}' 'http://127.0.0.1:8000/v1/customers/{first}?reasons=true'"
            ),
            f"what kind of shop this is: {out}/diagnosis/diagnosis.html": (
                f".venv/bin/repurchase diagnose {file} --out {out / 'diagnosis'}"
            ),
            f"whom to contact, with what, for a budget of 100: {out}/plan/plan.html": (
                f".venv/bin/repurchase plan {file} --ranking {ranking} --budget 100 --out {out / 'plan'}"
            ),
            "the same on your own orders": ".venv/bin/repurchase train ORDERS.csv --shop myshop --out model",
        }
    )
