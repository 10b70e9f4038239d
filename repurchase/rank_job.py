"""The nightly ranking: partition by partition, resumable, published in one step."""

from __future__ import annotations

import importlib.metadata
import resource
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.days import to_date
from contracts.errors import RepurchaseError
from features.catalog import CATALOG
from features.cleaning.report import OrdersReport
from features.kernel.buffers import as_arrow, as_numpy
from features.kernel.declaration import Catalog
from repurchase.model_job import folder_of, horizons_with
from repurchase.orders_job import OrdersJob
from repurchase.rank_base import Asked, Base, Progress, RankOptions, scored_here
from repurchase.rank_spark import scored_on_spark
from repurchase.rankings import margin_of
from repurchase.source_state import state_of_inputs
from repurchase.upserting import upsert_store

if TYPE_CHECKING:
    from campaigns.layers import Layers
    from models.bundle import Bundle
    from serving.batch.changed import Moves
    from serving.batch.checkpoint import Checkpoint
    from serving.batch.drift import Drift
    from serving.batch.ranking import Ranking, Summary
    from serving.batch.stages import Stages
    from serving.outputs.postgres import Upserted

TOP = 10


@dataclass(frozen=True)
class Ranked:
    """What a ranking brought. top: the first rows; moves: None without a previous ranking; taken_up: parts that an
    interrupted run had finished; upserted: what PostgreSQL was told, if it was; notes: sentences that are worth a
    warning."""

    report: OrdersReport
    as_of: int
    store: Path
    absent: list[str]
    bundle: Bundle
    layers: Layers
    top: pa.Table
    summary: Summary
    stages: Stages
    drift: Drift
    moves: Moves | None
    finished: Mapping[str, Any] | None
    parts: int
    taken_up: int
    horizon: int
    upserted: Upserted | None = None
    notes: tuple[str, ...] = ()

    @cached_property
    def scores(self) -> pa.Table:
        """All scores, read from the store: for those who want them in memory."""
        return pq.read_table(self.store / "scores.parquet")


def rank(
    job: OrdersJob,
    *,
    model: str,
    horizons: tuple[int, ...],
    by: str,
    out: Path,
    tracking_uri: str,
    progress: Progress,
    catalog: Catalog = CATALOG,
    options: RankOptions | None = None,
) -> Ranked:
    """Score every customer as of the day and publish the store into `out`.

    Memory is bounded by a partition and a few numbers of each customer. A run that was interrupted is taken up where it
    stopped, but for one on Spark; whatever fails, the previous ranking stays. Raises DataError, ArtifactError.
    """
    from models.bundle import load_bundle
    from serving.batch.checkpoint import Checkpoint
    from serving.batch.stages import Stages
    from serving.disk import naming
    from serving.rank import Scoring, require_features
    from serving.store import check_target

    check_target(out)
    progress("verifying the model")
    folder = folder_of(model, tracking_uri=tracking_uri)
    bundle = load_bundle(folder)
    require_features(bundle, catalog)
    job.require_past()
    main, wanted = horizons_with(bundle, horizons)
    options, stages = options or RankOptions(), Stages()
    key = _key(job, bundle, wanted, main, by, catalog, options)
    fresh = options.fresh or options.master is not None
    where = Checkpoint.open(out, key=key, now=job.now, fresh=fresh)
    with naming(out), where as run, ExitStack() as opened:
        job = replace(job, now=run.begun)

        def ask(as_of: int) -> Asked:
            return Asked(bundle, Scoring(as_of, wanted, main, by, job.now), catalog, options, out)

        if options.master is None:
            asked, base = scored_here(job, ask, run, opened, stages, progress)
        else:
            asked, base = scored_on_spark(
                job, ask, run, stages, progress, model=folder, master=options.master
            )
        return _published(base, asked, run, stages, progress)


def _key(
    job: OrdersJob,
    bundle: Bundle,
    horizons: tuple[int, ...],
    main: int,
    by: str,
    catalog: Catalog,
    options: RankOptions,
) -> dict[str, Any]:
    """Return what tells this run's parts from another's; those of Spark are never taken up."""
    if options.master is not None:
        return {"engine": options.engine}
    return {
        **state_of_inputs(job),
        "version": importlib.metadata.version("repurchase"),
        "model": bundle.version,
        "horizons": horizons,
        "main": main,
        "by": by,
        "features": {one.name: one.source_hash for one in catalog},
        "details": options.details,
    }


def _published(base: Base, asked: Asked, run: Checkpoint, stages: Stages, progress: Progress) -> Ranked:
    """Rank all customers, compare them with the previous ranking, publish, and remember what was predicted."""
    from serving.batch.buckets import Buckets
    from serving.batch.parts import shared_columns
    from serving.batch.ranking import Ranking, Terms
    from serving.store import publish

    terms = Terms(margin_of(asked.bundle.manifest), asked.bundle.manifest["clv"].get("contact_cost", 0.0))
    progress("ranking all customers")
    pa.default_memory_pool().release_unused()
    with stages.stage("ranking all customers"):
        paths = [run.scores(part) for part in sorted(base.notes)]
        ranking = Ranking.of(paths, base.customers, asked.scoring, terms)
    slim = run.folder / "slim.parquet"
    with stages.stage("sorting by rank"):
        buckets = Buckets(run.folder / "buckets", ranking.schema, customers=ranking.customers)
        with buckets:
            ranking.fill(buckets, slim, with_details=asked.options.details)
    with stages.stage("comparing with the previous ranking"):
        moves, changed = _changed(base, asked, run, slim)
    progress("publishing the store")
    shared = next(note["shared"] for note in base.notes.values() if note["shared"])
    top: list[pa.Table] = []
    tables = ranking.rows(buckets, shared_columns(asked.bundle, asked.scoring, shared))
    with stages.stage("publishing"):
        publish(
            _noting_top(tables, top),
            asked.out,
            manifest=_told(base, asked, ranking),
            formats=asked.options.formats,
            excel_safe=asked.options.excel_safe,
            report=_report(base, asked, ranking, stages, moves),
            changed=changed,
            details=run.folder / "details" if asked.options.details else None,
            keep=asked.options.keep,
        )
    _remember(asked, slim, ranking)
    run.end()
    upserted, notes = _upserted(asked, stages)
    return Ranked(
        report=base.report,
        as_of=asked.scoring.as_of,
        store=asked.out,
        absent=base.absent,
        bundle=asked.bundle,
        layers=ranking.layers,
        top=top[0],
        summary=ranking.summary,
        stages=stages,
        drift=base.drift,
        moves=moves,
        finished=base.finished,
        parts=len(base.notes),
        taken_up=base.taken_up,
        horizon=asked.scoring.rank_horizon,
        upserted=upserted,
        notes=(*_back_in_time(base, asked), *notes),
    )


def _back_in_time(base: Base, asked: Asked) -> Iterator[str]:
    """Yield a sentence where the ranking that was published before is of a later day."""
    before, now = (base.previous or {}).get("as_of", ""), to_date(asked.scoring.as_of).isoformat()
    if before > now:
        yield (
            f"{asked.out} held a ranking of {before}; this one is of {now}, and running servers take it over. "
            "To look back, give another --out."
        )


def _noting_top(tables: Iterator[pa.Table], top: list[pa.Table]) -> Iterator[pa.Table]:
    """Pass tables on; keep a copy of the first rows of all."""
    for table in tables:
        if not top:
            top.append(pa.Table.from_pylist(table.slice(0, TOP).to_pylist(), schema=table.schema))
        yield table


def _changed(base: Base, asked: Asked, run: Checkpoint, slim: Path) -> tuple[Moves | None, Path | None]:
    """Write who changed since the previous ranking; nothing where there is none, or it is damaged."""
    from serving.batch.changed import write_changed
    from serving.disk import sha256_of
    from serving.stored.shelf import current_home

    if base.previous is None:
        return None, None
    old, known = current_home(asked.out) / "scores.parquet", base.previous["files"].get("scores.parquet")
    if known is None or not old.is_file() or sha256_of(old) != known["sha256"]:
        return None, None
    path, value = run.folder / "changed.parquet", f"expected_value_{asked.scoring.rank_horizon}d"
    return write_changed(path, old=old, now=slim, value=value, share=asked.options.changed_share), path


def _told(base: Base, asked: Asked, ranking: Ranking) -> dict[str, Any]:
    """Return what stands in the store's manifest besides its own facts."""
    from serving.rank import ranked_by

    terms, manifest = asked.bundle.manifest["clv"], asked.bundle.manifest
    return {
        "ranked_by": ranked_by(asked.scoring),
        "data_fingerprint": base.fingerprint,
        "model_as_of": manifest["as_of"],
        "layers": ranking.layers.to_dict(),
        "clv": {**terms, "level_sd": asked.bundle.model.spread.level_sd(terms["days"])},
    }


def _report(
    base: Base, asked: Asked, ranking: Ranking, stages: Stages, moves: Moves | None
) -> dict[str, Any]:
    """Return report.json: what the run did, and what it thinks of the base and of earlier predictions."""
    cpu: dict[str, float] = {}
    for note in base.notes.values():
        for name, seconds in note["cpu"].items():
            cpu[name] = round(cpu.get(name, 0.0) + seconds, 3)
    why = "no ranking kept here is old enough for its main horizon to be over"
    return {
        "as_of": to_date(asked.scoring.as_of).isoformat(),
        "engine": asked.options.engine,
        "customers": ranking.customers,
        "rows": {"read": base.report.read, "kept": base.report.kept, "refused": base.report.refused},
        "parts": {"count": len(base.notes), "taken_up": base.taken_up},
        "stages": stages.to_list(ranking.customers),
        "scoring_cpu_seconds": cpu,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "drift": base.drift.to_dict(),
        "finished": base.finished,
        "finished_why": None if base.finished else why,
        "moved": None if moves is None else moves.to_dict(),
        "changed_share": asked.options.changed_share,
    }


def _remember(asked: Asked, slim: Path, ranking: Ranking) -> None:
    """Keep what was predicted, so that it can be held against what happens."""
    from serving.batch import history

    kept = []
    with pq.ParquetFile(slim) as file:
        for number in range(file.num_row_groups):
            rows = file.read_row_group(number)
            places = history.kept_rows(as_numpy(rows["rank"]), ranking.customers)
            kept.append(rows.take(as_arrow(places, pa.int64())))
    facts = {
        "as_of": to_date(asked.scoring.as_of).isoformat(),
        "horizon": asked.scoring.rank_horizon,
        "model_version": asked.bundle.version,
        "model_as_of": asked.bundle.manifest["as_of"],
        "customers": ranking.customers,
    }
    history.keep(asked.out / "history", pa.concat_tables(kept).sort_by("rank"), facts=facts)


def _upserted(asked: Asked, stages: Stages) -> tuple[Upserted | None, tuple[str, ...]]:
    """Bring the published scores into PostgreSQL, where an address is given; also what was noticed about the list."""
    if asked.options.to is None:
        return None, ()
    from serving.store import Store

    barred, store = asked.options.barred, Store.open(asked.out)
    try:
        with stages.stage("PostgreSQL"):
            return upsert_store(asked.options.to, store, suppressed=barred.ids), barred.notes_on(store)
    except RepurchaseError as error:
        again = f"Bring them there by `repurchase export {asked.out} --to …`."
        raise type(error)(f"the ranking is published, but --to failed: {error} {again}") from None
    finally:
        store.close()
