"""What customers did and were sent: opened, clicked, visited, put into the cart, …

The kind of an event is one of contracts.tables.EVENT_KINDS where its word is known, else the shop's own word
without case, spaces and punctuation.

| reason | a row is refused because |
|---|---|
| malformed_row | it has more or fewer fields than the header |
| unreadable_date | its time is missing or cannot be read |
| absurd_date | it is before 1970-01-02 |
| missing_customer | it has neither a customer nor an e-mail address |
| missing_kind | it does not say what happened |

Events that are alike in everything are merged as `same_event`.
"""

from __future__ import annotations

import pyarrow as pa

from contracts.tables import EVENTS
from features.reading.presets import fold
from features.reading.raw_table import text_array
from features.tables.account import (
    KEPT,
    TableReading,
    build_report,
    judge,
    merge,
    read_evidence,
    read_quarantine,
)
from features.tables.gate import Files, Gate, opened
from features.tables.mapping import CUSTOMER_NAMES, EMAIL_NAMES, Part, Shape, TableMapping
from features.tables.values import day_of

SHAPE = Shape(
    name="events",
    parts={
        "customer_id": Part(kind="id", names=CUSTOMER_NAMES),
        "email": Part(kind="text", names=EMAIL_NAMES),
        "occurred_at": Part(
            kind="time",
            names=(
                "occurred_at", "event_time", "event_timestamp", "event_datetime", "event_date", "event_at",
                "timestamp", "datetime", "time", "created_at", "date_time", "action_date", "activity_date",
                "activity_time", "redemption_date", "date", "day",
            ),
        ),
        "kind": Part(
            kind="text",
            names=(
                "kind", "event_kind", "event_type", "event_name", "event", "metric", "metric_name", "activity_type",
                "activity", "action", "action_type", "type",
            ),
        ),
        "channel": Part(kind="text", names=("channel", "medium", "utm_medium", "event_channel")),
        "campaign_id": Part(
            kind="id",
            names=("campaign_id", "campaign", "campaign_name", "message_id", "mailing_id", "utm_campaign"),
        ),
        "product_id": Part(kind="id", names=("product_id", "product", "sku", "item_id", "item", "stock_code")),
    },
    needs=(("customer_id", "email"), ("occurred_at",), ("kind",)),
    known_by=("occurred_at",),
)  # fmt: skip

# The words of Klaviyo, Mailchimp, Shopify, Braze, Brevo and web analytics, folded.
_WORDS = {
    "email_sent": (
        "emailsent", "sent", "send", "sends", "receivedemail", "emailreceived", "sentemail", "delivered", "delivery",
        "emaildelivered", "emaildelivery", "campaignsent", "messagesent",
    ),
    "email_open": (
        "emailopen", "open", "opens", "opened", "openedemail", "emailopened", "emailopens", "firstopen",
        "uniqueopen", "uniqueopened", "campaignopened",
    ),
    "email_click": (
        "emailclick", "click", "clicks", "clicked", "clickedemail", "emailclicked", "emailclicks", "emaillinkclicked",
        "linkclicked", "clickedlink", "uniqueclick", "campaignclicked",
    ),
    "unsubscribe": (
        "unsubscribe", "unsub", "unsubscribed", "unsubscribes", "unsubscribedfromemail", "emailunsubscribe",
        "emailunsubscribed", "unsubscribedfromlist", "unsubscribedfromemailmarketing", "optout", "optedout",
    ),
    "visit": (
        "visit", "visits", "visited", "sitevisit", "pageview", "pageviewed", "viewedpage", "viewpage", "sessionstart",
        "session", "activeonsite", "productview", "productviewed", "viewedproduct", "viewitem", "viewcontent", "view",
    ),
    "cart_add": (
        "cartadd", "addtocart", "addedtocart", "addcart", "cart", "productadded", "productaddedtocart",
        "addeditemtocart", "addtobasket", "addedtobasket", "basketadd",
    ),
    "cart_abandon": (
        "cartabandon", "cartabandoned", "abandonedcart", "abandoncart", "abandonedcheckout", "checkoutabandoned",
        "abandonedbasket", "basketabandoned",
    ),
    "message_read": (
        "messageread", "readmessage", "messageopened", "smsread", "whatsappread", "pushopened", "pushopen",
        "openedpush", "pushnotificationopened", "inappread", "readsms",
    ),
}  # fmt: skip
KNOWN_WORDS = {word: kind for kind, words in _WORDS.items() for word in words}
_OTHER_KINDS_SHOWN = 8


def read_events(
    source: Files, *, mapping: TableMapping | None = None, until: int, timezone: str
) -> TableReading:
    """Read events up to the end of day `until` as contracts.tables.EVENTS.

    Sorted by customer_id, day, occurred_at, kind, then the rest. Raises DataError, DeclarationError.
    """
    with opened(source, shape=SHAPE, mapping=mapping, until=until, timezone=timezone) as gate:
        others = _translate(gate)
        judge(
            gate,
            [
                ("unreadable_date", "occurred_at IS NULL"),
                ("absurd_date", "occurred_at < TIMESTAMP '1970-01-02'"),
                ("missing_customer", "customer_id IS NULL"),
                ("missing_kind", "kind IS NULL"),
            ],
        )
        rest = "channel, campaign_id, product_id"
        merge(gate, "same_event", key=f"customer_id, occurred_at, kind, {rest}")
        rows = gate.con.sql(
            f"""SELECT customer_id, occurred_at, {day_of("occurred_at")} AS day, kind, {rest} FROM judged
                WHERE {KEPT} ORDER BY customer_id, day, occurred_at, kind, {rest}"""
        ).to_arrow_table()
        evidence = read_evidence(gate, day=day_of("occurred_at"))
        report = build_report(gate, notes=_other_kinds(others))
        return TableReading(rows.cast(EVENTS).combine_chunks(), read_quarantine(gate), report, evidence)


def kind_of(word: str, words: dict[str, str] | None = None) -> str | None:
    """Return the kind that a word means: the shop's own meaning, a known kind, else the word folded."""
    folded = fold(word)
    return (words or {}).get(folded) or KNOWN_WORDS.get(folded, folded or None)


def _translate(gate: Gate) -> list[str]:
    """Replace each word in `seen` by its kind; return the kinds that are the shop's own."""
    own = {fold(word): kind for mapping in gate.mappings for word, kind in mapping.words.items()}
    words = [word for (word,) in gate.con.execute("SELECT DISTINCT kind FROM seen").fetchall() if word]
    kinds = [kind_of(word, own) for word in words]
    gate.con.register(
        "kinds", pa.Table.from_arrays([text_array(words), text_array(kinds)], names=["theirs", "ours"])
    )
    gate.con.execute(
        """CREATE TEMP TABLE worded AS SELECT seen.* REPLACE (ours AS kind)
           FROM seen LEFT JOIN kinds ON kind = theirs"""
    )
    gate.con.execute("DROP TABLE seen; ALTER TABLE worded RENAME TO seen")
    return sorted({kind for kind in kinds if kind and kind not in _WORDS and kind not in own.values()})


def _other_kinds(kinds: list[str]) -> list[str]:
    if not kinds:
        return []
    more = f" and {len(kinds) - _OTHER_KINDS_SHOWN} more" if len(kinds) > _OTHER_KINDS_SHOWN else ""
    shown = ", ".join(kind[:40] for kind in kinds[:_OTHER_KINDS_SHOWN])
    return [f"Kinds in the shop's own words: {shown}{more}. Name what they mean in [words]."]
