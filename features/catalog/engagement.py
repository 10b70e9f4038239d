"""What customers do besides ordering: e-mails, visits, carts, messages. All are counts of dated events."""

from __future__ import annotations

import sys

import numpy as np

from features.kernel.declaration import Catalog, Feature, feature
from features.kernel.past import Past, ratio
from features.kernel.running import Floats

EVENTS = ("events",)
# Counted in windows: what, by the kind of its events, and over how many days.
COUNTED = {"email_open": "email_opens", "email_click": "email_clicks", "visit": "visits"}
EVENT_WINDOWS = (30, 90, 365)


@feature("E-mails opened over e-mails sent, last 90 days.", unit="ratio", family="engagement", needs=EVENTS)
def email_open_rate_90d(past: Past) -> Floats:
    return ratio(past.sum("events.email_open", days=90), past.sum("events.email_sent", days=90))


@feature("E-mails opened over e-mails sent, last 365 days.", unit="ratio", family="engagement", needs=EVENTS)
def email_open_rate_365d(past: Past) -> Floats:
    return ratio(past.sum("events.email_open", days=365), past.sum("events.email_sent", days=365))


@feature("E-mails clicked over e-mails sent, last 365 days.", unit="ratio", family="engagement", needs=EVENTS)
def email_click_rate_365d(past: Past) -> Floats:
    return ratio(past.sum("events.email_click", days=365), past.sum("events.email_sent", days=365))


@feature("Days since an e-mail was last opened.", unit="days", family="engagement", needs=EVENTS)
def days_since_email_open(past: Past) -> Floats:
    return past.day - past.last_day_of("events.email_open")


@feature("Days since an e-mail was last clicked.", unit="days", family="engagement", needs=EVENTS)
def days_since_email_click(past: Past) -> Floats:
    return past.day - past.last_day_of("events.email_click")


@feature(
    "Active subscriber: opened or clicked an e-mail in the last 90 days; undefined where none was sent then.",
    unit="0 or 1", family="engagement", needs=EVENTS,
)  # fmt: skip
def subscriber_active(past: Past) -> Floats:
    answers = past.sum("events.email_open", days=90) + past.sum("events.email_click", days=90)
    return np.where(past.sum("events.email_sent", days=90) > 0, answers > 0, np.nan)


@feature("Ever unsubscribed from e-mails.", unit="0 or 1", family="engagement", needs=EVENTS)
def unsubscribed(past: Past) -> Floats:
    return (past.sum("events.unsubscribe") > 0).astype(np.float64)


@feature("Days since the last visit.", unit="days", family="engagement", needs=EVENTS)
def days_since_visit(past: Past) -> Floats:
    return past.day - past.last_day_of("events.visit")


@feature("Visits in the last 30 days less visits in the 30 days before.", unit="visits", family="engagement",
         needs=EVENTS)  # fmt: skip
def visits_trend_30d(past: Past) -> Floats:
    return past.sum("events.visit", days=30) - past.sum("events.visit", days=30, before=30)


@feature("Visits per order, all time.", unit="ratio", family="engagement", needs=EVENTS)
def visits_per_order(past: Past) -> Floats:
    return past.sum("events.visit") / past.count()


@feature("Things put into the cart in the last 30 days.", unit="events", family="engagement", needs=EVENTS)
def cart_adds_30d(past: Past) -> Floats:
    return past.sum("events.cart_add", days=30)


@feature("Things put into the cart in the last 90 days.", unit="events", family="engagement", needs=EVENTS)
def cart_adds_90d(past: Past) -> Floats:
    return past.sum("events.cart_add", days=90)


@feature("Days since something was last put into the cart.", unit="days", family="engagement", needs=EVENTS)
def days_since_cart_add(past: Past) -> Floats:
    return past.day - past.last_day_of("events.cart_add")


@feature("Carts abandoned in the last 90 days.", unit="carts", family="engagement", needs=EVENTS)
def cart_abandons_90d(past: Past) -> Floats:
    return past.sum("events.cart_abandon", days=90)


@feature("Carts abandoned over carts abandoned and orders, last 365 days.", unit="ratio", family="engagement",
         needs=EVENTS)  # fmt: skip
def cart_abandon_share(past: Past) -> Floats:
    left = past.sum("events.cart_abandon", days=365)
    return ratio(left, left + past.count(days=365))


@feature("Messages read in the last 90 days.", unit="messages", family="engagement", needs=EVENTS)
def messages_read_90d(past: Past) -> Floats:
    return past.sum("events.message_read", days=90)


def _in_window(kind: str, name: str, days: int) -> Feature:
    def compute(past: Past) -> Floats:
        return past.sum(f"events.{kind}", days=days)

    compute.__name__ = f"{name}_{days}d"
    words = "Visits" if kind == "visit" else f"E-mails {'opened' if kind == 'email_open' else 'clicked'}"
    return feature(f"{words} in the last {days} days.", unit="events", family="engagement", needs=EVENTS)(
        compute
    )


FEATURES = Catalog(
    [
        *Catalog.of_module(sys.modules[__name__]),
        *(_in_window(kind, name, days) for kind, name in COUNTED.items() for days in EVENT_WINDOWS),
    ]
)
