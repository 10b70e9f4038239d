"""Work on every partition: clean it, hand its lines to a function, and keep the account of all."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

import pyarrow as pa

from features.cleaning.account import Account
from features.cleaning.clean import Cleaned, Frame, clean
from features.cleaning.flags import FLAGS
from features.cleaning.report import OrdersReport, build_report, require_lines
from features.kernel.fingerprint import fingerprint
from features.prepared.cache import KeptLines
from features.prepared.partitions import Partitions, frame

Result = TypeVar("Result")
Work = Callable[[int, pa.Table], Result]
THREADS = 2


@dataclass
class Tally:
    """What the partitions had, gathered while they are worked on.

    quarantined: gather the refused rows as well; fingerprinted: and the sha256 of the lines.
    """

    quarantined: bool = False
    fingerprinted: bool = False
    accounts: list[Account] = field(default_factory=list)
    flags: list[pa.Table] = field(default_factory=lambda: [FLAGS.empty_table()])
    refused: list[pa.Table] = field(default_factory=list)
    late: list[pa.Table] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)

    @property
    def fingerprint(self) -> str:
        """The sha256 over the lines of all partitions."""
        if len(self.digests) == 1:
            return self.digests[0]
        return hashlib.sha256("".join(self.digests).encode()).hexdigest()

    def quarantine(self, rows: Partitions) -> pa.Table:
        """Return the refused rows of all partitions."""
        return rows.quarantine(pa.concat_tables(self.refused), pa.concat_tables(self.late))

    def report(self, rows: Partitions) -> OrdersReport:
        """Return the account of all partitions; DataError if no order is left."""
        account = Account.total(self.accounts)
        require_lines(account)
        return build_report(
            account,
            paths=rows.paths,
            mapping=rows.mapping,
            malformed=rows.malformed,
            notes=rows.notes,
            flags=pa.concat_tables(self.flags),
        )


@dataclass(frozen=True)
class _Done(Generic[Result]):
    partition: int
    account: Account
    flags: pa.Table
    refused: pa.Table
    late: pa.Table
    digest: str
    result: Result


def process(
    rows: Partitions,
    work: Work[Result],
    tally: Tally,
    *,
    until: int | None,
    now: datetime | None,
    only: Sequence[int] | None = None,
    threads: int = THREADS,
) -> Iterator[tuple[int, Result]]:
    """Clean each partition up to `until` and yield (partition, what `work` made of its lines), in order.

    At most `threads` partitions are in memory at a time. only: the partitions asked for.
    """
    known = frame(rows, until=until, now=now)
    last_day = max(rows.overview.days, default=0)
    kept = None
    if not tally.quarantined:
        kept = KeptLines.of(rows.lines_folder, known, state=rows.fingerprint, last_day=last_day)

    def one(partition: int) -> _Done[Result]:
        cleaned = _cleaned(rows, partition, known, kept)
        result = work(partition, cleaned.lines)
        digest = fingerprint(cleaned.lines) if tally.fingerprinted else ""
        return _Done(partition, cleaned.account, cleaned.flags, cleaned.refused, cleaned.late, digest, result)

    for done in _in_order(one, range(rows.count) if only is None else only, threads):
        tally.accounts.append(done.account)
        tally.flags.append(done.flags)
        if tally.quarantined:
            tally.refused.append(done.refused)
            tally.late.append(done.late)
        tally.digests.append(done.digest)
        yield done.partition, done.result


def _cleaned(rows: Partitions, partition: int, known: Frame, kept: KeptLines | None) -> Cleaned:
    if kept is None:
        return clean(rows.rows(partition), known)
    found = kept.read(partition)
    if found is None:
        found = clean(rows.rows(partition), known)
        kept.write(partition, found)
    return found


def _in_order(
    work: Callable[[int], _Done[Result]], partitions: Sequence[int], threads: int
) -> Iterator[_Done[Result]]:
    """Yield the results in the order of the partitions, with at most `threads` under way."""
    if len(partitions) <= 1 or threads <= 1:
        yield from map(work, partitions)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[_Done[Result]]] = deque()
        for partition in partitions:
            waiting.append(pool.submit(work, partition))
            if len(waiting) >= threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
