"""Screen a customer base: open all tables, label and layer the customers, and write the folder of the results."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from campaigns.base import Base
from campaigns.screening.account import KIND, Before, sentences, steps, to_dict
from campaigns.screening.reachability import aligned, has_values
from campaigns.screening.screening import Screened, screen, screens_ready
from campaigns.screening.settings import Settings
from campaigns.sheets import safe_cell, write_csv
from contracts.days import to_day
from contracts.errors import ArtifactError, DataError, DeclarationError
from repurchase.base_job import OpenedBase, consent_of, open_base
from repurchase.orders_job import OrdersJob, require_file_target
from repurchase.rankings import places_in, read_ranking, require_currency, require_not_later
from repurchase.replacing import is_of_kind, require_replaceable, written_whole

FILES = ("labels.parquet", "labels.csv", "potential.csv", "report.json", "report.txt")


@dataclass(frozen=True)
class ScreenJob:
    """What to screen and where to write it.

    ranking: a published ranking whose columns the rules may read. screens: the shop's own entries.
    unknown_consent: 'ask' or 'allow'. personal: a file for the addresses and numbers of the potentials.
    """

    orders: OrdersJob
    ranking: Path | None = None
    screens: Path | None = None
    unknown_consent: str = "ask"
    out: Path | None = None
    personal: Path | None = None


@dataclass(frozen=True)
class Found:
    """The screening, the counts of all steps, and the account as plain values. contacts: rows of the personal file."""

    screened: Screened
    before: Before
    account: dict[str, Any]
    contacts: int | None = None


def run(job: ScreenJob) -> Found:
    """Screen and write; DataError, DeclarationError or ArtifactError before anything is written."""
    _require_targets(job)
    consent_of(job.unknown_consent)
    settings = Settings.read(job.screens)
    scores, manifest = (None, {}) if job.ranking is None else _ranking(job.ranking)
    screens_ready(settings, scores=None if scores is None else scores.column_names)
    opened = open_base(job.orders)
    if job.personal is not None:
        _require_addresses(opened.base)
    if scores is not None:
        require_fitting(opened.base, scores, manifest)
    screened = screen(opened.base, settings=settings, unknown_consent=job.unknown_consent, scores=scores)
    before = _before(opened)
    account = to_dict(screened, before, settings, _about(job, opened.base, manifest))
    found = Found(screened, before, account)
    if job.out is not None:
        _write(found, job.out)
    if job.personal is None:
        return found
    return Found(screened, before, account, _write_personal(opened.base, screened, job.personal))


def as_text(found: Found) -> str:
    """Return the report as plain text."""
    lines = [f"Screening as of {found.account['as_of']}: {found.account['customers']:,} customers", ""]
    for step in steps(found.screened, found.before):
        lines += [step.name, *(f"  {count:>12,}  {name}" for name, count in step.counts.items()), ""]
    lines += ["in words", *(f"  {one}" for one in sentences(found.screened)), ""]
    lines += ["what is missing", *(f"  {one}" for one in found.screened.missing)]
    return "\n".join(lines) + "\n"


def _require_targets(job: ScreenJob) -> None:
    if job.out is not None:
        require_replaceable(job.out, what="screening", is_ours=_is_ours)
    if job.personal is None:
        return
    if job.out is not None and job.out.resolve() in job.personal.resolve().parents:
        raise DeclarationError(
            f"--personal {job.personal} lies inside --out {job.out}, which holds no personal data. Name a file "
            "elsewhere."
        )
    if not job.orders.other.customers:
        raise DeclarationError("--personal needs addresses: give the customers' file with --customers.")
    require_file_target(job.personal)


def _require_addresses(base: Base) -> None:
    if not any(has_values(base.personal, column) for column in ("email", "phone")):
        raise DataError(
            "--personal: the customers' file holds no e-mail address and no telephone number that can be read. Map "
            "them (columns email, phone), or leave --personal out."
        )


def _is_ours(folder: Path) -> bool:
    return is_of_kind(folder, "report.json", KIND)


def _ranking(folder: Path) -> tuple[pa.Table, dict[str, Any]]:
    """Return the scores that rules can read, and the manifest."""
    return read_ranking(folder, columns=lambda schema, _: [one.name for one in schema if _is_plain(one.type)])


def _is_plain(kind: pa.DataType) -> bool:
    return not (pa.types.is_nested(kind) or pa.types.is_timestamp(kind))


def require_fitting(base: Base, scores: pa.Table, manifest: dict[str, Any]) -> None:
    """Refuse a ranking of a later day, another currency or other customers."""
    (first,) = pc.unique(scores["as_of"]).to_pylist()[:1] or [None]
    if first is None:
        raise ArtifactError("the ranking holds no customers. Publish it again.")
    require_not_later(to_day(first), base, what="this screening")
    require_currency(manifest, base)
    places_in(scores, base)


def _before(opened: OpenedBase) -> Before:
    report, identity = opened.report, opened.shop.identity
    people, ids = (0, 0) if identity is None else identity.people
    return Before(
        rows_read=report.read,
        rows_kept=report.kept,
        rows_refused={name: one.rows for name, one in report.quarantined.items()},
        rows_merged=report.merged,
        rows_later=report.later,
        customers_read=report.customers_read,
        customers_kept=report.customers_kept,
        people_of_several_ids=people,
        ids_of_these=ids,
    )


def _about(job: ScreenJob, base: Base, manifest: dict[str, Any]) -> dict[str, Any]:
    ranking = {name: manifest[name] for name in ("as_of", "model_version") if name in manifest}
    return {"currency": base.currency, "unknown_consent": job.unknown_consent, "ranking": ranking or None}


def _write(found: Found, out: Path) -> None:
    """Write the folder aside and put it in place at once."""
    with written_whole(out) as fresh:
        pq.write_table(found.screened.labels, fresh / "labels.parquet")
        write_csv(fresh / "labels.csv", found.screened.labels)
        write_csv(fresh / "potential.csv", found.screened.potential)
        text = json.dumps(found.account, indent=1, ensure_ascii=False, allow_nan=False)
        (fresh / "report.json").write_text(text + "\n", encoding="utf-8")
        (fresh / "report.txt").write_text(as_text(found), encoding="utf-8")


def _write_personal(base: Base, screened: Screened, path: Path) -> int:
    """Write the addresses and numbers of the potentials, for the eyes of the owner only; return how many rows.

    An address stands there only where its channel is open (`yes`), so that the file can be uploaded as it is.
    """
    from serving.disk import write_text

    rows = list(_personal_rows(base, screened))
    sheet = io.StringIO(newline="")
    writer = csv.writer(sheet)
    writer.writerow(["customer_id", "screen", "email", "phone", "sms", "call"])
    writer.writerows(rows)
    write_text(path, sheet.getvalue(), mode=0o600)
    return len(rows)


def _personal_rows(base: Base, screened: Screened) -> Iterator[list[str]]:
    labels = screened.labels
    assert base.personal is not None
    email, phone = (aligned(base.personal, name, base.sales.ids).to_pylist() for name in ("email", "phone"))
    states = [labels[f"reachable_{name}"].to_pylist() for name in ("email", "sms", "phone")]
    named = zip(labels["customer_id"].to_pylist(), labels["screen"].to_pylist(), strict=True)
    for (customer, layer), address, number, by_email, by_sms, by_call in zip(
        named, email, phone, *states, strict=True
    ):
        open_number = number if "yes" in (by_sms, by_call) else ""
        open_address = address.strip() if by_email == "yes" else ""
        if layer is not None and (open_number or open_address):
            # A number is written as it is: + and digits, checked when it was read.
            yield [safe_cell(customer), layer, safe_cell(open_address), open_number, by_sms, by_call]
