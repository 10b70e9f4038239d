"""The command about preferences: which offers, channels and times suit each customer, and which days come."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from features.shop.files import OtherFiles
from repurchase import show
from repurchase.options import AsOf, Files, Map, UnknownConsent, orders_of, with_other_tables

if TYPE_CHECKING:
    from repurchase.preferences_job import Found

_EVENTS_SHOWN = 12
_EXAMPLE = "Example: repurchase preferences orders.csv --ranking ranking --country DE --out preferences"


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command(epilog=_EXAMPLE)(with_other_tables(preferences))


def preferences(
    orders: Files,
    out: Annotated[
        Path, typer.Option("--out", help="Folder for the tables; one of an earlier run is replaced.")
    ],
    ranking: Annotated[
        Path | None,
        typer.Option(
            "--ranking", help="A ranking's folder: next-order window, best week, RFM groups; sets --as-of."
        ),
    ] = None,
    offers: Annotated[
        Path | None,
        typer.Option("--offers", help="TOML file with offers of your own, as contacts name them."),
    ] = None,
    channels: Annotated[
        Path | None, typer.Option("--channels", help="TOML file with channels: cost, quiet hours, consent.")
    ] = None,
    calendar: Annotated[
        Path | None, typer.Option("--calendar", help="TOML file with platform events of your own.")
    ] = None,
    country: Annotated[
        str | None, typer.Option("--country", help="Whose public holidays and events count, as DE.")
    ] = None,
    days: Annotated[int, typer.Option("--days", help="How far ahead the calendar looks.")] = 90,
    unknown_consent: UnknownConsent = "ask",
    as_of: AsOf = None,
    mapping: Map = None,
    *,
    other: OtherFiles,
) -> None:
    """Say which offers, channels and times suit each customer, how often to write, and which days come."""
    from repurchase import preferences_job

    job = preferences_job.PreferencesJob(
        orders_of(orders, mapping, as_of, other),
        out,
        ranking=ranking,
        offers=offers,
        channels=channels,
        calendar=calendar,
        country=country,
        days=days,
        unknown_consent=unknown_consent,
    )  # fmt: skip
    with show.steps(1) as progress:
        progress("looking at preferences")
        found = preferences_job.run(job)
    _print(found)
    show.out.print(f"Written to {out}/: {', '.join(found.files)}.", markup=False)


def _print(found: Found) -> None:
    account = found.account
    show.out.print(f"{account['customers']:,} customers as of {account['as_of']}", markup=False)
    show.out.print(_offers(account))
    show.out.print(Text(_discounts(account)))
    show.out.print(_channels(account))
    show.sentences(_times(account))
    show.out.print(_intervals(account))
    show.out.print(_calendar(account))
    if found.sample is not None:
        show.out.print("In words, the first customers:")
        for row in found.sample.select(["customer_id", "in_words"]).to_pylist():
            show.out.print(Text(f"  {row['customer_id']}: {row['in_words']}"))
    show.sentences(account["basis"])
    for sentence in account["missing"]:
        show.warning(sentence)


def _offers(account: dict[str, Any]) -> Table:
    table = _table("Offers: who answers to what, against the shop's average", "offer")
    for name in ("high", "medium", "low", "unknown", "evidence", "used"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("told by")
    for kind, one in account["offers"].items():
        counts = (f"{one[name]:,}" for name in ("high", "medium", "low", "unknown", "evidence", "used"))
        table.add_row(kind, *counts, ", ".join(one["customers_told_by"]) or "–")
    return table


def _discounts(account: dict[str, Any]) -> str:
    found = account["discounts"]
    only, deepest, slope = (
        found["discount_only"],
        found["deepest_discount_median"],
        found["price_elasticity_mean"],
    )
    said = (
        f"With a discount or coupon only: {only['yes']:,} customers; not only: {only['no']:,}; unknown: "
        f"{only['unknown']:,}."
    )
    if deepest is not None:
        said += f" Deepest discount, median: {deepest:.0%}."
    if slope is not None:
        count = found["price_elasticity_customers"]
        said += f" Price elasticity: {slope:+.2f} (mean of {count:,} customers; seen, not caused)."
    return said


def _channels(account: dict[str, Any]) -> Table:
    table = _table("Channels: who may be contacted, and how messages were answered", "channel")
    for name in ("yes", "no", "unknown", "messages", "answered", "recommended", "ask for"):
        table.add_column(name, justify="right")
    table.add_column("mostly because")
    for name, one in account["channels"].items():
        rate = "–" if one["response_rate"] is None else f"{one['response_rate']:.1%}"
        allowed = (f"{one['allowed'][word]:,}" for word in ("yes", "no", "unknown"))
        numbers = (f"{one['messages']:,}", rate, f"{one['recommended']:,}", f"{one['ask_for']:,}")
        table.add_row(name, *allowed, *numbers, Text(next(iter(one["reasons"]), "–")))
    return table


def _times(account: dict[str, Any]) -> list[str]:
    found, customers = account["times"], account["customers"]
    told = []
    for name, own in (("best_weekday", "own_weekday"), ("best_hour", "own_hour")):
        if found[name]:
            best = next(iter(found[name]))
            best = best.capitalize() if name == "best_weekday" else f"{best}:00"
            told.append(
                f"{name.replace('_', ' ').capitalize()}: {best} for most; by their own orders and opens another one "
                f"for {found[own]:,} of {customers:,} customers."
            )
    if found["next_order_known"]:
        weeks = found["contact_week_begins_in_7_days"], found["contact_week_begins_in_30_days"]
        told.append(
            f"Next order: a window is known for {found['next_order_known']:,} customers; the best week to contact "
            f"begins within 7 days for {weeks[0]:,}, within 30 for {weeks[1]:,}."
        )
    if found["birthday_in_30_days"]:
        told.append(f"Birthdays in the next 30 days: {found['birthday_in_30_days']:,}.")
    return told


def _intervals(account: dict[str, Any]) -> Table:
    table = _table("Days between two messages to a customer", "segment")
    for name in ("customers", "days", "messages"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("why")
    groups = {(row["grouped_by"], row["segment"]): row for row in account["contact_intervals"]}
    for row in groups.values():
        days = row.get("contact_interval_days")
        shown = "unknown" if days is None else str(days)
        table.add_row(
            Text(row["segment"]), f"{row['customers']:,}", shown, f"{row['repeated_messages']:,}", Text(row["reason"])
        )  # fmt: skip
    return table


def _calendar(account: dict[str, Any]) -> Table:
    rows = account["calendar"]
    shown = f", the first {_EVENTS_SHOWN}" if len(rows) > _EVENTS_SHOWN else ""
    table = _table(f"The next {account['days']} days: {len(rows)} events and holidays{shown}", "from")
    for name in ("to", "kind", "what"):
        table.add_column(name, no_wrap=True)
    for row in rows[:_EVENTS_SHOWN]:
        table.add_row(row["first"], row["last"], row["kind"], Text(row["label"]))
    return table


def _table(title: str, first: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 2, 0, 0))
    table.add_column(first, no_wrap=True)
    return table
