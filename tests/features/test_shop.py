"""A shop's inputs together: guests and accounts, other tables, partitions; a day sees nothing of later ones."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.days import to_day
from contracts.errors import DeclarationError
from features.kernel.declaration import FeatureTable
from features.prepared.process import Tally
from features.prepared.store import Prepared, partitions_of
from features.reading.mapping import Mapping
from features.rulebook import Rules
from features.shop.files import OtherFiles
from features.shop.shop import Shop, open_shop
from tests.features.test_shop_merging import BESIDE, assert_same

pytestmark = pytest.mark.lab  # long searches: make test-lab

FIRST = date(2024, 1, 1)
Row = tuple[str, str, str, int, int]  # customer, e-mail, telephone, day after FIRST, amount
MAILS = ["", "anna@web.de", "Anna@web.de", "anna+shop@web.de", "bob@web.de"]
PHONES = ["", "+49 30 901820", "+49 (30) 901820", "+49 40 428280"]
OWN = st.sampled_from(["a", "b", "c", "d", ""])
DAYS = st.integers(0, 9)
ROWS = st.lists(
    st.tuples(OWN, st.sampled_from(MAILS), st.sampled_from(PHONES), DAYS, st.integers(1, 9)),
    min_size=1,
    max_size=14,
)
LINKS = st.lists(st.tuples(OWN, OWN, DAYS), max_size=3)
APART = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("cd")), max_size=2)
SEEN = st.lists(st.tuples(OWN, st.sampled_from(MAILS), DAYS), max_size=5)
TOLD = st.lists(
    st.tuples(OWN, st.sampled_from(MAILS), DAYS, st.sampled_from("fm")),
    max_size=5,
    unique_by=lambda one: one[::2],
)


def on(day: int) -> str:
    return (FIRST + timedelta(days=day)).isoformat()


def write(path: Path, header: str, rows: Sequence[Sequence[Any]]) -> str:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header.split(","), *rows])
    return str(path)


def orders_file(folder: Path, rows: Sequence[Row]) -> str:
    """Write orders of which every customer is told from the others: a row of the shop's own comes first."""
    lines = [
        (own, mail, phone, f"o{i}", on(day), amount) for i, (own, mail, phone, day, amount) in enumerate(rows)
    ]
    keeper = [("keeper", "", "", "k", on(0), 1)]
    return write(
        folder / "orders.csv", "customer_id,email,phone,order_id,ordered_at,amount", [*keeper, *lines]
    )


@contextmanager
def shop_of(
    rows: Sequence[Row], *, until: int, partitions: int = 0, mapping: Mapping | None = None, **tables: Any
) -> Iterator[Shop]:
    """Open a shop as known on a day after FIRST. tables: the rows of the other tables; partitions: 0 is in memory."""
    headers = {
        "links": "id_a,id_b,known_at", "events": "customer_id,email,occurred_at,kind",
        "customers": "customer_id,email,known_at,gender", "products": "product_id,category,known_at",
        "contacts": "campaign_id,customer_id,sent_at,opened_at",
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = orders_file(folder, rows)
        files: dict[str, Any] = {
            table: (write(folder / f"{table}.csv", headers[table], content),)
            for table, content in tables.items()
            if table in headers and content
        }
        apart = (
            Path(write(folder / "apart.csv", "id_a,id_b", tables["apart"])) if tables.get("apart") else None
        )
        other = OtherFiles(**files, apart=apart, merges=tables.get("merges", True))
        prepared = (
            Prepared.create(file, folder / "prepared", partitions=partitions).folder if partitions else None
        )
        with partitions_of(str(prepared or file), mapping=mapping) as found:
            yield open_shop(found, other, as_of=to_day(FIRST) + until, now=None)


def features_on(shop: Shop, day: int, *, whole: bool = True) -> FeatureTable:
    """Return the features of a day after FIRST, all parts together, in the order of the ids."""
    at = to_day(FIRST) + day
    days = None if whole else (at,)

    def work(_: int, lines: pa.Table) -> FeatureTable:
        return BESIDE.available(shop.optional).compute(shop.history(lines, days=days), at)

    parts = [part for _, part in shop.process(work, Tally(), until=shop.as_of, now=None)]
    table = FeatureTable.stack(parts)
    return table.take(np.argsort(table.customer_id.astype(str), kind="stable"))


def orders_of(table: FeatureTable) -> dict[str, float]:
    return dict(zip(table.customer_id.tolist(), table.columns["orders"].tolist(), strict=True))


ACCOUNT_AND_GUEST: list[Row] = [
    ("anna", "anna@web.de", "", 0, 5),
    ("", "Anna+shop@web.de ", "", 3, 7),
    ("bob", "bob@web.de", "", 1, 2),
]


# ---------------------------------------------------------------- one person under several ids
def test_a_guest_with_the_address_of_an_account_is_one_customer_from_the_day_it_is_seen() -> None:
    with shop_of(ACCOUNT_AND_GUEST, until=9) as shop:
        assert orders_of(features_on(shop, 2)) == {"anna": 1, "bob": 1, "keeper": 1}
        assert orders_of(features_on(shop, 3)) == {"anna": 2, "bob": 1, "keeper": 1}
        assert shop.notes == ["1 customer is one person under several ids (2 ids)."]


def test_an_account_made_later_is_two_customers_until_its_address_is_seen() -> None:
    rows: list[Row] = [("", "anna@web.de", "", 0, 5), ("x1", "", "", 2, 7), ("x1", "anna@web.de", "", 5, 1)]
    with shop_of(rows, until=9) as shop:
        early, late = (orders_of(features_on(shop, day)) for day in (4, 5))
    assert sorted(early.values()) == [1, 1, 1] and sorted(late.values()) == [1, 3]
    assert "x1" in early and "x1" not in late


def test_a_telephone_number_links_and_so_does_a_table() -> None:
    rows: list[Row] = [
        ("a", "", "+49 30 901820", 0, 5),
        ("b", "", "+49-30-901820", 2, 7),
        ("c", "", "", 3, 1),
    ]
    with shop_of(rows, until=9, links=[("c", "b", on(6))]) as shop:
        found = [orders_of(features_on(shop, day)) for day in (1, 2, 5, 6)]
    assert found[:2] == [{"a": 1, "keeper": 1}, {"a": 2, "keeper": 1}]
    assert found[2:] == [{"a": 2, "c": 1, "keeper": 1}, {"a": 3, "keeper": 1}]


def test_an_address_that_only_the_customers_table_knows_links() -> None:
    told = [("x1", "anna@web.de", on(4), "f")]
    with shop_of([*ACCOUNT_AND_GUEST[:2], ("x1", "", "", 1, 1)], until=9, customers=told) as shop:
        assert orders_of(features_on(shop, 3)) == {"anna": 2, "x1": 1, "keeper": 1}
        assert orders_of(features_on(shop, 4)) == {"anna": 3, "keeper": 1}


def test_pairs_that_are_kept_apart_are_two_customers_again() -> None:
    rows: list[Row] = [("a", "anna@web.de", "", 0, 5), ("b", "anna@web.de", "", 2, 7)]
    with shop_of(rows, until=9, apart=[("b", "a")]) as shop:
        assert orders_of(features_on(shop, 9)) == {"a": 1, "b": 1, "keeper": 1}
        assert shop.notes == []


@pytest.mark.parametrize("how", ["option", "rule"])
def test_merging_can_be_switched_off(how: str) -> None:
    mapping = Mapping(name="shop", rules=Rules({"identity": False})) if how == "rule" else None
    with shop_of(ACCOUNT_AND_GUEST, until=9, mapping=mapping, merges=how != "option") as shop:
        assert shop.identity is None
        assert len(orders_of(features_on(shop, 9))) == 4


def test_a_shop_without_addresses_and_other_tables_has_its_partitions_alone(tmp_path: Path) -> None:
    write(
        tmp_path / "o.csv",
        "customer_id,order_id,ordered_at,amount",
        [("a", "1", on(0), 5), ("b", "2", on(1), 5)],
    )
    with partitions_of(str(tmp_path / "o.csv")) as rows:
        shop = open_shop(rows, OtherFiles(), as_of=to_day(FIRST) + 5, now=None)
    assert (shop.identity, shop.count, shop.notes, shop.fingerprint("x")) == (None, 1, [], "x")


def test_rows_that_cleaning_refuses_by_their_date_link_nobody() -> None:
    rows: list[Row] = [
        ("a", "anna@web.de", "", 0, 5),
        ("b", "", "", 2, 7),
        ("b", "anna@web.de", "", -40_000, 7),
    ]
    with shop_of(rows, until=9) as shop:
        assert shop.identity is None


# ---------------------------------------------------------------- parts
def test_lines_of_linked_ids_come_in_a_part_of_their_own_and_every_line_once() -> None:
    with shop_of(ACCOUNT_AND_GUEST, until=9, partitions=4) as shop:
        tally = Tally()
        ids = dict(
            shop.process(
                lambda _, lines: sorted(lines["customer_id"].to_pylist()), tally, until=None, now=None
            )
        )
    assert list(ids) == [0, 1, 2, 3, 4] and shop.count == 5
    assert sorted(own for k in range(4) for own in ids[k]) == ["bob", "keeper"]
    assert ids[4][0] == "anna" and ids[4][1].startswith("guest-")
    assert tally.report(shop.rows).kept == 4


def test_asking_for_some_parts_gives_these_parts_as_in_the_whole() -> None:
    def ids(only: list[int] | None) -> dict[int, list[str]]:
        def work(_: int, lines: pa.Table) -> list[str]:
            return [str(own) for own in lines["customer_id"].to_pylist()]

        return dict(shop.process(work, Tally(), until=None, now=None, only=only))

    with shop_of(ACCOUNT_AND_GUEST, until=9, partitions=3) as shop:
        whole = ids(None)
        for only in ([3], [1], [0, 3]):
            assert ids(only) == {part: whole[part] for part in only}


def test_a_sample_holds_whole_people() -> None:
    rows: list[Row] = [(f"c{i}", f"m{i % 10}@web.de", "", i % 9, 1) for i in range(30)]
    with shop_of(rows, until=9, partitions=4) as shop:
        for most in (1, 4, 7):
            lines = shop.sample(Tally(), until=None, now=None, most=most)
            history = shop.history(lines)
            assert len(history.customer_ids) == most
            people = {own: int(own[1:]) % 10 for own in lines["customer_id"].to_pylist() if own != "keeper"}
            assert all(list(people.values()).count(one) == 3 for one in set(people.values()))


def test_an_earlier_day_of_a_shop_knows_the_links_of_then() -> None:
    with shop_of(ACCOUNT_AND_GUEST, until=9) as shop:
        assert shop.on(to_day(FIRST) + 2).identity is None
        assert shop.on(to_day(FIRST) + 3).identity is not None


# ---------------------------------------------------------------- other tables
def test_events_and_attributes_of_all_ids_of_a_person_are_the_persons() -> None:
    seen = [("anna", "", on(1), "open"), ("", "anna@web.de", on(2), "open"), ("bob", "", on(1), "open")]
    told = [("anna", "", on(1), "f"), ("bob", "", on(0), "m"), ("bob", "", on(8), "f")]
    with shop_of(ACCOUNT_AND_GUEST, until=9, events=seen, customers=told, partitions=2) as shop:
        early, late = features_on(shop, 1), features_on(shop, 9)
        assert shop.optional >= {"events", "customers.gender"} and "customers.age" not in shop.optional
    assert early.columns["opens"].tolist()[:2] == [1, 1] and late.columns["opens"].tolist()[:2] == [2, 1]
    assert [chr(int(one)) for one in early.columns["gender"][:2]] == ["f", "m"]
    assert [chr(int(one)) for one in late.columns["gender"][:2]] == ["f", "f"]


def test_contacts_are_events_where_there_is_no_table_of_events() -> None:
    sent = [("spring", "bob", on(1), on(2)), ("spring", "anna", on(1), "")]
    with shop_of(ACCOUNT_AND_GUEST, until=9, contacts=sent) as shop:
        assert features_on(shop, 9).columns["opens"].tolist() == [0, 1, 0]
    with shop_of(ACCOUNT_AND_GUEST, until=9, contacts=sent, events=[("anna", "", on(1), "open")]) as shop:
        assert features_on(shop, 9).columns["opens"].tolist() == [1, 0, 0]
        assert [report.table for report in shop.reports] == ["events", "contacts"]


def test_products_fill_lines_of_the_days_from_which_they_are_known(tmp_path: Path) -> None:
    rows = [("a", "1", on(0), 5, "p"), ("a", "2", on(4), 5, "p"), ("b", "3", on(4), 5, "q")]
    write(tmp_path / "o.csv", "customer_id,order_id,ordered_at,amount,product_id", rows)
    products = write(
        tmp_path / "p.csv", "product_id,category,created_at", [("p", "Tea", on(3)), ("q", "", on(0))]
    )
    with partitions_of(str(tmp_path / "o.csv")) as found:
        shop = open_shop(found, OtherFiles(products=(products,)), as_of=to_day(FIRST) + 9, now=None)
        ((_, history),) = shop.process(lambda _, lines: shop.history(lines), Tally(), until=None, now=None)
    assert "category" in shop.optional and "cost" not in shop.optional
    assert history.lines.table["category"].to_pylist() == [None, "Tea", None]


def test_a_mapping_without_its_file_is_refused() -> None:
    with pytest.raises(DeclarationError, match="no file of events"):
        OtherFiles(maps={"events": Path("events.toml")})
    with pytest.raises(DeclarationError, match="no table 'event'"):
        OtherFiles(maps={"event": Path("events.toml")})


def test_what_is_known_besides_the_lines_changes_the_fingerprint() -> None:
    with (
        shop_of(ACCOUNT_AND_GUEST, until=9) as one,
        shop_of(ACCOUNT_AND_GUEST, until=9, merges=False) as other,
    ):
        assert one.fingerprint("x") != other.fingerprint("x") == "x"


# ---------------------------------------------------------------- the truth about time and partitions
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ROWS, LINKS, APART, SEEN, TOLD, DAYS)
def test_a_cutoff_equals_reading_only_rows_up_to_it_whatever_the_partitions(
    rows: list[Row], links: Any, apart: Any, seen: Any, told: Any, day: int
) -> None:
    def tables(until: int) -> dict[str, Any]:
        return {
            "links": [(one, other, on(at)) for one, other, at in links if at <= until],
            "apart": apart,
            "events": [
                (own, mail, on(at), "open") for own, mail, at in [("keeper", "", 0), *seen] if at <= until
            ],
            "customers": [
                (o, m, on(at), g) for o, m, at, g in [("keeper", "", 0, "f"), *told] if at <= until
            ],
        }

    cut = [row for row in rows if row[3] <= day]
    with shop_of(cut, until=day, **tables(day)) as shop:
        expected = features_on(shop, day, whole=False)
    with shop_of(rows, until=9, partitions=3, **tables(9)) as shop:
        assert_same(features_on(shop, day), expected)
        lines = shop.sample(Tally(), until=None, now=None, most=100)
        assert_same(BESIDE.compute(shop.history(lines), to_day(FIRST) + day), expected)
