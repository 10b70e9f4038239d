"""The account of a screening: counts of each step as plain values and as sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from campaigns.screening.channels import CHANNELS
from campaigns.screening.reachability import REASONS
from campaigns.screening.screening import Screened
from campaigns.screening.settings import Settings
from contracts.days import to_date

KIND = "screening"
_MOST_SHOWN = 20
_LABELS = ("region", "age_band", "device", "consumption", "interest")


@dataclass(frozen=True)
class Before:
    """What the first two steps did (features/cleaning, features/identity): rows of the orders, then ids and people."""

    rows_read: int
    rows_kept: int
    rows_refused: Mapping[str, int]
    rows_merged: Mapping[str, int]
    rows_later: int
    customers_read: int
    customers_kept: int
    people_of_several_ids: int
    ids_of_these: int


@dataclass(frozen=True)
class Step:
    """One step of the funnel. counts: what it left or found, in the order in which it is told."""

    name: str
    counts: Mapping[str, int]


def steps(screened: Screened, before: Before) -> tuple[Step, ...]:
    """Return the funnel: clean, merge, screen, label, layer, each with its counts."""
    labels = screened.labels
    clean = {"rows read": before.rows_read, "rows kept": before.rows_kept}
    clean |= {f"refused: {name}": count for name, count in before.rows_refused.items()}
    clean |= {f"merged: {name}": count for name, count in before.rows_merged.items()}
    clean |= {"later than asked for": before.rows_later} if before.rows_later else {}
    clean |= {"customer ids read": before.customers_read, "customer ids kept": before.customers_kept}
    merge = {
        "people with several ids": before.people_of_several_ids,
        "ids of these people": before.ids_of_these,
        "customers with an order": labels.num_rows,
    }
    return (
        Step("clean", clean),
        Step("merge", merge),
        Step("screen", _screen_counts(labels)),
        Step("label", _known_counts(labels)),
        Step("layer", _layer_counts(screened)),
    )


def to_dict(
    screened: Screened, before: Before, settings: Settings, about: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the account as plain values. about: currency, unknown_consent, …, as they are."""
    return {
        "kind": KIND,
        "as_of": to_date(screened.as_of).isoformat(),
        **about,
        "customers": screened.labels.num_rows,
        "steps": {step.name: dict(step.counts) for step in steps(screened, before)},
        "reachable": {name: screened.reach.counts(name) for name in CHANNELS},
        "suspicious": screened.suspicion.counts,
        "shop_gap_days": _finite(screened.activity.shop_gap_days),
        "labels": {name: counted(screened.labels[name]) for name in _LABELS},
        "screens": [
            {"screen": one.screen.name, "rule": one.screen.rule, "fits": one.fits, "taken": one.taken}
            for one in screened.layers
        ],
        "screens_left_out": {name: list(columns) for name, columns in screened.skipped.items()},
        "missing": list(screened.missing),
        "limits": dict(settings.limits),
    }


def sentences(screened: Screened) -> list[str]:
    """Return why customers cannot be reached, who is suspicious, and what the shop's rhythm is, in words."""
    total = screened.labels.num_rows
    told = []
    for name in CHANNELS:
        found = screened.reach.counts(name)
        parts = [f"{sum(found[state].values()):,} {state}" for state in ("yes", "no", "unknown")]
        why = Counter(
            {REASONS[reason]: n for state in ("no", "unknown") for reason, n in found[state].items()}
        )
        because = "; ".join(f"{reason} ({count:,})" for reason, count in why.most_common(4))
        told.append(f"{name}: {', '.join(parts)}{f' – {because}' if because else ''}.")
    gap = screened.activity.shop_gap_days
    told.append(
        "Nobody has ordered on two days: there is no rhythm, and activity by orders is unknown."
        if gap != gap
        else f"The usual gap between a customer's order days is {gap:,.0f} days (median of those with two or more)."
    )
    found_by = {name: count for name, count in screened.suspicion.counts.items() if count}
    shares = ", ".join(f"{count:,} {name}" for name, count in found_by.items())
    told.append(
        f"Suspicious: {shares}; a customer may stand in several."
        if shares
        else f"None of {total:,} is suspicious."
    )
    return told


def counted(column: pa.ChunkedArray) -> dict[str, int]:
    """Return how often each text stands in a column, the most first, at most 20; the rest together."""
    counts = pc.value_counts(pc.fill_null(column.combine_chunks(), "none"))
    rows = sorted(
        ((row["values"], row["counts"]) for row in counts.to_pylist()), key=lambda row: (-row[1], row[0])
    )
    found = dict(rows[:_MOST_SHOWN])
    rest = sum(count for _, count in rows[_MOST_SHOWN:])
    return found | ({f"{len(rows) - _MOST_SHOWN} others": rest} if rest else {})


def _screen_counts(labels: pa.Table) -> dict[str, int]:
    found = {f"suspicious {word}": _count(labels, "suspicious", word) for word in ("no", "doubtful", "yes")}
    found |= {f"reachable {word}": _count(labels, "reachable", word) for word in ("yes", "no", "unknown")}
    for name in CHANNELS:
        found[f"reachable by {name}"] = _count(labels, f"reachable_{name}", "yes")
    found |= {word: _count(labels, "activity", word) for word in ("active", "low", "silent", "unknown")}
    found["activity unknown"] = found.pop("unknown")
    return found | {"active for long": int(pc.sum(labels["active_for_long"]).as_py() or 0)}


def _known_counts(labels: pa.Table) -> dict[str, int]:
    """Return of how many customers each label is known."""
    found = {
        f"{name} known": labels.num_rows - _count(labels, name, "unknown")
        for name in ("region", "age_band", "device", "consumption")
    }
    return found | {
        "high consumption for the cohort": _count(labels, "consumption", "high"),
        "with an interest": labels.num_rows - labels["interest"].null_count,
    }


def _layer_counts(screened: Screened) -> dict[str, int]:
    found = {one.screen.name: one.taken for one in screened.layers}
    return found | {"in no screen": screened.labels.num_rows - screened.potential.num_rows}


def _count(labels: pa.Table, column: str, word: str) -> int:
    return int(pc.sum(pc.equal(labels[column], word)).as_py() or 0)


def _finite(value: float) -> float | None:
    return value if value == value else None
