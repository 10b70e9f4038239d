"""Who was sent what by which campaign, in which arm of its test, and what came of it.

| reason | a row is refused because |
|---|---|
| malformed_row | it has more or fewer fields than the header |
| unreadable_date | when it was sent is missing or cannot be read |
| absurd_date | it was sent before 1970-01-02 |
| missing_customer | it has neither a customer nor an e-mail address |
| missing_campaign | it has no campaign |
| unknown_arm | its arm is neither treated nor control; say what it is in [words] |
| other_arm | its customer was in the other arm of the same campaign before |

Contacts that are alike in everything are merged as `same_contact`. Opens, clicks, conversions (with their
revenue) and unsubscriptions after `until` are not known then, and are empty.
"""

from __future__ import annotations

import pyarrow as pa

from contracts.errors import DeclarationError
from contracts.tables import CONTACTS
from features.reading.presets import fold
from features.reading.raw_table import text_array
from features.tables.account import (
    KEPT,
    TableReading,
    build_report,
    count_emptied,
    judge,
    merge,
    read_evidence,
    read_quarantine,
)
from features.tables.gate import Files, Gate, opened
from features.tables.mapping import CUSTOMER_NAMES, EMAIL_NAMES, Part, Shape, TableMapping
from features.tables.values import day_of, yes_or_no

RESPONSES = ("opened_at", "clicked_at", "converted_at", "unsubscribed_at")
SHAPE = Shape(
    name="contacts",
    parts={
        "campaign_id": Part(kind="id", names=("campaign_id", "campaign", "campaign_name", "mailing_id", "flow_id")),
        "customer_id": Part(kind="id", names=CUSTOMER_NAMES),
        "email": Part(kind="text", names=EMAIL_NAMES),
        "sent_at": Part(
            kind="time",
            names=("sent_at", "send_time", "sent", "sent_time", "send_date", "sent_date", "contacted_at", "timestamp",
                   "date", "send_at"),
        ),
        "arm": Part(kind="text", names=("arm", "test_arm", "treatment", "treated", "variant", "test_group", "group")),
        "offer": Part(kind="text", names=("offer", "offer_id", "offer_code", "coupon", "incentive")),
        "channel": Part(kind="text", names=("channel", "medium", "send_channel")),
        "cost": Part(kind="number", names=("cost", "contact_cost", "send_cost")),
        "delivered": Part(kind="text", names=("delivered", "is_delivered", "delivery_status")),
        "opened_at": Part(kind="time", names=("opened_at", "open_time", "first_open", "first_opened_at")),
        "clicked_at": Part(kind="time", names=("clicked_at", "click_time", "first_click", "first_clicked_at")),
        "converted_at": Part(kind="time", names=("converted_at", "conversion_time", "conversion_date", "ordered_at")),
        "revenue": Part(kind="number", names=("revenue", "conversion_value", "attributed_revenue")),
        "unsubscribed_at": Part(kind="time", names=("unsubscribed_at", "unsubscribe_time", "unsub_time")),
    },
    needs=(("campaign_id",), ("customer_id", "email"), ("sent_at",)),
    known_by=("sent_at",),
)  # fmt: skip

_ARMS = {
    "treated": ("treated", "treatment", "test", "exposed", "targeted", "mailed", "sent", "true", "yes", "1", "10"),
    "control": (
        "control", "controlgroup", "holdout", "holdback", "untreated", "notreatment", "noemail", "nocontact", "none",
        "false", "no", "0", "00",
    ),
}  # fmt: skip
KNOWN_ARMS = {word: arm for arm, words in _ARMS.items() for word in words}


def read_contacts(
    source: Files, *, mapping: TableMapping | None = None, until: int, timezone: str
) -> TableReading:
    """Read contacts sent up to the end of day `until` as contracts.tables.CONTACTS.

    Sorted by campaign_id, customer_id, sent_at. Without an arm everyone was treated, and the report says so.
    Raises DataError, DeclarationError.
    """
    with opened(source, shape=SHAPE, mapping=mapping, until=until, timezone=timezone) as gate:
        _translate_arms(gate)
        judge(
            gate,
            [
                ("unreadable_date", "sent_at IS NULL"),
                ("absurd_date", "sent_at < TIMESTAMP '1970-01-02'"),
                ("missing_customer", "customer_id IS NULL"),
                ("missing_campaign", "campaign_id IS NULL"),
                ("unknown_arm", "arm IS NULL"),
            ],
        )
        _forget_later(gate)
        merge(gate, "same_contact", key=", ".join(CONTACTS.names))
        _refuse_other_arm(gate)
        emptied = _emptied(gate)
        rows = gate.con.sql(
            f"""SELECT {", ".join(CONTACTS.names)} FROM judged WHERE {KEPT}
                ORDER BY campaign_id, customer_id, sent_at, source, source_row"""
        ).to_arrow_table()
        evidence = read_evidence(gate, day=day_of("sent_at"))
        report = build_report(gate, emptied=emptied, notes=_notes(gate))
        return TableReading(rows.cast(CONTACTS).combine_chunks(), read_quarantine(gate), report, evidence)


def _translate_arms(gate: Gate) -> None:
    """Replace, in `seen`, the shop's word for the arm by ours, and `delivered` by yes or no."""
    own = {fold(word): arm for mapping in gate.mappings for word, arm in mapping.words.items()}
    for word, arm in own.items():
        if arm not in _ARMS:
            raise DeclarationError(
                f"Mapping '{gate.mappings[0].name}' of contacts: [words] has {word} = '{arm}'. "
                "An arm is treated or control."
            )
    words = [word for (word,) in gate.con.execute("SELECT DISTINCT arm FROM seen").fetchall() if word]
    arms = [own.get(fold(word)) or KNOWN_ARMS.get(fold(word)) for word in words]
    gate.con.register(
        "arms", pa.Table.from_arrays([text_array(words), text_array(arms)], names=["theirs", "ours"])
    )
    arm = "ours" if gate.has("arm") else "'treated'"
    gate.con.execute(
        f"""CREATE TEMP TABLE worded AS
            SELECT seen.* REPLACE ({arm} AS arm, {yes_or_no("delivered")} AS delivered),
                   delivered IS NOT NULL AS has_delivered, {day_of("sent_at")} AS day
            FROM seen LEFT JOIN arms ON arm = theirs"""
    )
    gate.con.execute("DROP TABLE seen; ALTER TABLE worded RENAME TO seen")


def _forget_later(gate: Gate) -> None:
    """Empty the responses after `until`, and the revenue of a conversion that is not known then.

    `has_<part>` then says that something is written there which cannot be read.
    """
    revenue = f"converted_at < {gate.before}" if gate.has("converted_at") else "true"
    known = {part: f"{part} < {gate.before}" for part in RESPONSES} | {"revenue": revenue}
    settings = [f"{part} = CASE WHEN {test} THEN {part} END" for part, test in known.items()]
    settings += [f"has_{part} = has_{part} AND {part} IS NULL" for part in known]
    gate.con.execute(f"UPDATE judged SET {', '.join(settings)}")


def _emptied(gate: Gate) -> dict[str, int]:
    """Count the values that are written and cannot be read."""
    unread = [(part, f"has_{part}") for part in (*RESPONSES, "revenue")]
    unread += [(part, f"has_{part} AND {part} IS NULL") for part in ("cost", "delivered")]
    return count_emptied(gate, unread)


def _refuse_other_arm(gate: Gate) -> None:
    """Refuse contacts in another arm than the customer's first of the campaign."""
    gate.con.execute(
        f"""UPDATE judged SET reason = 'other_arm' FROM (
              SELECT source AS s, source_row AS r FROM judged WHERE {KEPT}
              QUALIFY arm <> first_value(arm) OVER (
                PARTITION BY campaign_id, customer_id ORDER BY sent_at, source, source_row))
            WHERE source = s AND source_row = r"""
    )


def _notes(gate: Gate) -> list[str]:
    notes = []
    if not gate.has("arm"):
        notes.append("The contacts have no arm: everyone counts as treated, and no effect can be measured.")
    if gate.has("revenue") and not gate.has("converted_at"):
        notes.append("Revenue has no time of its own: it is taken as known when the contact was sent.")
    (again,) = gate.con.execute(
        f"SELECT count(*) - count(DISTINCT (campaign_id, customer_id)) FROM judged WHERE {KEPT}"
    ).fetchall()[0]
    if again:
        notes.append(
            f"{again:,} contacts repeat an earlier one of the same campaign and customer; all are kept."
        )
    return notes
