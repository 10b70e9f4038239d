"""What the counts alone do not say about a reading: a sentence each, where there is something to say."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa

from features.cleaning.account import Account
from features.reading.mapping import Mapping


def build_notes(account: Account, mapping: Mapping) -> tuple[str, ...]:
    """Return the notes on a reading."""
    notes = [
        *_overlap(account),
        *_cancellations(account),
        *_fee_orders(account),
        *_free(account),
        *_duplicates(account, mapping),
        *_made_orders(account, mapping),
    ]
    return tuple(notes)


def _overlap(account: Account) -> list[str]:
    merged, seen = account.rows["delivered_twice"], account.seen
    if not merged:
        return []
    note = f"{merged:,} rows were delivered twice by overlapping sources and count once."
    if seen["nameless"]:
        note += (
            f" {seen['nameless']:,} rows have no customer, {seen['nameless_merged']:,} of them among those "
            "delivered twice."
        )
    return [note]


def _cancellations(account: Account) -> list[str]:
    seen, notes = account.seen, []
    if seen["cancelled"]:
        notes.append(
            f"{seen['cancelled']:,} sale lines are cancelled, {seen['cancelled_later']:,} of them on a later day; "
            f"they count until then. {seen['cancelled_orders']:,} orders are cancelled as a whole."
        )
    if seen["partial_returns"] or seen["returns_alone"]:
        notes.append(
            f"{seen['partial_returns']:,} returned lines match no whole sale line (partial returns) and "
            f"{seen['returns_alone']:,} come without an earlier sale; they take back money only."
        )
    if account.rows["made"]:
        notes.append(
            f"{account.rows['made']:,} lines are made: they undo, at its time, what the source says was cancelled."
        )
    return notes


def _fee_orders(account: Account) -> list[str]:
    orders = account.seen["fee_orders"]
    return (
        [f"{orders:,} orders hold no product, only postage, fees and the like: no orders."] if orders else []
    )


def _free(account: Account) -> list[str]:
    seen = account.seen
    if not seen["free_lines"]:
        return []
    return [
        f"{seen['free_lines']:,} sale lines are free and kept; {seen['free_orders']:,} orders are free as a whole, "
        f"and {seen['free_customers']:,} customers have free orders only."
    ]


def _duplicates(account: Account, mapping: Mapping) -> list[str]:
    merged, kept = account.rows["duplicate_line"], account.seen["duplicates"]
    if merged:
        return [
            f"{merged:,} lines stand twice in the same order of the same source and count once; where an order may "
            "hold equal lines, write duplicate_line = false under [rules]."
        ]
    why = "" if "order_id" in mapping.columns else ": without an order number they may well be two sales"
    return [f"{kept:,} kept lines equal another line of the same source; both are kept{why}."] if kept else []


def _made_orders(account: Account, mapping: Mapping) -> list[str]:
    if "order_id" not in mapping.columns:
        return ["The source has no order number: each gets one made of customer, time and rank."]
    made = account.seen["made_orders"]
    return (
        [f"{made:,} kept lines have no order number and got one made of customer and time."] if made else []
    )


def flag_notes(flags: pa.Table) -> list[str]:
    """Return the notes on flagged customers and lines."""
    counts: Counter[str] = Counter(flags["flag"].to_pylist())
    words = {
        "reseller": "customers buy like resellers (2,000 items within 30 days)",
        "bot": "customers order like bots (20 orders on one day)",
        "outlier_basket": "lines are far beyond all earlier months' (20 times the 99.9th percentile)",
    }
    return [
        f'{counts[flag]:,} {text}; they are kept. {flag} = "refuse" under [rules] leaves them out.'
        for flag, text in words.items()
        if counts[flag]
    ]
