"""The gate finds nothing in what we ship, and finds and names every leak that is planted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from contracts.days import to_date, to_day
from contracts.errors import DataError, DeclarationError
from experiments.leakage import LeakageReport, Reading, check_leakage, gate
from features.catalog import CATALOG
from features.cleaning import clean
from features.cleaning.kept import as_lines
from features.cleaning.rules import CODES
from features.identity.apply import merged, split_as_known
from features.identity.components import first_order_days, history_of
from features.identity.evidence import ALWAYS, EVIDENCE
from features.identity.links import Links
from features.kernel.declaration import Catalog, feature
from features.kernel.history import History
from features.kernel.past import Past
from features.kernel.population import Population, Sums, reference
from features.kernel.reference import Reference, References
from features.kernel.running import Floats
from features.orders import read_orders
from features.own import load_features
from features.prepared.store import Prepared, partitions_of
from features.references import fit_over
from features.tables.customers import read_customers
from features.tables.events import read_events
from tests.worlds import FIRST, Row, order_rows, write_csv

pytestmark = pytest.mark.lab  # many trainings or long searches: make test-lab

AS_OF = to_day(FIRST) + 400
ROWS = [
    {**row, "channel": ("web", "shop")[int(row["order_id"][-1]) % 2],
     "country": ("DE", "FR")[int(row["customer_id"]) % 2]}
    for row in order_rows(customers=160, days=430, seed=11)
]  # fmt: skip
IDS = sorted({row["customer_id"] for row in ROWS})
EVENTS = [
    {"customer_id": name, "occurred_at": str(FIRST + timedelta(days=7 * week + place % 7)), "kind": kind}
    for place, name in enumerate(IDS)
    for week in range(0, 61, 1 + place % 5)
    for kind in ("email_sent", "email_open", "visit")[: 1 + (week + place) % 3]
]
PEOPLE = [
    {"customer_id": name, "known_at": str(FIRST + timedelta(days=(37 * place + 150 * turn) % 430)),
     "age": 20 + place % 50 + turn, "gender": "fm"[place % 2], "region": ("north", "south", "east")[(place + turn) % 3],
     "device": ("phone", "desktop")[place % 2], "signup_date": str(FIRST), "consent_email": ("yes", "no")[turn],
     "consent_sms": "no", "consent_push": "yes"}
    for place, name in enumerate(IDS)
    for turn in range(2)
]  # fmt: skip


def cut_at(rows: Sequence[Row], day: int, column: str) -> list[Row]:
    return [row for row in rows if to_day(date.fromisoformat(row[column][:10])) <= day]


def reading(folder: Path, cutoff: int, *, until: int, cut: bool) -> Reading:
    """Read the shop's files; cut: rows after the cutoff are not in the files at all."""
    folder.mkdir(parents=True)
    files = {}
    for name, rows, column in (
        ("orders", ROWS, "ordered_at"), ("events", EVENTS, "occurred_at"), ("customers", PEOPLE, "known_at"),
    ):  # fmt: skip
        files[name] = write_csv(folder / f"{name}.csv", cut_at(rows, cutoff, column) if cut else rows)
    orders = read_orders(files["orders"], until=None if cut else until)
    events = read_events(files["events"], until=until, timezone="UTC")
    people = read_customers(files["customers"], until=cutoff, timezone="UTC")
    return Reading(History.from_lines(orders.lines, events=events.rows, customers=people.customers))


# ---------------------------------------------------------------- what we ship
@pytest.mark.parametrize("ago", [35, 160, 330])
def test_every_feature_is_the_same_from_files_that_are_cut_at_the_cutoff(tmp_path: Path, ago: int) -> None:
    cutoff = AS_OF - ago
    whole = reading(tmp_path / "whole", cutoff, until=AS_OF, cut=False)
    cut = reading(tmp_path / "cut", cutoff, until=AS_OF, cut=True)
    assert whole.history.last_order_day > cutoff >= cut.history.last_order_day
    report = check_leakage(whole, cut, cutoff=cutoff)
    tables = {name for one in CATALOG for name in one.needs_reference}
    assert (report.features, report.references) == (len(CATALOG), len(tables))
    assert report.customers > 20


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_csv(tmp_path_factory.mktemp("leakage") / "orders.csv", ROWS)


def run(orders: Path, *, catalog: Catalog = CATALOG, seed: int = 3) -> LeakageReport:
    with partitions_of([orders], until=AS_OF) as rows:
        return gate(rows, as_of=AS_OF, now=None, catalog=catalog, seed=seed)


def test_the_gate_passes_and_says_what_it_compared(orders: Path) -> None:
    report = run(orders)
    assert FIRST < to_date(report.cutoff) < to_date(AS_OF)
    assert report.customers > 20 and report.features > 100 and report.references >= 3
    assert report.to_dict()["cutoff"] == to_date(report.cutoff).isoformat()


def test_the_day_follows_from_the_seed(orders: Path) -> None:
    assert run(orders, seed=5) == run(orders, seed=5)
    assert len({run(orders, seed=seed).cutoff for seed in range(4)}) > 1


def test_a_prepared_partition_is_checked_alone(orders: Path, tmp_path: Path) -> None:
    rows = Prepared.create(orders, tmp_path / "prepared", partitions=4)
    report = gate(rows, as_of=AS_OF, now=None, seed=1)
    assert 0 < report.customers < len(IDS) / 2


def test_a_shop_of_one_day_has_nothing_to_compare(tmp_path: Path) -> None:
    rows = [row for row in ROWS if row["ordered_at"][:10] == ROWS[0]["ordered_at"][:10]]
    assert run(write_csv(tmp_path / "day.csv", rows)).customers == 0


# ---------------------------------------------------------------- planted leaks: features
@feature("Orders, later ones too.", unit="lines", family="own")
def lines_ever(past: Past) -> Floats:
    return np.diff(past._history.lines.starts)[past.customers].astype(np.float64)


@feature("Twice the same.", unit="lines", family="own")
def lines_ever_twice(past: Past) -> Floats:
    return 2.0 * lines_ever.compute(past)


def test_a_feature_that_peeks_is_named_with_a_customer_and_both_values(orders: Path) -> None:
    with pytest.raises(DeclarationError) as caught:
        run(orders, catalog=Catalog([*CATALOG, lines_ever, lines_ever_twice]))
    words = str(caught.value)
    assert words.startswith("feature 'lines_ever' (and so do lines_ever_twice) sees the future: customer '0")
    assert "when later orders are in the file and" in words and "customers differ" in words


def test_an_own_feature_that_peeks_is_named(orders: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "import numpy as np\n"
        "from features.kernel.declaration import feature\n"
        "@feature('Lines, later ones too.', unit='lines', family='own')\n"
        "def lines_to_come(past): return np.diff(past._history.lines.starts)[past.customers] - past.sum('lines')\n"
    )
    with pytest.raises(DeclarationError, match="feature 'lines_to_come' sees the future"):
        run(orders, catalog=load_features(path))


# ---------------------------------------------------------------- planted leaks: cleaning
def leaving(rows: pa.Table, frame: clean.Frame) -> np.ndarray:
    """Refuse every customer whose last row takes something back."""
    reason = honest(rows, frame)
    last: dict[str, tuple[Any, bool]] = {}
    for row in rows.select(["customer_id", "ordered_at", "back"]).to_pylist():
        own = (row["ordered_at"], row["back"])
        last[row["customer_id"]] = max(last.get(row["customer_id"], own), own)
    gone = [last[name][1] for name in rows["customer_id"].to_pylist()]
    reason[np.array(gone, dtype=bool)] = CODES["test_order"]
    return reason


honest = clean._with_dated_reasons


def test_a_rule_with_hindsight_is_named(orders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clean, "_with_dated_reasons", leaving)
    with pytest.raises(
        DataError, match="the cleaning rule test_order sees the future: customer '0"
    ) as caught:
        run(orders)
    assert "[rules] test_order = false" in str(caught.value)


def test_lines_that_change_without_a_reason_are_told(orders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rounded(*given: Any) -> pa.Table:
        lines = as_lines(*given)
        mean = pc.mean(lines["amount"])
        return lines.set_column(
            lines.column_names.index("amount"), "amount", pc.min_element_wise(lines["amount"], mean)
        )

    monkeypatch.setattr(clean, "as_lines", rounded)
    with pytest.raises(DataError, match="the cleaning of order lines sees the future: customer '0"):
        run(orders)


# ---------------------------------------------------------------- planted leaks: links
SEEN = [("00001", "email:x", to_day(FIRST)), ("00002", "email:x", AS_OF - 10)]


def people(folder: Path, day: int, *, known: int | None) -> Reading:
    """Read the shop up to a day and merge who shares an address; known: the day that links are said to be known."""
    lines = read_orders(write_csv(folder / f"{day}.csv", cut_at(ROWS, day, "ordered_at"))).lines
    rows = [dict(zip(EVIDENCE.names, row, strict=True)) for row in SEEN if row[2] <= day]
    links = Links.of_evidence(pa.Table.from_pylist(rows, schema=EVIDENCE))
    if known is not None:
        days = pa.array([known] * len(links), pa.int32())
        links = Links.of(days, links.a, links.b, links.why)
    ids = history_of(links, first_days=first_order_days(lines))
    keyed = split_as_known(merged(lines, ids), ids, day=AS_OF - 100)
    return Reading(History.from_lines(keyed.drop_columns(["own_id"])))


def test_a_link_with_its_day_is_no_leak(tmp_path: Path) -> None:
    whole, cut = (people(tmp_path, day, known=None) for day in (AS_OF, AS_OF - 100))
    assert check_leakage(whole, cut, cutoff=AS_OF - 100).customers > 50


def test_a_link_without_its_day_is_named(tmp_path: Path) -> None:
    whole, cut = (people(tmp_path, day, known=ALWAYS) for day in (AS_OF, AS_OF - 100))
    with pytest.raises(DataError, match="the link between '00001' and '00002' sees the future"):
        check_leakage(whole, cut, cutoff=AS_OF - 100)


def test_a_link_that_is_made_beside_the_lines_is_told(orders: Path) -> None:
    def linked(lines: pa.Table, until: int) -> History:
        names = pc.replace_with_mask(
            lines["customer_id"].cast(pa.string()).combine_chunks(),
            pc.equal(
                lines["customer_id"].cast(pa.string()).combine_chunks(), "00002" if until == AS_OF else "none"
            ),
            "00001",
        )
        table = lines.set_column(0, "customer_id", names)
        return History.from_lines(
            table.sort_by([(name, "ascending") for name in ("customer_id", "day", "ordered_at")])
        )

    with (
        partitions_of([orders], until=AS_OF) as rows,
        pytest.raises(DataError, match="A link between two ids"),
    ):
        gate(rows, as_of=AS_OF, now=None, seed=3, histories=linked)


# ---------------------------------------------------------------- planted leaks: reference tables
def counted(totals: Sums) -> Floats:
    return totals["lines"]


@reference("Lines of the product, later ones too.", key="product_id", finish=counted)
def lines_whenever(population: Population) -> Sums:
    codes = population._lines.text("product_id").codes
    return {"lines": np.bincount(codes[codes >= 0], minlength=len(population.keys)).astype(np.float64)}


@reference("Lines of the product.", key="product_id", finish=counted)
def lines_then(population: Population) -> Sums:
    return {"lines": population.lines()}


@feature("Lines.", unit="lines", family="own", needs=("product_id",), needs_reference=("lines_whenever",))
def mean_whenever(past: Past) -> Floats:
    return past.reference_mean("lines_whenever", "product_id")


@feature("Lines.", unit="lines", family="own", needs=("product_id",), needs_reference=("lines_then",))
def mean_then(past: Past) -> Floats:
    return past.reference_mean("lines_then", "product_id")


def test_a_table_that_counts_later_orders_is_named(orders: Path) -> None:
    with pytest.raises(DeclarationError, match="reference table 'lines_whenever' sees the future: for 'p0"):
        run(orders, catalog=Catalog([*CATALOG, mean_whenever]))


def test_a_table_fitted_on_everything_is_named(tmp_path: Path) -> None:
    def everything(history: History, day: int) -> References:
        last = history.last_order_day
        fitted = fit_over([history], [last], catalog)[last].tables
        return References({name: Reference(day, one.keys, one.values) for name, one in fitted.items()})

    catalog = Catalog([*CATALOG.pick(["orders"]), mean_then])
    whole, cut = (people(tmp_path, day, known=None) for day in (AS_OF, AS_OF - 100))
    assert check_leakage(whole, cut, cutoff=AS_OF - 100, catalog=catalog).references == 1
    with pytest.raises(DeclarationError, match="reference table 'lines_then' sees the future"):
        check_leakage(whole, cut, cutoff=AS_OF - 100, catalog=catalog, fit=everything)
