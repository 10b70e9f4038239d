"""What kind of shop this is: the orders of the customer base, diagnosed, as text, tables and a page."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from campaigns.diagnosis.advice import read_texts
from campaigns.diagnosis.diagnosis import PERIOD, diagnose
from campaigns.diagnosis.findings import Diagnosis
from campaigns.diagnosis.page import diagnosis_page
from campaigns.diagnosis.tables import cohort_table, long_table, to_plain
from campaigns.sheets import write_csv
from contracts.errors import DeclarationError
from repurchase.base_job import OpenedBase, open_base
from repurchase.orders_job import OrdersJob
from repurchase.replacing import require_replaceable, written_whole

MOST_CUSTOMERS = 1_000_000
FILES = ("diagnosis.csv", "retention_monthly.csv", "retention_weekly.csv", "diagnosis.json", "diagnosis.html")
_LONGEST = 3650


@dataclass(frozen=True)
class Diagnosed:
    """The diagnosis; told: what there is to say of the orders besides it; written: the files."""

    found: Diagnosis
    told: tuple[str, ...]
    written: tuple[Path, ...]


def diagnosed(
    job: OrdersJob,
    *,
    period_days: int = PERIOD,
    texts: Path | None = None,
    out: Path | None = None,
    most: int = MOST_CUSTOMERS,
) -> Diagnosed:
    """Diagnose a shop as known at the end of the job's day, and write all of it into the folder `out`.

    texts: a TOML file with advice and seasons of the shop's own. Above `most` customers a hashed sample is diagnosed.
    Raises DataError, DeclarationError, ArtifactError before anything is written.
    """
    if not 1 <= period_days <= _LONGEST:
        raise DeclarationError(
            f"--period-days {period_days}: give 1 to {_LONGEST} days, for example {PERIOD}."
        )
    words = read_texts(texts)
    if out is not None:
        require_replaceable(out, what="diagnosis", is_ours=_is_diagnosis)
    opened = open_base(job, most=most)
    people = _people(opened)
    found = diagnose(
        opened.base, period_days=period_days, texts=words, of_customers=people if people > most else None
    )
    written = () if out is None else _write(found, out)
    return Diagnosed(found, tuple(opened.shop.notes), written)


def _people(opened: OpenedBase) -> int:
    """Return how many customers there are, sampled or not; linked ids are one."""
    identity = opened.shop.identity
    people, ids = (0, 0) if identity is None else identity.people
    return opened.report.customers_kept - (ids - people)


def _write(found: Diagnosis, out: Path) -> tuple[Path, ...]:
    """Write the files into a folder of their own, which then takes the place of `out`."""
    with written_whole(out) as fresh:
        write_csv(fresh / "diagnosis.csv", long_table(found))
        write_csv(fresh / "retention_monthly.csv", cohort_table(found.monthly))
        write_csv(fresh / "retention_weekly.csv", cohort_table(found.weekly))
        told = json.dumps(to_plain(found), indent=1, allow_nan=False, ensure_ascii=False)
        (fresh / "diagnosis.json").write_text(f"{told}\n", encoding="utf-8")
        (fresh / "diagnosis.html").write_text(diagnosis_page(found), encoding="utf-8", newline="\n")
    return tuple(out / name for name in FILES)


def _is_diagnosis(folder: Path) -> bool:
    return all(one.is_file() and not one.is_symlink() and one.name in FILES for one in folder.iterdir())
