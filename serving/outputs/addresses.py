"""E-mail addresses and telephone numbers for exports: one of each per customer, from the personal table alone.

The personal table is contracts.tables.PERSONAL: customer_id, known_day, email, phone (E.164), several rows a customer.
It may have consent_email and consent_sms as well (yes, no, or null: unknown). The last known address of a customer
counts, and the last known word on consent. Where the table has a consent column, an address is given out only with a
yes; what was never answered is no yes, and consent to one kind is none to the other. Where it has no such column,
nothing is known and nobody is left out: `assumed` says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contracts.errors import DataError
from features.identity.keys import normal_email_sql

CONSENTS = {"email": "consent_email", "phone": "consent_sms"}
_NUMBER = r"\+[1-9][0-9]{6,14}"
_NEEDED = ("customer_id", "email", "phone")


@dataclass(frozen=True)
class Addresses:
    """One row per customer: customer_id, email, phone; null where there is none or no consent to use it.

    told: about which of the two the table tells consent.
    """

    table: pa.Table
    told: tuple[str, ...]

    @property
    def assumed(self) -> str:
        """What was assumed of consent, in a sentence."""
        needs = ", ".join(CONSENTS[name] for name in self.told)
        if not self.told:
            return (
                "The personal table does not tell consent (consent_email, consent_sms): nobody was left out for "
                "want of it. Whoever uses the file must have it."
            )
        without = [name for name in CONSENTS if name not in self.told]
        more = f" It tells none for {without[0]}, so none is given out." if without else ""
        return f"Addresses are given out only with a known consent ({needs}).{more}"

    def beside(self, table: pa.Table) -> pa.Table:
        """Return a table with columns email and phone beside its customers."""
        places = pc.index_in(table["customer_id"], self.table["customer_id"].combine_chunks())
        for name in ("email", "phone"):
            table = table.append_column(name, self.table[name].take(places))
        return table


def addresses_of(personal: pa.Table) -> Addresses:
    """Return the addresses that may be given out; DataError if the table is no personal table."""
    import duckdb  # here: a server that gives out no addresses saves 20 MB

    personal = typed(personal)
    told = tuple(name for name, consent in CONSENTS.items() if consent in personal.column_names)
    known = "known_day" if "known_day" in personal.column_names else "NULL"
    valid = {
        "email": f"{normal_email_sql('email')} IS NOT NULL",
        "phone": f"regexp_full_match(phone, '{_NUMBER}')",
    }
    last = ", ".join(
        f"arg_max({_trimmed(name)}, since ORDER BY {name}) FILTER ({valid[name]}) AS {name}"
        for name in CONSENTS
    )
    agreed = "".join(
        f", arg_max({CONSENTS[name]}, since) FILTER ({CONSENTS[name]} IS NOT NULL) AS {CONSENTS[name]}"
        for name in told
    )
    given = ", ".join(_given(name, told) for name in CONSENTS)
    with duckdb.connect() as engine:
        engine.register("personal", personal)
        rows = engine.sql(
            f"""SELECT customer_id, {given} FROM (
                  SELECT customer_id, {last}{agreed}
                  FROM (SELECT *, coalesce({known}, -2147483648) AS since FROM personal) GROUP BY customer_id)
                ORDER BY customer_id"""
        ).to_arrow_table()
    return Addresses(rows, told)


def read_personal(path: Path) -> pa.Table:
    """Read a personal table from Parquet; DataError if there is none or it is damaged."""
    if not path.is_file():
        raise DataError(f"{path}: there is no such file. Give the personal table, or leave it out.")
    try:
        return pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{path}: this is no Parquet file that can be read ({error}). Write it again."
        ) from None


def typed(personal: pa.Table) -> pa.Table:
    """Return a personal table whose texts are texts and whose consents are yes or no; DataError if it is none."""
    missing = [name for name in _NEEDED if name not in personal.column_names]
    if missing:
        raise DataError(
            f"the personal table has no column {', '.join(missing)} (found: {', '.join(personal.column_names)}). "
            "It needs customer_id, email and phone."
        )
    for name in _NEEDED:
        personal = _cast(personal, name, pa.string())
    for name in CONSENTS.values():
        if name in personal.column_names:
            personal = _cast(personal, name, pa.bool_())
    return personal


def _cast(table: pa.Table, name: str, kind: pa.DataType) -> pa.Table:
    column = table[name]
    if not (
        column.type == kind
        or pa.types.is_null(column.type)
        or (pa.types.is_string(kind) and _is_text(column.type))
    ):
        raise DataError(f"the personal table's column {name} is {column.type}, not {kind}. Write it again.")
    return table.set_column(table.column_names.index(name), name, column.cast(kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_large_string(kind) or pa.types.is_dictionary(kind))


def _given(name: str, told: tuple[str, ...]) -> str:
    """Return the SQL of an address that may be given out."""
    if not told:
        return name
    return (
        f"CASE WHEN {CONSENTS[name]} THEN {name} END AS {name}"
        if name in told
        else f"NULL::VARCHAR AS {name}"
    )


def _trimmed(name: str) -> str:
    return f"trim({name}, ' ' || chr(9) || chr(10) || chr(13) || chr(160) || chr(8203) || chr(65279))"
