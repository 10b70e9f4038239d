"""A campaign's plan as files: tables, a log, a page; written whole or not at all."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from campaigns.plan.holdout import Holdout
from campaigns.plan.notes import Notes
from campaigns.plan.page import plan_page
from campaigns.plan.planning import Plan
from campaigns.plan.summary import Summary
from campaigns.plan.table import CONTACT
from campaigns.plan.weeks import Days
from campaigns.plan.what_if import WhatIf
from campaigns.sheets import write_csv
from contracts.days import to_date
from repurchase.replacing import written_whole

# The control group as a log of contacts has it, so that it can be joined to what was sent.
_CONTROL = {"campaign_id": "campaign_id", "customer_id": "customer_id", "sent_at": "send_at", "arm": "arm",
            "offer": "offer", "channel": "channel"}  # fmt: skip
FILES = frozenset({"plan.parquet", "plan.csv", "control.csv", "reengage.csv", "plan.json", "plan.html"})


@dataclass(frozen=True)
class Planned:
    """What a plan brought. reengage: who is silent by e-mail (None: no events tell)."""

    plan: Plan
    table: pa.Table
    summary: Summary
    others: list[WhatIf]
    holdout: Holdout
    notes: Notes
    days: Days
    reengage: pa.Table | None
    as_of: int


def write_plan(planned: Planned, manifest: dict[str, Any], out: Path) -> None:
    """Put all files into a fresh folder, and that into the place of `out`."""
    with written_whole(out) as fresh:
        _write_tables(planned, fresh)
        log = json.dumps(_log(planned, manifest), indent=2, allow_nan=False, ensure_ascii=False)
        (fresh / "plan.json").write_text(log + "\n", encoding="utf-8")
        page = plan_page(
            planned.plan,
            planned.summary,
            planned.others,
            holdout=planned.holdout,
            notes=planned.notes,
            days=planned.days,
            as_of=planned.as_of,
            reengage=None if planned.reengage is None else planned.reengage.num_rows,
        )
        (fresh / "plan.html").write_text(page, encoding="utf-8")


def _write_tables(planned: Planned, folder: Path) -> None:
    table = planned.table
    pq.write_table(table, folder / "plan.parquet", compression="zstd")
    write_csv(folder / "plan.csv", table.filter(pc.equal(table["action"], CONTACT)))
    control = table.filter(pc.fill_null(pc.equal(table["arm"], "control"), False))
    named = pa.table({name: control[source] for name, source in _CONTROL.items()})
    write_csv(folder / "control.csv", named)
    if planned.reengage is not None:
        write_csv(folder / "reengage.csv", planned.reengage)


def _log(planned: Planned, manifest: dict[str, Any]) -> dict[str, Any]:
    """Return what was planned and from what, as plain values."""
    terms, made = planned.plan.economics.terms, planned.plan
    return {
        "format": "repurchase-plan-1",
        "campaign": terms.name,
        "policy": made.policy,
        "as_of": to_date(planned.as_of).isoformat(),
        "currency": made.currency,
        "model_version": manifest["model_version"],
        "terms": {key: value for key, value in vars(terms).items() if key != "rule"},
        "control": {
            **planned.holdout.log,
            "share": planned.holdout.share,
            "power": list(planned.holdout.words),
        },
        "limits": [
            {
                "name": one.name,
                "unit": one.unit,
                "limit": one.limit,
                "used": one.used,
                "earns_per_unit_more": one.limit_price,
            }
            for one in made.uses
            if one.at_least == 0
        ],
        "summary": planned.summary.to_dict(),
        "what_if": [vars(one) for one in planned.others],
        "gap_to_bound": None if made.solution is None else made.solution.gap,
        "days": {
            "first": to_date(planned.days.first).isoformat(),
            "not_sent_on": [to_date(int(day)).isoformat() for day in planned.days.closed],
            "events": [
                {
                    "label": one.label,
                    "first": to_date(one.first).isoformat(),
                    "last": to_date(one.last).isoformat(),
                    "kind": one.kind,
                }
                for one in planned.days.events
            ],
        },
        "reengage": None if planned.reengage is None else planned.reengage.num_rows,
        "notes": list(planned.notes.all),
    }


def is_plan(folder: Path) -> bool:
    """Tell whether a folder holds a plan and nothing else."""
    names = {item.name for item in folder.iterdir()}
    return "plan.json" in names and names <= FILES
