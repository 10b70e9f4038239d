"""Dates as they are written: which format a column has, and the SQL that reads it as the shop's local time.

Read without being told: ISO 8601 (with or without time and offset), 19970101, 19970101123000, Unix seconds
(10 digits), milliseconds (13), microseconds (16) and nanoseconds (19), `4 Mar 2020` and `Mar 4, 2020`, and days
and months as numbers. Whether 03/04 is the third of April or March the fourth is decided by the whole column: a
number above 12 settles it. Where none does, or where both readings are settled, the column is refused and
`date_format` must be given. Dots (03.04.2020) mean day first.

Excel's serial days (45355.5) are read only where `date_format = "excel"` says so: a number of days looks like any
other number. A time of day in a column of its own is read as 21:05, 21:05:33, 9:05 PM, 905, 210533 or .878 (of a
day).
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from contracts.errors import DataError

_ISO = r"^\s*[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}"
_OFFSET = r":[0-9]{2}.*([Zz]|UTC|GMT|[+-][0-9]{2}(:?[0-9]{2})?)\s*$"
_NUMERIC = r"^\s*([0-9]{1,2})([/.-])([0-9]{1,2})[/.-]([0-9]{4}|[0-9]{2})(\D.*)?$"
EXCEL = "excel"
_CLOCKS = ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p", "%I:%M%p", "%I:%M:%S%p", "%I %p", "%I%p",
           "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M")  # fmt: skip
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_NAMED = tuple(
    day + time
    for day in ("%d %b %Y", "%d-%b-%Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%y")
    for time in _TIMES
)
# A reading holds although up to this share of the settling values contradicts it (those are unreadable).
_CONTRADICTION_SHARE = 0.01


@dataclass(frozen=True)
class DateStyle:
    """What a column of dates holds: `day_first` is None where no value is written as 03/04/2020."""

    has_offset: bool = False
    only_iso: bool = True
    day_first: bool | None = None


def read_style(con: duckdb.DuckDBPyConnection, columns: list[tuple[str, str]], where: str) -> DateStyle:
    """Return the style of the date columns, each (table, column); raise DataError if it is undecidable."""
    values = " UNION ALL ".join(f"SELECT {column} AS x FROM {table}" for table, column in columns)
    (offsets, others) = con.execute(
        f"""SELECT count(*) FILTER (x LIKE '%:%' AND regexp_matches(x, '{_OFFSET}')),
                   count(*) FILTER (trim(x) <> ''
                                    AND NOT (x LIKE '____-%' AND try_cast(x AS TIMESTAMP) IS NOT NULL))
            FROM ({values})"""
    ).fetchall()[0]
    if not others:
        return DateStyle(has_offset=offsets > 0)
    return DateStyle(has_offset=offsets > 0, only_iso=False, day_first=_day_first(con, values, where))


def _day_first(con: duckdb.DuckDBPyConnection, values: str, where: str) -> bool | None:
    (count, dotted, day, month, example) = con.execute(
        f"""WITH parts AS (
              SELECT x, regexp_extract(x, '{_NUMERIC}', ['a', 's', 'b', 'y', 't']) AS p FROM ({values})
              WHERE regexp_matches(x, '{_NUMERIC}')),
            read AS (SELECT x, p.s = '.' AS dotted, p.a::INT AS a, p.b::INT AS b FROM parts)
            SELECT count(*), count(*) FILTER (dotted),
                   count(*) FILTER (a BETWEEN 13 AND 31 AND b BETWEEN 1 AND 12),
                   count(*) FILTER (b BETWEEN 13 AND 31 AND a BETWEEN 1 AND 12), min(x) FROM read"""
    ).fetchall()[0]
    if not count:
        return None
    if dotted == count:
        return True
    if min(day, month) > _CONTRADICTION_SHARE * max(day, month) or not day + month:
        problem = "both readings occur" if day + month else "day and month cannot be told apart"
        raise DataError(
            f"{where}: unreadable dates such as '{example}': {problem}. Say which in the mapping: "
            'date_format = "%d/%m/%Y" (day first) or "%m/%d/%Y" (month first), with the time if there is one.'
        )
    return bool(day > month)


def local_time(
    column: str,
    kind: str,
    timezone: str,
    date_format: str | None,
    style: DateStyle,
    *,
    time_of_day: tuple[str, str] | None = None,
) -> str:
    """Return the SQL expression that reads a column of this DuckDB type as a local TIMESTAMP, or null.

    time_of_day: another column and its type that holds the time; it counts where the date has none of its own.
    """
    time = _moment(column, kind, literal(timezone), date_format, style)
    if time_of_day is None:
        return time
    later = f"to_microseconds(coalesce({day_time(*time_of_day)}, 0))"
    return f"list_transform([{time}], lambda t: CASE WHEN t = date_trunc('day', t) THEN t + {later} ELSE t END)[1]"


def day_time(column: str, kind: str) -> str:
    """Return the SQL that reads a time of day as microseconds after midnight (BIGINT), or null."""
    if kind == "TIME" or kind.startswith("TIMESTAMP"):
        return f"epoch_us({column}::TIME)"
    text = f"regexp_replace(upper(trim({column}::VARCHAR)), '(\\d)\\.0+$', '\\1')"
    clock = f"try_strptime(replace({text}, '.M.', 'M'), [{', '.join(literal(one) for one in _CLOCKS)}])"
    padded = f"CASE WHEN length({text}) > 4 THEN lpad({text}, 6, '0') ELSE lpad({text}, 4, '0') || '00' END"
    digits = f"try_strptime({padded}, '%H%M%S')"
    share = f"try_cast(replace({text}, ',', '.') AS DOUBLE)"
    return f"""(CASE WHEN regexp_full_match({text}, '\\d{{1,6}}') THEN epoch_us({digits}::TIME)
        WHEN regexp_full_match({text}, '0?[.,]\\d+') THEN round({share} * 864e5)::BIGINT * 1000
        ELSE epoch_us({clock}::TIME) END)"""


def _moment(column: str, kind: str, zone: str, date_format: str | None, style: DateStyle) -> str:
    if "TIME ZONE" in kind or "TIMESTAMPTZ" in kind:
        return _finite(f"timezone({zone}, {column}::TIMESTAMPTZ)")
    if kind.startswith("TIMESTAMP") or kind == "DATE":
        return _finite(f"try_cast({column} AS TIMESTAMP)")
    text = column if kind == "VARCHAR" else f"try_cast({column} AS VARCHAR)"
    if date_format == EXCEL:
        return _serial(text)
    if kind in ("DOUBLE", "FLOAT"):
        text = f"try_cast(try_cast({column} AS BIGINT) AS VARCHAR)"
    if date_format is not None:
        return _finite(_with_format(text, date_format, zone))
    return _finite(_guess(text, zone, style))


def _serial(text: str) -> str:
    """Return the SQL of Excel's days since 1899-12-30, to the millisecond; it knows the years 1900 to 9999."""
    days = f"try_cast(replace({text}, ',', '.') AS DOUBLE)"
    milliseconds = f"round(({days} - 25569) * 864e5)::BIGINT"
    return f"CASE WHEN {days} >= 1 AND {days} < 2958466 THEN epoch_ms({milliseconds}) END"


def literal(text: str) -> str:
    """Return a setting as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def _finite(expression: str) -> str:
    return f"nullif(nullif({expression}, 'infinity'::TIMESTAMP), '-infinity'::TIMESTAMP)"


def _with_format(text: str, date_format: str, zone: str) -> str:
    read = f"try_strptime(trim({text}), {literal(date_format)})"
    if "%z" in date_format or "%Z" in date_format:
        return f"timezone({zone}, {read}::TIMESTAMPTZ)"
    return f"{read}::TIMESTAMP"


def _guess(text: str, zone: str, style: DateStyle) -> str:
    iso = f"CASE WHEN regexp_matches({text}, '{_ISO}') THEN try_cast({text} AS TIMESTAMP) END"
    if style.has_offset:
        # DuckDB wants the offset as +02:00 right behind the time; Shopify writes it as ` +0200`.
        close = f"regexp_replace({text}, '\\s*([+-][0-9]{{2}}):?([0-9]{{2}})\\s*$', '\\1:\\2')"
        close = f"regexp_replace({close}, '\\s+(GMT|[+-][0-9]{{2}})\\s*$', '\\1')"
        aware = f"timezone({zone}, try_cast(replace({close}, 'GMT', 'Z') AS TIMESTAMPTZ))"
        iso = f"CASE WHEN regexp_matches({text}, '{_OFFSET}') THEN {aware} ELSE {iso} END"
    if style.only_iso:
        return iso
    branches = [iso, _digits(f"trim({text})", zone)]
    if style.day_first is not None:
        branches.append(_numeric(text, style.day_first))
    branches.append(
        f"CASE WHEN regexp_matches({text}, '[A-Za-z]{{3}}') THEN {_strptime(f'trim({text})', _NAMED)} END"
    )
    return f"coalesce({', '.join(branches)})"


def _digits(text: str, zone: str) -> str:
    def unix(microseconds: str) -> str:
        return f"timezone({zone}, timezone('UTC', make_timestamp(try_cast({text} AS BIGINT) {microseconds})))"

    return f"""CASE WHEN NOT regexp_full_match({text}, '[0-9]+') THEN NULL
        WHEN length({text}) = 8 THEN try_strptime({text}, '%Y%m%d')
        WHEN length({text}) = 14 THEN try_strptime({text}, '%Y%m%d%H%M%S')
        WHEN length({text}) = 10 THEN {unix("* 1000000")} WHEN length({text}) = 13 THEN {unix("* 1000")}
        WHEN length({text}) = 16 THEN {unix("")} WHEN length({text}) = 19 THEN {unix("// 1000")} END"""


def _numeric(text: str, day_first: bool) -> str:
    plain = f"regexp_replace(trim({text}), '^([0-9]+)[/.-]([0-9]+)[/.-]', '\\1/\\2/')"
    day = "%d/%m/" if day_first else "%m/%d/"
    long = _strptime(plain, tuple(day + "%Y" + time for time in _TIMES))
    short = _strptime(plain, tuple(day + "%y" + time for time in _TIMES))
    return f"""CASE WHEN regexp_matches({text}, '^\\s*[0-9]+[/.-][0-9]+[/.-][0-9]{{4}}') THEN {long}
        WHEN regexp_matches({text}, '^\\s*[0-9]+[/.-][0-9]+[/.-][0-9]{{2}}([^0-9]|$)') THEN {short} END"""


def _strptime(text: str, formats: tuple[str, ...]) -> str:
    return f"try_strptime({text}, [{', '.join(literal(item) for item in formats)}])"
