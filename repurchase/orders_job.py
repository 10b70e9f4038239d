"""The orders that a command works on: opened, cleaned, counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from contracts.days import to_date, to_day
from contracts.errors import ArtifactError, DataError
from features.cleaning.report import OrdersReport, require_enough
from features.kernel.fingerprint import fingerprint
from features.kernel.history import History
from features.prepared.partitions import Partitions, order_span
from features.prepared.parts import write_part
from features.prepared.process import Tally, Work, process
from features.prepared.store import Prepared, partitions_of
from features.reading.mapping import load_mapping
from features.shop.files import OtherFiles
from features.shop.shop import Shop, open_shop

Result = TypeVar("Result")


@dataclass(frozen=True)
class OrdersJob:
    """Order sources, their mapping, the as-of day (None: the last order day), the time, and the shop's other tables."""

    files: tuple[str, ...]
    mapping: Path | None
    as_of: int | None
    now: datetime
    other: OtherFiles = field(default_factory=OtherFiles)

    @contextmanager
    def opened(self, *, folder: Path | None = None) -> Iterator[Partitions]:
        """Open the orders; DataError for a day in the future. folder: where large sources are prepared."""
        self.require_past()
        mapping = load_mapping(self.mapping) if self.mapping else None
        with partitions_of(self.files, mapping=mapping, until=self.as_of, folder=folder) as rows:
            yield rows

    def require_past(self) -> None:
        """Raise DataError if the as-of day is in the future."""
        today = to_day(self.now)
        if self.as_of is not None and self.as_of > today + 1:
            raise DataError(f"--as-of {to_date(self.as_of)} lies in the future (today is {to_date(today)}).")

    def day(self, rows: Partitions) -> int:
        """Return the as-of day: as asked, else the last day with a sale."""
        return order_span(rows, until=None, now=self.now)[1] if self.as_of is None else self.as_of

    def shop(self, rows: Partitions) -> Shop:
        """Return the orders with the other tables, and who is one person under several ids, as of the day."""
        return open_shop(rows, self.other, as_of=self.day(rows), now=self.now)

    def process(
        self, shop: Shop, work: Work[Result], tally: Tally, **more: Any
    ) -> Iterator[tuple[int, Result]]:
        """Clean each partition up to the as-of day and yield what `work` makes of its lines."""
        yield from shop.process(work, tally, until=self.as_of, now=self.now, **more)

    def report(self, shop: Shop, tally: Tally) -> OrdersReport:
        """Return the account; DataError if there is too little to learn from."""
        report = tally.report(shop.rows)
        require_enough(report)
        return replace(report, notes=(*report.notes, *shop.notes))

    def sample(self, shop: Shop, tally: Tally, *, most: int) -> tuple[History, str]:
        """Return the history of at most `most` customers, and the fingerprint of all that it was made of."""
        lines = shop.sample(tally, until=self.as_of, now=self.now, most=most)
        self.report(shop, tally)
        return shop.history(lines), shop.fingerprint(fingerprint(lines))


def check(job: OrdersJob, *, out: Path | None) -> OrdersReport:
    """Return the account of the orders; write the refused rows to `out`, if it is given, even if no order is left."""
    if out is not None:
        require_file_target(out)
    with job.opened() as rows:
        shop, tally = job.shop(rows), Tally(quarantined=out is not None)
        for _ in job.process(shop, lambda *_: None, tally):
            pass
        if out is not None:
            write_part(out, [tally.quarantine(rows)])
            for name, refused in shop.refused.items():
                write_part(out.with_name(f"{out.stem}-{name}{out.suffix}"), [refused])
        report = tally.report(rows)
        return replace(report, notes=(*report.notes, *shop.notes))


def prepare(job: OrdersJob, *, folder: Path, partitions: int | None) -> tuple[Prepared, OrdersReport]:
    """Make prepared partitions of the sources, clean them once for all later commands, and return the account."""
    mapping = load_mapping(job.mapping) if job.mapping else None
    made = Prepared.create(job.files, folder, mapping=mapping, partitions=partitions)
    later, tally = replace(job, files=(str(folder),), mapping=None), Tally()
    with later.opened() as rows:
        for _ in process(rows, lambda *_: None, tally, until=None, now=job.now):
            pass
        return made, tally.report(rows)


def append(folder: Path, files: Sequence[str]) -> tuple[Prepared, tuple[str, ...]]:
    """Add sources to prepared partitions; return the new state and the files that were taken in before."""
    return Prepared.open(folder).append(files)


def require_file_target(out: Path) -> None:
    """Refuse a folder as the file to write, and make the folder around it."""
    if out.is_dir():
        raise ArtifactError(f"{out} is a folder. Give a file, for example {out / 'table.parquet'}.")
    out.parent.mkdir(parents=True, exist_ok=True)
