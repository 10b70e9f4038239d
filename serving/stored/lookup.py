"""The open look-up files: a customer by id, pages by rank, filters over the whole base.

Columns that are filtered by are memory-mapped and looked at batch by batch with numpy. A customer's whole row is read
by one call from the file instead: random places of a map would soon make all of it resident.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contracts.days import to_date
from features.kernel.buffers import as_numpy
from serving.disk import HeldFile
from serving.stored.by_id import ById
from serving.stored.lookup_writer import BATCH_ROWS, filter_columns
from serving.stored.packed import NO_DAY, layout_for
from serving.stored.where import CHOICES, Where

Row = dict[str, Any]
Mask = NDArray[np.bool_]
_Test = Callable[["_Batch"], Mask]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CLOSE = 8  # rows a wanted row, up to which they are read together
_FEW = 3  # texts that are cheaper to compare one by one


class _Batch:
    """The views of one batch: ids, columns to filter by, and where its rows begin in the file."""

    def __init__(self, batch: pa.RecordBatch, content: pa.Buffer, *, names: tuple[str, ...]) -> None:
        ids, rows = batch.column("customer_id"), batch.column("row")
        _, ends, texts = ids.buffers()
        self.count = batch.num_rows
        self.ends = np.frombuffer(ends, dtype=np.int32, count=self.count + 1)
        self.texts = memoryview(b"" if texts is None else texts)
        self.columns = {name: _numbers(batch.column(name)) for name in names}
        self.rows_at = rows.buffers()[1].address - content.address
        self.first_rank = self.columns["rank"].item(0)

    def id_at(self, at: int) -> str:
        """Return the customer_id of a row."""
        return str(self.texts[self.ends.item(at) : self.ends.item(at + 1)], "utf-8")


def _numbers(column: pa.Array) -> NDArray[Any]:
    return as_numpy(column.indices if pa.types.is_dictionary(column.type) else column)


class Lookup:
    """An open ranking. Reads are safe from many threads and outlive the files' removal."""

    def __init__(
        self, file: HeldFile, by_id: ById, *, horizons: tuple[int, ...], horizon: int, as_of: int
    ) -> None:
        self._file, self._by_id = file, by_id
        self._horizon, self._as_of = horizon, as_of
        self._layout = layout_for(horizons)
        content = file.map()
        reader = pa.ipc.open_file(content)
        batches = [reader.get_batch(number) for number in range(reader.num_record_batches)]
        names = (*filter_columns(horizon), *CHOICES)
        self._batches = [_Batch(batch, content, names=names) for batch in batches]
        # The code of an unknown text, -1, reads the last one: None.
        self._texts = {
            name: (*batches[-1].column(name).dictionary.to_pylist(), None) for name in self._layout.texts
        }
        self._texts_at = [(self._layout.shown.index(name), texts) for name, texts in self._texts.items()]

    def customer(self, customer_id: str) -> Row | None:
        """Return one customer's scores, or None."""
        place = self._by_id.place(customer_id)
        if place < 0:
            return None
        number, at = divmod(place, BATCH_ROWS)
        return self._rows(number, [at])[0]

    def details_at(self, customer_id: str) -> tuple[int, int] | None:
        """Return the part and the row in which a customer's details are, or None."""
        place = self._by_id.place(customer_id)
        if place < 0:
            return None
        number, at = divmod(place, BATCH_ROWS)
        part, row = self._layout.places(self._read(number, at, 1))
        return None if part < 0 else (part, row)

    def ranking(self, where: Where, *, limit: int, after_rank: int) -> list[Row]:
        """Return up to `limit` customers, best first, that come after a rank and meet the filter."""
        rows: list[Row] = []
        for number, found in self._found(where, after_rank):
            rows += self._rows(number, found[: limit - len(rows)].tolist())
            if len(rows) >= limit:
                break
        return rows

    def ranks_until(self, where: Where, rank: int) -> NDArray[np.int64]:
        """Return the ranks, up to one, of the customers who meet the filter, (k,); they ascend."""
        ranks = [np.zeros(0, np.int64)]
        for number, mask in self.masks(where):
            batch = self._batches[number]
            if batch.first_rank > rank:
                break
            found = batch.columns["rank"][mask]
            ranks.append(found[found <= rank].astype(np.int64))
        return np.concatenate(ranks)

    def count_of(self, where: Where) -> int:
        """Return how many customers meet the filter."""
        return sum(int(np.count_nonzero(mask)) for _, mask in self.masks(where))

    def masks(self, where: Where, *, first: int = 0) -> Iterator[tuple[int, Mask]]:
        """Yield who meets the filter: each batch's number and (rows,), from batch `first` on."""
        tests = self._tests(where)
        begins = self._begins(where.search)
        for number in range(first, len(self._batches)):
            batch = self._batches[number]
            start = number * BATCH_ROWS
            mask = np.ones(batch.count, np.bool_) if begins is None else begins[start : start + batch.count]
            for test in tests:
                if not mask.any():
                    break
                mask = mask & test(batch)
            yield number, mask

    def choices(self) -> dict[str, list[str]]:
        """Return the texts that each column of choices takes, sorted."""
        return {name: sorted(text for text in self._texts[name] if text is not None) for name in CHOICES}

    def _found(self, where: Where, after_rank: int) -> Iterator[tuple[int, NDArray[np.intp]]]:
        """Yield the rows of each batch that come after a rank and meet the filter."""
        first = max(bisect_right(self._batches, after_rank, key=lambda batch: batch.first_rank) - 1, 0)
        for number, mask in self.masks(where, first=first):
            found = np.flatnonzero(mask)
            if number == first:
                begin = np.searchsorted(self._batches[number].columns["rank"], after_rank, side="right")
                found = found[np.searchsorted(found, begin) :]
            yield number, found

    def _tests(self, where: Where) -> list[_Test]:
        texts = [self._chosen(name, wanted) for name, wanted in where.choices().items()]
        bounds = where.bounds(horizon=self._horizon, as_of=self._as_of)
        return [*texts, *(_within(name, low, high) for name, (low, high) in bounds.items())]

    def _chosen(self, name: str, wanted: tuple[str, ...]) -> _Test:
        """Return the test for these texts; the code -1 (unknown) reads the last place of the table: false."""
        known = self._texts[name]
        table = np.array([text in wanted for text in known], dtype=np.bool_)
        codes = np.flatnonzero(table).tolist()
        if len(codes) > _FEW:
            return lambda batch: table[batch.columns[name]]
        return lambda batch: _any_of(batch.columns[name], codes)

    def _begins(self, search: str) -> Mask | None:
        """Return who has an id that begins with a text, (customers,); None if everybody is meant."""
        if not search:
            return None
        mask = np.zeros((len(self._batches) - 1) * BATCH_ROWS + self._batches[-1].count, dtype=np.bool_)
        mask[self._by_id.starting_with(search)] = True
        return mask

    def _rows(self, number: int, found: list[int]) -> list[Row]:
        """Return rows of a batch, which ascend; what lies close together is read at once."""
        if not found:
            return []
        first, span = found[0], found[-1] - found[0] + 1
        if span > _CLOSE * len(found):
            return [row for at in found for row in self._rows(number, [at])]
        data, size = self._read(number, first, span), self._layout.size
        return [self._row(number, at, self._layout.unpack(data, (at - first) * size)) for at in found]

    def _read(self, number: int, first: int, rows: int) -> bytes:
        size = self._layout.size
        return self._file.read(self._batches[number].rows_at + first * size, rows * size)

    def _row(self, number: int, at: int, stored: tuple[Any, ...]) -> Row:
        layout, values = self._layout, list(stored)
        for place, texts in self._texts_at:
            values[place] = texts[values[place]]
        for place in layout.days_at:
            values[place] = _date(values[place])
        for place in layout.times_at:
            values[place] = _moment(values[place])
        row: Row = {"customer_id": self._batches[number].id_at(at)}
        row.update(zip(layout.shown, values, strict=False))  # not the places of the details
        row["curve"] = values[layout.curve_at :]
        return row


def _within(name: str, low: float | None, high: float | None) -> _Test:
    def test(batch: _Batch) -> Mask:
        values = batch.columns[name]
        mask = np.ones(len(values), np.bool_) if low is None else values >= low
        return mask if high is None else mask & (values <= high)

    return test


def _any_of(codes: NDArray[np.int32], wanted: list[int]) -> Mask:
    mask = np.zeros(len(codes), np.bool_)
    for code in wanted:
        mask |= codes == code
    return mask


@lru_cache(maxsize=10_000)
def _date(day: int) -> date | None:
    return None if day == NO_DAY else to_date(day)


@lru_cache(maxsize=1_000)
def _moment(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)
