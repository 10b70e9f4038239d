"""Attributes of customers as they became known, and apart from them the personal data.

A customer may be described several times: each description counts from the day on which it was known (its
`known_at`, else the sign-up), and customers_on gives the last one known on a day. Nothing that was learnt later
is carried back. A table without any time counts as always known.

| reason | a row is refused because |
|---|---|
| malformed_row | it has more or fewer fields than the header |
| unreadable_date | it says when it was known, and this cannot be read |
| missing_customer | it has neither a customer nor an e-mail address |

Of several rows of one customer and day the last known is kept, of equal times the first in the source. The
others are merged as `same_customer`, or as `other_customer` where they say something else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.days import to_date
from contracts.tables import CUSTOMERS, PERSONAL
from features.identity.keys import check_region, normal_phones
from features.kernel.buffers import as_arrow, as_numpy, is_valid
from features.reading.raw_table import text_array
from features.tables.account import (
    KEPT,
    TableReport,
    build_report,
    count_emptied,
    judge,
    merge,
    read_quarantine,
)
from features.tables.gate import Files, Gate, opened
from features.tables.mapping import CUSTOMER_NAMES, EMAIL_NAMES, Part, Shape, TableMapping
from features.tables.values import day_of, yes_or_no

CONSENTS = ("consent_email", "consent_sms", "consent_push")
SHAPE = Shape(
    name="customers",
    parts={
        "customer_id": Part(kind="id", names=(*CUSTOMER_NAMES, "id")),
        "email": Part(kind="text", names=EMAIL_NAMES),
        "phone": Part(kind="text", names=("phone", "phone_number", "mobile", "mobile_number", "mobile_phone",
                                          "telephone", "sms", "default_address_phone")),
        "known_at": Part(kind="time", names=("known_at", "valid_from", "updated_at", "last_changed", "as_of",
                                             "snapshot_date", "last_updated", "updated")),
        "signed_up_at": Part(
            kind="time",
            names=("signed_up_at", "signup_date", "sign_up_date", "created_at", "created", "date_added",
                   "profile_created_on", "registered_at", "registration_date", "optin_time", "joined_at",
                   "account_created_at", "customer_since", "date_registered"),
        ),
        "birth_date": Part(kind="date", names=("birth_date", "birthdate", "birthday", "date_of_birth", "dob")),
        "age": Part(kind="text", names=("age", "age_band", "age_group", "age_range", "age_desc")),
        "gender": Part(kind="text", names=("gender", "sex")),
        "region": Part(
            kind="text",
            names=("region", "state_region", "state", "province", "default_address_province_code", "zip_code",
                   "postcode", "postal_code", "zip", "city"),
        ),
        "device": Part(kind="text", names=("device", "device_type", "platform", "os", "operating_system")),
        "consent_email": Part(
            kind="text",
            names=("consent_email", "email_consent", "email_marketing_consent", "accepts_email_marketing",
                   "accepts_marketing", "email_opt_in", "newsletter", "subscribed", "email_marketing_status"),
        ),
        "consent_sms": Part(
            kind="text",
            names=("consent_sms", "sms_consent", "sms_marketing_consent", "accepts_sms_marketing", "sms_opt_in"),
        ),
        "consent_push": Part(kind="text", names=("consent_push", "push_consent", "push_opt_in", "push_enabled")),
    },
    needs=(("customer_id", "email"),),
    known_by=("known_at", "signed_up_at"),
)  # fmt: skip

_OLDEST_YEARS = 120
_OPEN_BAND_YEARS = 10  # "65+" is taken as 65 to 75, "under 25" as 15 to 25


@dataclass(frozen=True)
class CustomersReading:
    """All descriptions in time (contracts.tables.CUSTOMERS), the personal data, the refused rows, the account.

    versions: sorted by customer_id and known_day (null first). personal: each address and number of a customer
    with the first day on which it was known. told: the consents that some file has a column for.
    """

    versions: pa.Table
    personal: pa.Table
    quarantine: pa.Table
    report: TableReport
    until: int
    told: frozenset[str]

    @property
    def customers(self) -> pa.Table:
        """Return one row per customer: what is known at the end of `until`."""
        return customers_on(self.versions, self.until)


def read_customers(
    source: Files, *, mapping: TableMapping | None = None, until: int, timezone: str
) -> CustomersReading:
    """Read what is known about customers at the end of day `until`; raises DataError, DeclarationError."""
    region = None if mapping is None else mapping.phone_region
    if mapping is not None and region is not None:
        check_region(region, f"Mapping '{mapping.name}' of customers")
    with opened(source, shape=SHAPE, mapping=mapping, until=until, timezone=timezone) as gate:
        _make_right(gate)
        judge(
            gate,
            [
                ("unreadable_date", "has_known_at AND known_at IS NULL"),
                ("missing_customer", "customer_id IS NULL"),
            ],
        )
        emptied = _emptied(gate)
        personal, unreadable = _personal(gate, region)
        _merge_customers(gate)
        rows = gate.con.sql(
            f"SELECT {', '.join(CUSTOMERS.names)} FROM judged WHERE {KEPT} "
            "ORDER BY customer_id, known_day NULLS FIRST"
        ).to_arrow_table()
        report = build_report(gate, emptied={**emptied, **unreadable}, notes=_notes(gate))
        versions = rows.cast(CUSTOMERS).combine_chunks()
        told = frozenset(part for part in CONSENTS if gate.has(part))
        return CustomersReading(versions, personal, read_quarantine(gate), report, until, told)


def customers_on(versions: pa.Table, day: int) -> pa.Table:
    """Return for each customer the last description known at the end of a day, one row each."""
    known_day = versions["known_day"].combine_chunks()
    seen = versions.filter(as_arrow(~is_valid(known_day) | (as_numpy(known_day) <= day), pa.bool_()))
    own = seen["customer_id"].combine_chunks()
    last = np.ones(len(own), dtype=np.bool_)
    last[:-1] = as_numpy(pc.not_equal(own[1:], own[:-1]))
    return seen.filter(as_arrow(last, pa.bool_())).combine_chunks()


def _make_right(gate: Gate) -> None:
    """Type ages, consents and days in `seen`, and empty what cannot be right."""
    words = {part: part for part in CONSENTS}
    replaced = [f"{yes_or_no(part)} AS {part}" for part in words] + [f"{_years('age')} AS age"]
    had = [f"{part} IS NOT NULL AS has_{part}" for part in (*CONSENTS, "age")]
    on = f"coalesce(since, TIMESTAMP '{to_date(gate.until).isoformat()}')"
    born = f"birth_date <= {on}::DATE AND birth_date >= ({on} - INTERVAL {_OLDEST_YEARS} YEAR)::DATE"
    gate.con.execute(
        f"""CREATE TEMP TABLE right_ones AS SELECT * REPLACE (
              CASE WHEN {born} THEN birth_date END AS birth_date,
              CASE WHEN signed_up_at < {gate.before} THEN signed_up_at END AS signed_up_at,
              CASE WHEN age > 0 AND age <= {_OLDEST_YEARS} THEN age END AS age),
              {day_of("since")} AS known_day, {day_of("signed_up_at")} AS signed_up_day
            FROM (SELECT * REPLACE ({", ".join(replaced)}), {", ".join(had)},
                         has_signed_up_at AND signed_up_at IS NULL AS no_sign_up FROM seen)"""
    )
    gate.con.execute("DROP TABLE seen; ALTER TABLE right_ones RENAME TO seen")


def _years(column: str) -> str:
    """Return the SQL that reads an age, or the middle of an age band."""
    band = f"regexp_extract({column}, '^\\D*?([0-9]{{1,3}})\\s*(?:-|–|to|bis|a)\\s*([0-9]{{1,3}})\\D*$', ['a', 'b'])"
    above = f"regexp_extract({column}, '^\\D*?([0-9]{{1,3}})\\s*(?:\\+|and over|and older|or older|plus)\\s*$', 1)"
    below = f"regexp_extract({column}, '^(?:under|below|up to|<|-)\\s*([0-9]{{1,3}})\\D*$', 1)"
    half = _OPEN_BAND_YEARS / 2
    lowered = f"lower({column})"
    return f"""coalesce(try_cast({column} AS DOUBLE),
        (try_cast(({band.replace(column, lowered)}).a AS DOUBLE)
         + try_cast(({band.replace(column, lowered)}).b AS DOUBLE)) / 2,
        try_cast({above.replace(column, lowered)} AS DOUBLE) + {half},
        try_cast({below.replace(column, lowered)} AS DOUBLE) - {half})"""


def _emptied(gate: Gate) -> dict[str, int]:
    tests = [(part, f"has_{part} AND {part} IS NULL") for part in ("birth_date", "age", *CONSENTS)]
    return count_emptied(gate, [*tests, ("signed_up_at", "no_sign_up")])


def _personal(gate: Gate, region: str | None) -> tuple[pa.Table, dict[str, int]]:
    """Return addresses and numbers with the first day each was known, and how many could not be read."""
    found = gate.con.sql(
        f"""SELECT customer_id, known_day, email, phone FROM judged
            WHERE {KEPT} AND (email IS NOT NULL OR phone IS NOT NULL)"""
    ).to_arrow_table()
    phones = found["phone"].to_pylist()
    numbers = normal_phones(phones, region=region) if any(phones) else phones
    unread = sum(number is None and phone is not None for number, phone in zip(numbers, phones, strict=True))
    found = found.set_column(3, "phone", text_array(numbers))
    gate.con.register("found", found)
    rows = gate.con.sql(
        """SELECT customer_id, nullif(min(coalesce(known_day, -2147483648)), -2147483648) AS known_day,
                  email, phone FROM found WHERE email IS NOT NULL OR phone IS NOT NULL
           GROUP BY customer_id, email, phone ORDER BY customer_id, known_day NULLS FIRST, email, phone"""
    ).to_arrow_table()
    return rows.cast(PERSONAL).combine_chunks(), {"phone": unread} if unread else {}


def _merge_customers(gate: Gate) -> None:
    order = "since DESC NULLS LAST, source, source_row"
    said = [name for name in CUSTOMERS.names if name not in ("customer_id", "known_day")]
    merge(gate, "same_customer", key=f"customer_id, known_day, {', '.join(said)}", order=order)
    merge(gate, "other_customer", key="customer_id, known_day", order=order)


def _notes(gate: Gate) -> list[str]:
    (others, undated, addresses) = gate.con.execute(
        f"""SELECT count(*) FILTER (merged = 'other_customer'), count(*) FILTER ({KEPT} AND known_day IS NULL),
                   count(*) FILTER ({KEPT} AND customer_id LIKE '%_@_%') FROM judged"""
    ).fetchall()[0]
    notes = []
    if others:
        notes.append(f"{others:,} rows say something else about a customer on the same day: left out.")
    if not any(gate.has(part) for part in SHAPE.known_by):
        notes.append("The customers have no time: their attributes are taken as always known.")
    elif undated:
        notes.append(f"{undated:,} customers have no time: their attributes are taken as always known.")
    if not gate.has("known_at") and gate.has("signed_up_at"):
        notes.append(
            "The customers have no known_at: their attributes are taken as known from the sign-up on."
        )
    if addresses:
        notes.append(
            f"{addresses:,} customer ids look like e-mail addresses, which is personal data: use another id."
        )
    return notes
