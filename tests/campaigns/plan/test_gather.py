"""What a plan needs to know of each customer, out of orders, scores and other tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from campaigns.base import Base
from campaigns.channels import Allowed, read_channels
from campaigns.lifecycle import read_stages
from campaigns.messages import Messages
from campaigns.offers import read_offers
from campaigns.plan.gather import Gathered, answers_of, gather, margin_of
from campaigns.plan.reengage import reengage_table
from campaigns.plan.terms import ASSUMED_MARGIN
from campaigns.plan.weeks import days_of, weeks_of
from campaigns.screening.activity import ACTIVE, SILENT, activity_of
from contracts.days import to_date
from contracts.errors import ArtifactError, DataError, DeclarationError
from contracts.tables import scores_schema
from tests.campaigns.plan.small import curve, terms, texts
from tests.campaigns.screening.bases import base_of, contact, event
from tests.features.shops import Row, line

AS_OF = 19_000
NAMES = ("anna", "bert", "carl")
LINES = [
    line("anna", "1", AS_OF - 60, 20.0), line("anna", "2", AS_OF - 30, 30.0), line("bert", "3", AS_OF - 5, 40.0),
    line("carl", "4", AS_OF - 300, 10.0),
]  # fmt: skip
KNOWN = {"anna": (1, 30), "bert": (0, 5), "carl": (0, 300)}


def scores(*names: str, **changes: Any) -> pa.Table:
    """Return scores of these customers, as a ranking of LINES would have them."""
    schema, n = scores_schema((30, 90)), len(names)
    plain: dict[str, Any] = {
        one.name: [0.5] * n if pa.types.is_floating(one.type) else [None] * n for one in schema
    }
    plain |= {
        "customer_id": list(names), "frequency": [KNOWN[one][0] for one in names],
        "recency_days": [KNOWN[one][1] for one in names], "rank": list(range(1, n + 1)),
        "expected_orders_30d": [0.5] * n, "expected_value_30d": [10.0] * n, "expected_orders_90d": [1.0] * n,
        "expected_value_90d": [30.0] * n, "monetary_value": [25.0] * n, "curve": curve([0.2] * n).tolist(),
        "lifecycle": ["mature"] * n, "tier": ["focus"] * n, "segment": ["loyal"] * n,
    } | changes  # fmt: skip
    arrays = [pa.array(plain[one.name], one.type) for one in schema]
    return pa.Table.from_arrays(arrays, schema=pa.schema([one.with_nullable(True) for one in schema]))


def gathered(base: Base, table: pa.Table, **rest: Any) -> Gathered:
    of = rest.pop("of", terms())
    return gather(
        base, table, terms=of, offers=read_offers(), channels=read_channels(), stages=read_stages(), **rest
    )


def shop(lines: list[Row] = LINES, **tables: Any) -> Base:
    return base_of(lines, as_of=AS_OF, **tables)


def mails(name: str, *ago: int, kind: str = "email_sent") -> list[Row]:
    return [event(name, kind, AS_OF - one) for one in ago]


# ---------------------------------------------------------------- who
def test_scores_in_any_order_meet_their_customers() -> None:
    found = gathered(shop(), scores("carl", "anna", "bert", monetary_value=[1.0, 2.0, 3.0]))
    assert found.customers.ids.to_pylist() == list(NAMES)
    assert found.customers.columns["monetary_value"].tolist() == [2.0, 3.0, 1.0]


def test_customers_without_a_score_are_left_out_and_counted() -> None:
    found = gathered(shop(), scores("anna", "bert"))
    assert (found.customers.ids.to_pylist(), found.unscored) == (["anna", "bert"], 1)
    assert "1 customers of these orders are not in the ranking and not planned." in found.notes


def test_a_ranking_of_nobody_here_is_refused() -> None:
    with pytest.raises(DataError, match="none of the 3 customers of these orders is in the ranking"):
        gathered(shop(), scores("anna").set_column(0, "customer_id", pa.array(["zoe"])))


def test_a_ranking_made_from_other_orders_is_refused_and_a_little_older_one_is_told() -> None:
    with pytest.raises(DataError, match="made from other orders: 2 of 3 customers"):
        gathered(shop(), scores(*NAMES, frequency=[7, 0, 3]))
    notes = gathered(shop(), scores(*NAMES, frequency=[7, 0, 0])).notes
    assert "1 customers have ordered on other days than the ranking says. Rank these orders anew." in notes


def test_empty_labels_and_one_customer_alone_are_no_trouble() -> None:
    alone = gathered(shop(LINES[:2]), scores("anna", lifecycle=[None], tier=[None], segment=[None])).customers
    assert len(alone) == 1 and alone.labels["tier"].tolist() == [None]
    assert alone.levels.tolist() == [[True, False, False, False]]  # without a stage a plain message only


# ---------------------------------------------------------------- money
def test_the_basket_is_the_expected_value_of_an_order_at_the_horizon_nearest_to_the_response() -> None:
    table = scores(*NAMES, expected_orders_30d=[0.5, 0.0, 0.5])
    assert gathered(shop(), table).customers.basket.tolist() == [20.0, 25.0, 20.0]  # 25: no order is expected
    far = gathered(shop(), table, of=terms(response_days=80)).customers
    assert far.basket.tolist() == [30.0] * 3


def test_the_margin_is_the_campaigns_else_the_costs_else_the_models_else_assumed() -> None:
    costs = shop(
        [line("anna", "1", AS_OF - 9, 50.0, cost=30.0), line("bert", "2", AS_OF - 9, 50.0, cost=40.0)]
    )
    assert margin_of(costs, terms(margin=0.2), 0.5)[0] == 0.2
    assert margin_of(costs, terms(), 0.5)[0] == pytest.approx(0.3)
    assert margin_of(shop(), terms(), 0.5)[0] == 0.5
    assert margin_of(shop(), terms(), 1.0)[0] == ASSUMED_MARGIN


# ---------------------------------------------------------------- reach
def test_with_orders_alone_everyone_is_assumed_to_read_e_mail_and_nothing_else() -> None:
    found = gathered(shop(), scores(*NAMES))
    open_ones = [name for name, ok in found.may.ok.items() if ok.any()]
    assert open_ones == ["email"] and found.may.ok["email"].all()
    assert any("every customer reads e-mail" in one for one in found.notes)


def test_contacts_alone_close_only_whom_they_show_to_have_refused() -> None:
    gone = contact("bert", AS_OF - 20, unsubscribed_at=datetime(2021, 12, 20))
    found = gathered(shop(contacts=[contact("anna", AS_OF - 20), gone]), scores(*NAMES))
    assert found.may.ok["email"].tolist() == [True, False, True]


def test_a_table_of_customers_closes_whom_it_does_not_open() -> None:
    people = [{"customer_id": "anna", "consent_email": True}, {"customer_id": "bert", "consent_email": False}]
    mail = [{"customer_id": name, "email": f"{name}@web.de"} for name in NAMES]
    base = shop(customers=people, personal=mail)
    assert gathered(base, scores(*NAMES)).may.ok["email"].tolist() == [True, False, False]
    asked = gathered(base, scores(*NAMES), of=terms(unknown_reach="allow"))
    assert asked.may.ok["email"].tolist() == [True, False, True]


# ---------------------------------------------------------------- when
def test_the_best_week_counts_from_the_campaigns_first_day() -> None:
    rhythm = [line("anna", str(at), AS_OF - 40 * at, 20.0) for at in (1, 2, 3, 4)]
    table = scores("anna", frequency=[3], recency_days=[40])
    now = gathered(shop(rhythm), table).customers.best_week
    late = [line("anna", str(at), AS_OF - 10 - 40 * at, 20.0) for at in range(4)]
    soon = gathered(shop(late), scores("anna", frequency=[3], recency_days=[10])).customers.best_week
    assert now is not None and now.tolist() == [0.0]  # overdue: at once
    # The next order is due in 30 days, the contact 6 days before it: day 24, in the fourth week.
    assert soon is not None and soon.tolist() == [3.0]


def test_a_stage_for_events_is_contacted_in_the_weeks_of_platform_events_only() -> None:
    of = terms(weeks=5, start="2022-11-07")
    weeks = weeks_of(
        days_of(of, as_of=AS_OF),
        texts("lost", "mature", None),
        stages=read_stages(),
        last_contact=np.full(3, np.nan),
    )
    # Black Friday is 25 November, Cyber Monday the 28th.
    assert weeks.open.tolist() == [[False, False, True, True, False], [True] * 5, [True] * 5]
    assert weeks.why.tolist() == [0, 0, 0]


def test_without_a_platform_event_the_lost_are_left_alone_and_told_why() -> None:
    found = gathered(shop(), scores(*NAMES, lifecycle=["mature", "lost", "mature"]))
    assert found.customers.waits is not None and found.customers.waits.tolist() == [0, 2, 0]
    assert found.days.events == ()


def test_a_shops_own_event_counts(tmp_path: Any) -> None:
    path = tmp_path / "calendar.toml"
    path.write_text('[calendar.fair]\nlabel = "Fair"\nsays = "Ours."\ndates = ["2022-01-12"]\n')
    found = gathered(shop(), scores(*NAMES, lifecycle=["lost"] * 3), calendar=path)
    assert found.customers.waits is not None and not found.customers.waits.any()


def test_a_limited_stage_waits_until_30_days_after_the_last_message() -> None:
    events = [*mails("anna", 20), *mails("bert", 3), *mails("carl", 40)]
    base = shop(events=events)
    table = scores(*NAMES, lifecycle=["declining", "mature", "declining"])
    found = gathered(base, table, of=terms(weeks=3, unknown_reach="allow")).customers
    assert found.open_weeks is not None
    # The weeks begin on days 1, 8 and 15 after; anna's message was 20 days before.
    assert found.open_weeks.tolist() == [[False, False, True], [True] * 3, [True] * 3]
    short = gathered(base, table, of=terms(weeks=2, unknown_reach="allow")).customers
    assert short.waits is not None and short.waits.tolist() == [3, 0, 0]


def test_a_week_without_a_day_to_send_is_closed_and_a_campaign_without_one_refused() -> None:
    days = tuple(to_date(AS_OF + day).isoformat() for day in range(1, 8))
    found = gathered(shop(), scores(*NAMES), of=terms(weeks=2, no_send=days)).customers
    assert found.open_weeks is not None and found.open_weeks.tolist() == [[False, True]] * 3
    with pytest.raises(DeclarationError, match="no_send and public holidays leave no day from 2022-01-09"):
        gathered(shop(), scores(*NAMES), of=terms(no_send=days))


def test_events_of_other_regions_need_a_country_and_are_named_without_one() -> None:
    days = days_of(terms(start="2022-11-07"), as_of=AS_OF)
    assert days.events == ()
    assert "left out: Singles' Day" in days.notes[0]


def test_public_holidays_are_kept_free_where_their_package_is_installed() -> None:
    of = terms(start="2022-04-11", weeks=2, country="DE")
    try:
        import holidays  # noqa: F401
    except ImportError:
        with pytest.raises(ArtifactError, match="pip install holidays"):
            days_of(of, as_of=AS_OF)
    else:
        found = days_of(of, as_of=AS_OF)
        assert [str(to_date(int(one))) for one in found.closed] == ["2022-04-15", "2022-04-18"]
        assert found.notes == ()


# ---------------------------------------------------------------- who does not read any more
def test_subscribers_who_open_nothing_are_listed_apart_and_stay_in_the_base() -> None:
    events = [*mails("anna", 10, 20, 30), *mails("bert", 10, 20, 30), *mails("bert", 9, kind="email_open")]
    found = gathered(shop(events=events), scores(*NAMES), of=terms(unknown_reach="allow"))
    listed = reengage_table(found.base.sales, found.activity).to_pylist()
    assert [(one["customer_id"], one["last_order"]) for one in listed] == [("anna", to_date(AS_OF - 30))]
    assert found.activity.by_email[0] == SILENT
    assert found.customers.ids.to_pylist() == list(NAMES)
    assert found.customers.columns["engagement"][0] == "silent"


def test_an_active_customer_is_met_on_the_own_channel_and_another_fetched_by_a_direct_one() -> None:
    people = base_of(LINES, as_of=AS_OF)
    channels = {name: one for name, one in read_channels().items() if name in ("email", "app")}
    everyone = np.ones(3, dtype=np.bool_)
    may = Allowed(dict.fromkeys(channels, everyone), dict.fromkeys(channels, np.zeros(3, dtype=np.int8)))
    activity = replace(
        activity_of(people.sales, None), level=np.array([ACTIVE, SILENT, SILENT], dtype=np.int8)
    )
    found = answers_of(people, channels, may, activity, Messages.of(people), loss=0.2)
    assert found["email"].tolist() == [0.8, 1.0, 1.0]
    assert found["app"].tolist() == [1.0, 0.8, 0.8]
