"""The parts of a ranking: every partition scored, those of an interrupted run taken up, the base judged as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from contracts.errors import ArtifactError, DataError
from features.cleaning.account import Account
from features.cleaning.flags import FLAGS
from features.cleaning.report import OrdersReport, refuse_nobody
from features.kernel.declaration import Catalog
from features.prepared.partitions import Partitions
from features.prepared.process import Tally
from features.prepared.store import Prepared
from features.shop.shop import Shop
from repurchase.barred import Barred
from repurchase.model_job import require_same_currency
from repurchase.orders_job import OrdersJob

if TYPE_CHECKING:
    from models.bundle import Bundle
    from serving.batch.checkpoint import Checkpoint, Note
    from serving.batch.drift import Drift
    from serving.batch.history import Forecast
    from serving.batch.parts import PartMaker
    from serving.batch.stages import Stages
    from serving.rank import Scoring

Progress = Callable[[str], None]


@dataclass(frozen=True)
class RankOptions:
    """How a ranking is made and published.

    details: keep what stands behind each customer's scores; fresh: take up nothing; formats: of the scores' files;
    keep: stores kept; refuse_drift: do not publish a base that does not look like the training data; changed_share:
    of the earlier value, by more than which it counts as changed; to: a PostgreSQL address to upsert into as well;
    barred: whom that database may not hold; master: of the Spark that scores the customers, None for this machine.
    """

    details: bool = True
    fresh: bool = False
    formats: tuple[str, ...] = ("parquet", "csv")
    excel_safe: bool = False
    keep: int = 2
    refuse_drift: bool = False
    changed_share: float = 0.1
    to: str | None = None
    barred: Barred = field(default_factory=Barred)
    master: str | None = None

    @property
    def engine(self) -> str:
        """What scores the customers."""
        return "local" if self.master is None else "spark"


@dataclass(frozen=True)
class Asked:
    """What one run is: the model, what is scored, the features, how it is made."""

    bundle: Bundle
    scoring: Scoring
    catalog: Catalog
    options: RankOptions
    out: Path


@dataclass(frozen=True)
class Parts:
    """The finished parts of all customers, and what there is to know of the orders that they were made of.

    fingerprint: of the orders and all that is known besides; optional: what there is besides the required columns;
    taken_up: how many parts an interrupted run had finished.
    """

    notes: Mapping[int, Note]
    report: OrdersReport
    fingerprint: str
    optional: frozenset[str]
    taken_up: int = 0


@dataclass(frozen=True)
class Base:
    """The finished parts of all customers, the account of the orders, and what is held against them."""

    notes: Mapping[int, Note]
    report: OrdersReport
    fingerprint: str
    absent: list[str]
    drift: Drift
    finished: Mapping[str, Any] | None
    taken_up: int
    previous: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def customers(self) -> list[int]:
        """How many each part holds."""
        return [self.notes[part]["customers"] for part in sorted(self.notes)]


def scored_here(
    job: OrdersJob,
    ask: Callable[[int], Asked],
    run: Checkpoint,
    opened: ExitStack,
    stages: Stages,
    progress: Progress,
) -> tuple[Asked, Base]:
    """Open the orders, score their customers on this machine, and judge the base.

    ask: what the run is, as of a day. opened: what is to be closed once the base is published.
    """
    progress("reading orders")
    with stages.stage("reading orders"):
        rows = opened.enter_context(job.opened(folder=run.folder / "prepared"))
        asked = ask(job.day(rows))
        require_same_currency(asked.bundle, rows.mapping)
        shop = job.shop(_not_kept(rows, run))
    return asked, _scored_base(job, shop, asked, run, stages, progress)


def _not_kept(rows: Partitions, run: Checkpoint) -> Partitions:
    """Return partitions that were prepared for this run alone, without keeping their cleaned lines."""
    ours = isinstance(rows, Prepared) and rows.folder == run.folder / "prepared"
    return replace(rows, lines_folder=None) if ours and isinstance(rows, Prepared) else rows


def _scored_base(
    job: OrdersJob, shop: Shop, asked: Asked, run: Checkpoint, stages: Stages, progress: Progress
) -> Base:
    """Make the parts that are missing, and judge the base as a whole; DataError if it is empty or refused."""
    from serving.batch.drift import Reference
    from serving.batch.history import Forecast
    from serving.batch.parts import PartMaker

    progress("scoring customers")
    reference = Reference.of_manifest(asked.bundle.manifest)
    forecast = Forecast.finished(asked.out / "history", shop.as_of)
    maker = PartMaker(asked.bundle, asked.scoring, asked.catalog, asked.options.details, reference, forecast)
    with stages.stage("scoring customers"):
        notes, taken_up = _made(job, shop, maker, run)
    tally = tally_of(notes)
    try:
        require_customers(notes, asked.scoring.as_of)
        report = job.report(shop, tally)
    except DataError:
        run.end()  # such parts help no later run
        raise
    parts = Parts(notes, report, shop.fingerprint(tally.fingerprint), shop.optional, taken_up)
    return judged(parts, asked, forecast)


def require_customers(notes: Mapping[int, Note], as_of: int) -> None:
    """Raise DataError if there is nobody; it names the rules that refused the rows, if that is why."""
    if not any(note["customers"] for note in notes.values()):
        refuse_nobody(Account.total(tally_of(notes).accounts), as_of)


def judged(parts: Parts, asked: Asked, forecast: Forecast | None) -> Base:
    """Hold the parts against the training data, the previous ranking and the forecast; DataError if refused."""
    from serving.batch.drift import Reference, measure
    from serving.rank import absent_columns

    notes = parts.notes
    absent = absent_columns(asked.bundle, parts.optional, catalog=asked.catalog)
    previous = _previous(asked.out)
    drift = measure(
        Reference.of_manifest(asked.bundle.manifest),
        (note["drift"] for note in notes.values() if note["drift"]),
        customers=sum(note["customers"] for note in notes.values()),
        previous=None if previous is None else int(previous["rows"]),
        absent=absent,
    )
    _refuse(drift, asked.options)
    return Base(
        notes=notes,
        report=parts.report,
        fingerprint=parts.fingerprint,
        absent=absent,
        drift=drift,
        finished=_finished(forecast, notes),
        taken_up=parts.taken_up,
        previous=previous,
    )


def _made(job: OrdersJob, shop: Shop, maker: PartMaker, run: Checkpoint) -> tuple[dict[int, Note], int]:
    """Return the notes of all parts, and how many of them were finished before."""
    notes = run.finished(shop.count)
    taken_up, tally = len(notes), Tally(fingerprinted=True)

    def work(part: int, lines: pa.Table) -> Note:
        history = shop.history(lines, days=maker.days)
        return maker.make(history, scores=run.scores(part), details=run.details(part))

    missing = [part for part in range(shop.count) if part not in notes]
    for part, note in job.process(shop, work, tally, only=missing):
        notes[part] = {**note, "account": tally.accounts[-1].to_dict()}
        if part < shop.rows.count:
            notes[part] |= {"flags": tally.flags[-1].to_pylist(), "digest": tally.digests[-1]}
        run.finish(part, notes[part])
        tally.flags, tally.digests = tally.flags[:1], []
        tally.accounts.clear()
    return notes, taken_up


def tally_of(notes: Mapping[int, Note]) -> Tally:
    """Return the tally of all parts, those of an earlier start among them; blocks of linked ids have no digest."""
    tally = Tally(fingerprinted=True)
    for part in sorted(notes):
        note = notes[part]
        tally.accounts.append(Account.of_dict(note["account"]))
        if "digest" in note:
            tally.flags.append(pa.Table.from_pylist(note["flags"], schema=FLAGS))
            tally.digests.append(note["digest"])
    return tally


def _previous(out: Path) -> Mapping[str, Any] | None:
    """Return the manifest of the ranking that is published now; None if there is none that can be read."""
    from serving.stored.manifest import read_manifest
    from serving.stored.shelf import current_home

    try:
        return read_manifest(current_home(out))
    except ArtifactError:
        return None


def _refuse(drift: Drift, options: RankOptions) -> None:
    if options.refuse_drift and drift.flagged:
        raise DataError(
            f"these orders no longer look like those that the model learnt from: {'; '.join(drift.reasons)}. "
            "The previous ranking stays. Look at the orders, train again, or rank without --refuse-drift."
        )


def _finished(forecast: Forecast | None, notes: Mapping[int, Note]) -> Mapping[str, Any] | None:
    """Return predicted beside actual of the last finished window; None if no forecast's horizon is over."""
    found = [note["finished"] for note in notes.values()]
    return None if forecast is None else forecast.report(one for one in found if one is not None)
