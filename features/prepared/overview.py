"""What cleaning must know of all rows together: counts that add up over batches, files and nights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contracts.days import to_date
from features.cleaning.flags import OUTLIER_SHARE, OUTLIER_TIMES
from features.cleaning.kept import DAY_MICROSECONDS
from features.kernel.buffers import as_numpy, is_valid

ABSURD_GAP_DAYS = 3653
LEAST_LINES_FOR_OUTLIERS = 1000
_BUCKET = np.log(1.05)
_CLOSE = 10_000_000


@dataclass(frozen=True)
class Overview:
    """rows: how many were typed; days: rows by day; sale_days: those of them that are sales and not refused;
    amounts: sale lines by (month, step of 5 % of the amount)."""

    rows: int = 0
    days: Counter[int] = field(default_factory=Counter)
    sale_days: Counter[int] = field(default_factory=Counter)
    amounts: Counter[tuple[int, int]] = field(default_factory=Counter)

    @staticmethod
    def of(rows: pa.Table | pa.RecordBatch) -> Overview:
        """Count typed rows."""
        dated = is_valid(rows["ordered_at"])
        day = np.floor_divide(as_numpy(rows["ordered_at"]), DAY_MICROSECONDS)
        sale = dated & (as_numpy(rows["reason"]) == 0) & ~as_numpy(rows["back"])
        amount = np.where(sale, as_numpy(rows["amount"]), 0.0)
        some = amount > 0
        month = day[some].astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        step = np.ceil(np.log(amount[some]) / _BUCKET).astype(np.int64)
        cells = _counted(month * 100_000 + (step + 50_000))
        amounts = {(cell // 100_000, cell % 100_000 - 50_000): n for cell, n in cells.items()}
        return Overview(len(day), _counted(day[dated]), _counted(day[sale]), Counter(amounts))

    def __add__(self, other: Overview) -> Overview:
        """Add up."""
        return Overview(
            self.rows + other.rows,
            self.days + other.days,
            self.sale_days + other.sale_days,
            self.amounts + other.amounts,
        )

    def bulk(self, *, until: int | None, now: datetime | None) -> tuple[int, int]:
        """Return the first and last day of the bulk: around the median, not cut off by a gap of ten years.

        Days after `until` or `now` and before 1970-01-02 do not count.
        """
        ends = [
            day for day in (until, None if now is None else (now.date() - to_date(0)).days) if day is not None
        ]
        days = sorted(day for day in self.days if day >= 1 and (not ends or day <= min(ends)))
        if not days:
            return 1, 1
        running = np.cumsum([self.days[day] for day in days])
        first = last = int(np.searchsorted(running, running[-1] / 2))
        while first > 0 and days[first] - days[first - 1] <= ABSURD_GAP_DAYS:
            first -= 1
        while last + 1 < len(days) and days[last + 1] - days[last] <= ABSURD_GAP_DAYS:
            last += 1
        return days[first], days[last]

    def high_amounts(self) -> dict[int, float]:
        """Return, for each month, from which amount a line is an outlier: by the lines of earlier months alone."""
        months = sorted({month for month, _ in self.amounts})
        before: Counter[int] = Counter()
        limits = {}
        for month in months:
            if before.total() >= LEAST_LINES_FOR_OUTLIERS:
                steps = sorted(before)
                running = np.cumsum([before[step] for step in steps])
                step = steps[int(np.searchsorted(running, OUTLIER_SHARE * running[-1]))]
                limits[month] = OUTLIER_TIMES * float(np.exp(step * _BUCKET))
            before.update({step: n for (m, step), n in self.amounts.items() if m == month})
        return limits

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "rows": self.rows,
            "days": sorted(self.days.items()),
            "sale_days": sorted(self.sale_days.items()),
            "amounts": [[month, step, n] for (month, step), n in sorted(self.amounts.items())],
        }

    @staticmethod
    def of_dict(values: Mapping[str, Any]) -> Overview:
        """Return what `to_dict` wrote."""
        amounts = {(month, step): n for month, step, n in values["amounts"]}
        days, sale_days = (Counter(dict(map(tuple, values[name]))) for name in ("days", "sale_days"))
        return Overview(values["rows"], days, sale_days, Counter(amounts))


def _counted(values: NDArray[np.int64]) -> Counter[int]:
    """Count the values: by their place where they lie close together, else by sorting."""
    least, most = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    if most - least > _CLOSE:
        found, counts = np.unique(values, return_counts=True)
    else:
        places = np.bincount(values - least)
        found = np.flatnonzero(places)
        counts = places[found]
        found = found + least
    return Counter(dict(zip(found.tolist(), counts.tolist(), strict=True)))
