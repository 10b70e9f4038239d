"""What came back: counts, rates, and emptiness where nothing is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest
from scipy.stats import binomtest

from campaigns.results.log import Log
from campaigns.results.outcomes import as_written
from campaigns.results.response import response
from tests.campaigns.results.contact_rows import SENT, contacts, people

LATER = SENT + timedelta(hours=2)


def rows(
    table: pa.Table, *, by: tuple[str, ...] = (), margin: float | None = None
) -> dict[tuple[str, str | None, str], Any]:
    log = Log.of(table)
    columns = {"offer": log.offer, "channel": log.channel}
    found = response(log, as_written(log), columns={name: columns[name] for name in by}, margin=margin)
    return {(row["by"], row["group"], row["arm"]): row for row in found.to_pylist()}


def test_rates_are_of_what_was_delivered_and_have_wilsons_intervals() -> None:
    sent = [{"delivered": i < 8, "opened_at": LATER if i < 2 else None} for i in range(10)]
    row = rows(contacts([{"customer_id": f"{i}", **one} for i, one in enumerate(sent)]))[
        "all", None, "treated"
    ]
    assert (row["sent"], row["delivered"], row["opened"]) == (10, 8, 2)
    assert (row["delivered_rate"], row["open_rate"]) == (0.8, 0.25)
    golden = binomtest(2, 8).proportion_ci(method="wilson")
    assert (row["open_rate_lower"], row["open_rate_upper"]) == pytest.approx((golden.low, golden.high))


def test_a_channel_that_never_tells_an_open_has_no_open_rate() -> None:
    mail = [
        {"customer_id": f"m{i}", "channel": "email", "opened_at": LATER if i == 0 else None} for i in range(4)
    ]
    sms = [{"customer_id": f"s{i}", "channel": "sms"} for i in range(4)]
    found = rows(contacts([*mail, *sms]), by=("channel",))
    assert found["channel", "email", "treated"]["open_rate"] == 0.25
    assert found["channel", "sms", "treated"]["open_rate"] is None
    assert found["all", None, "treated"]["open_rate"] == 0.25  # of the four that could tell


def test_what_no_column_tells_is_empty_and_not_zero() -> None:
    row = rows(contacts([{"customer_id": "a"}]))["all", None, "treated"]
    for name in ("delivered", "opened", "clicked", "converted", "unsubscribed", "revenue", "cost", "roi"):
        assert row[name] is None, name


def test_the_control_was_sent_nothing_and_its_conversions_count() -> None:
    found = rows(contacts([*people("treated", 10, 3), *people("control", 5, 1)]))
    control = found["all", None, "control"]
    assert (control["contacts"], control["sent"], control["converted"]) == (5, 0, 1)
    assert (control["conversion_rate"], control["revenue_per_message"]) == (0.2, 2.0)


def test_roi_is_margin_less_cost_by_cost() -> None:
    row = rows(contacts(people("treated", 10, 3, cost=0.5)), margin=0.4)["all", None, "treated"]
    assert (row["revenue"], row["cost"], row["roi"]) == (30.0, 5.0, pytest.approx((30 * 0.4 - 5) / 5))


def test_with_some_costs_unknown_there_is_no_roi() -> None:
    table = contacts([*people("treated", 4, 3, cost=0.5), {"customer_id": "z"}])
    row = rows(table, margin=0.4)["all", None, "treated"]
    assert (row["cost"], row["cost_unknown"], row["roi"]) == (2.0, 1, None)


def test_groups_add_up_to_all() -> None:
    table = contacts(
        [*people("treated", 9, 4, offer="a"), *people("treated", 7, 2, offer="b"), *people("control", 5, 1)]
    )
    found = rows(table, by=("offer",))
    parts = [row for (by, _, arm), row in found.items() if by == "offer" and arm == "treated"]
    for name in ("contacts", "sent", "converted", "revenue"):
        assert sum(row[name] for row in parts) == found["all", None, "treated"][name]
