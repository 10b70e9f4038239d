"""Scores held in memory as one table: of past days, and of a base that is only looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from contracts.days import to_date
from features.catalog import CATALOG
from features.cleaning.account import Account
from features.cleaning.report import refuse_nobody
from features.kernel.declaration import Catalog
from features.prepared.parts import write_part
from features.prepared.process import Tally
from features.shop.shop import Shop
from repurchase.model_job import horizons_with, open_bundle, require_same_currency
from repurchase.orders_job import OrdersJob

if TYPE_CHECKING:
    from campaigns.layers import Layers
    from models.bundle import Bundle
    from serving.rank import Scoring


def backfill(
    job: OrdersJob,
    *,
    days: Sequence[int],
    model: str,
    horizons: tuple[int, ...],
    out: Path,
    tracking_uri: str,
    catalog: Catalog = CATALOG,
) -> dict[Path, int]:
    """Write the scores as known on each of these days to `out`/DAY.parquet; return how many each holds."""
    from serving.rank import Scoring, require_features

    bundle = open_bundle(model, tracking_uri=tracking_uri)
    require_features(bundle, catalog)
    main, wanted = horizons_with(bundle, horizons)
    out.mkdir(parents=True, exist_ok=True)
    written = {}
    with job.opened() as rows:
        require_same_currency(bundle, rows.mapping)
        shop = job.shop(rows)
        for day in days:
            scoring = Scoring(day, wanted, main, "value", job.now)
            scores, _ = scored(replace(job, as_of=day), shop.on(day), bundle, scoring, Tally(), catalog)
            path = out / f"{to_date(day)}.parquet"
            write_part(path, [scores])
            written[path] = scores.num_rows
    return written


def scored(
    job: OrdersJob, shop: Shop, bundle: Bundle, scoring: Scoring, tally: Tally, catalog: Catalog
) -> tuple[pa.Table, Layers]:
    """Return the scores of all partitions' customers, best first, with their layers, and how these were found."""
    from campaigns import layers
    from repurchase.rankings import margin_of
    from serving.rank import ranked, score_customers

    def work(_: int, lines: pa.Table) -> pa.Table:
        history = shop.history(lines, days=(scoring.as_of,))
        return score_customers(history, bundle, scoring, catalog=catalog, beside=layers.FEATURES)

    scores = ranked([part for _, part in job.process(shop, work, tally)], scoring)
    if not scores.num_rows:
        refuse_nobody(Account.total(tally.accounts), scoring.as_of)
    terms = bundle.manifest["clv"]
    return layers.layered(
        scores,
        horizon=scoring.rank_horizon,
        margin=margin_of(bundle.manifest),
        contact_cost=terms.get("contact_cost", 0.0),
    )
