"""The files of a backtest: leaderboard.csv, slices.csv, predictions.parquet, report.html, backtest.json."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from contracts.days import to_date
from contracts.errors import ArtifactError
from experiments.backtest_result import Backtest
from experiments.leaderboard import Row
from experiments.report import write_report

FILES = ("leaderboard.csv", "slices.csv", "predictions.parquet", "report.html", "backtest.json")
LEADERBOARD, SLICES, PREDICTIONS, REPORT, ACCOUNT = FILES
_SLICE_COLUMNS = (
    "slice", "customers", "buyers", "model", "metric", "value", "lower", "upper",
    "difference", "difference_lower", "difference_upper", "origins",
)  # fmt: skip
# One row per customer, origin, horizon and model: what was answered, and what then happened.
PREDICTIONS_SCHEMA = pa.schema(
    [
        pa.field("customer_id", pa.string(), nullable=False),
        pa.field("origin", pa.date32(), nullable=False),
        pa.field("horizon", pa.int32(), nullable=False),  # days
        pa.field("model", pa.string(), nullable=False),
        pa.field("p", pa.float64(), nullable=False),
        pa.field("expected_orders", pa.float64(), nullable=False),  # order days
        pa.field("expected_value", pa.float64(), nullable=False),  # currency
        pa.field("bought", pa.bool_(), nullable=False),
        pa.field("order_days", pa.float64(), nullable=False),
        pa.field("value", pa.float64(), nullable=False),  # currency; amount less returns
    ]
)


def write_files(folder: Path, backtest: Backtest, customer_ids: NDArray[np.object_]) -> None:
    """Write all files into a new folder. customer_ids: the ids that the answers' customers are places in."""
    folder.mkdir(parents=True)
    columns = [one.name for one in fields(Row)]
    _write_csv(folder / LEADERBOARD, columns, [row.to_dict() for row in backtest.rows])
    _write_csv(folder / SLICES, _SLICE_COLUMNS, backtest.slices)
    with pq.ParquetWriter(folder / PREDICTIONS, PREDICTIONS_SCHEMA, compression="zstd") as file:
        for table in _predictions(backtest, customer_ids):
            file.write_table(table)
    write_report(folder / REPORT, backtest)
    text = json.dumps(account(backtest), indent=1, allow_nan=False)
    (folder / ACCOUNT).write_text(text + "\n", encoding="utf-8")


def account(backtest: Backtest) -> dict[str, Any]:
    """Return what was asked, of which orders, at what cost, and the gate's verdict; plain values."""
    settings = asdict(backtest.settings)
    dates = {name: to_date(settings[name]).isoformat() for name in ("first_day", "last_day")}
    sealed = backtest.settings.sealed
    return {
        **settings,
        **dates,
        "origins": [to_date(day).isoformat() for day in backtest.settings.origins],
        "sealed": [to_date(day).isoformat() for day in sealed] if sealed else None,
        "verdict": asdict(backtest.verdict),
        "best_peer": backtest.best_peer,
        "fit_seconds": _dated(backtest.fit_seconds),
        "not_fitted": _dated(backtest.not_fitted),
    }


def read_leaderboard(folder: Path) -> list[dict[str, str]]:
    """Return the rows of a backtest's leaderboard; ArtifactError if the folder holds none."""
    path = folder / LEADERBOARD
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (FileNotFoundError, NotADirectoryError):
        raise ArtifactError(
            f"{folder} is no backtest: it has no {LEADERBOARD}. Give the --out folder of a backtest, or a run id."
        ) from None
    needed = {"model", "origin", "horizon", "metric", "value"}
    if rows and not needed <= set(rows[0]):
        raise ArtifactError(f"{path} lacks the columns {', '.join(sorted(needed - set(rows[0])))}.")
    return rows


def is_backtest(folder: Path) -> bool:
    """Tell whether a folder holds a backtest and nothing else."""
    found = {item.name for item in folder.iterdir() if item.is_file() and not item.is_symlink()}
    return found == set(FILES) and len(list(folder.iterdir())) == len(FILES)


def _predictions(backtest: Backtest, customer_ids: NDArray[np.object_]) -> Iterator[pa.Table]:
    for horizon, answers in backtest.answers.items():
        for one in answers:
            n, outcome = len(one.customers), one.outcome
            for model, told in one.predictions.items():
                columns = {
                    "customer_id": customer_ids[one.customers],
                    "origin": np.full(n, one.origin, dtype="datetime64[D]"),
                    "horizon": np.full(n, horizon, dtype=np.int32),
                    "model": [model] * n,
                    **vars(told),
                    "bought": outcome.bought > 0,
                    "order_days": outcome.order_days,
                    "value": outcome.value,
                }
                arrays = [pa.array(columns[field.name], field.type) for field in PREDICTIONS_SCHEMA]
                yield pa.Table.from_arrays(arrays, schema=PREDICTIONS_SCHEMA)


def _write_csv(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def _dated(found: Mapping[str, Mapping[int, Any]]) -> dict[str, dict[str, Any]]:
    return {
        model: {to_date(day).isoformat(): value for day, value in by_day.items()}
        for model, by_day in found.items()
    }
