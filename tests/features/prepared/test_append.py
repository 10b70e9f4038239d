"""A nightly file is added to prepared orders: the result is what all files together give, or nothing changes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from contracts.errors import ArtifactError, DataError, DeclarationError
from features.orders import read_orders
from features.prepared.store import Prepared
from tests.features.cleaning.shop import PLAIN, shop, write
from tests.features.prepared.stores import NEW, OLD, account_of, files_of, lines_of, prepared


def refuses(
    folder: Path, *rows: str, header: str = PLAIN, match: str, error: type[Exception] = DataError
) -> None:
    """Check that a delivery is refused and that everything is as it was, and as it was read."""
    made = prepared(folder)
    manifest, lines = (folder / "prepared/manifest.json").read_bytes(), lines_of(made)
    with pytest.raises(error, match=match):
        made.append(write(folder, *rows, header=header, name="new.csv"))
    assert (folder / "prepared/manifest.json").read_bytes() == manifest
    assert lines_of(Prepared.open(folder / "prepared")).equals(lines)


def test_a_delivery_is_added(tmp_path: Path) -> None:
    grown, known = prepared(tmp_path).append(write(tmp_path, *NEW, name="new.csv"))
    opened = Prepared.open(tmp_path / "prepared")
    assert known == () and opened == grown and len(opened.paths) == 2
    assert lines_of(opened)["order_id"].to_pylist() == ["1", "3", "2", "4"]
    assert account_of(opened)["read"] == 4


def test_nothing_that_was_there_is_written_again(tmp_path: Path) -> None:
    made = prepared(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "prepared/rows").rglob("*.arrow")}
    made.append(write(tmp_path, *NEW, name="new.csv"))
    assert len(before) == 2 and all(path.stat().st_mtime_ns == time for path, time in before.items())


def test_the_same_file_is_left_out_whatever_it_is_called(tmp_path: Path) -> None:
    made, before = prepared(tmp_path), files_of(tmp_path / "prepared")
    copy = write(tmp_path, *OLD, name="copy.csv")
    grown, known = made.append([copy, tmp_path / "old.csv"])
    assert set(known) == {str(copy), str(tmp_path / "old.csv")} and grown.overview == made.overview
    assert files_of(tmp_path / "prepared") == before


def test_a_known_file_beside_a_new_one_is_left_out_alone(tmp_path: Path) -> None:
    grown, known = prepared(tmp_path).append([tmp_path / "old.csv", write(tmp_path, *NEW, name="new.csv")])
    assert known == (str(tmp_path / "old.csv"),) and grown.overview.rows == 4


def test_an_optional_column_that_comes_later_is_empty_before(tmp_path: Path) -> None:
    new = write(
        tmp_path, "a,1,2024-01-01,5,x", "c,4,2024-01-03,8,y", header=f"{PLAIN},category", name="new.csv"
    )
    grown, _ = prepared(tmp_path).append(new)
    assert lines_of(grown)["category"].to_pylist() == ["x", None, "y"]
    assert lines_of(grown).equals(read_orders([tmp_path / "old.csv", new]).lines)


def test_an_optional_column_that_goes_missing_is_empty_after(tmp_path: Path) -> None:
    rows = [f"{row},x" for row in OLD]
    first = write(tmp_path, *rows, header=f"{PLAIN},category", name="old.csv")
    made = Prepared.create(first, tmp_path / "prepared")
    grown, _ = made.append(write(tmp_path, *NEW, name="new.csv"))
    assert lines_of(grown)["category"].to_pylist() == ["x", None, "x", None]


def test_a_cancellation_column_that_comes_later_undoes_an_old_order(tmp_path: Path) -> None:
    new = write(tmp_path, "b,2,2024-01-02,6,2024-01-05", header=f"{PLAIN},cancelled_at", name="new.csv")
    made = Prepared.create(write(tmp_path, *OLD, name="old.csv"), tmp_path / "prepared")
    with pytest.raises(DataError, match="cancelled_at"):
        made.append(new)  # it decides what an order is, so it must be there from the beginning


def test_each_delivery_may_write_its_decimals_in_its_own_way(tmp_path: Path) -> None:
    header = PLAIN.replace(",", ";")
    new = write(tmp_path, "c;4;2024-01-03;12,50", header=header, name="new.csv")
    grown, _ = prepared(tmp_path).append(new)
    assert lines_of(grown)["amount"].to_pylist() == [5.0, 6.0, 12.5]


@pytest.mark.parametrize(
    ("header", "row", "match"),
    [
        (
            f"{PLAIN},sku",
            "a,3,2024-01-03,7,x",
            "has a column for product_id, what was prepared before has none",
        ),
        ("customer_id,date,amount", "a,2024-01-03,7", "before has a column for order_id"),
        (f"{PLAIN},currency", "a,3,2024-01-03,7,USD", "in USD"),
        ("Name,Email,Created at,Lineitem quantity,Lineitem price", "#1,a@b.de,2024-01-03,1,5", "shopify"),
        ("who,what", "a,5", "No mapping fits"),
        (PLAIN, "a,3,soon,7", "unreadable dates"),
    ],
    ids=["another shape", "a part less", "another currency", "another system", "no orders", "no dates"],
)
def test_a_file_that_does_not_fit_is_refused_and_nothing_changes(
    tmp_path: Path, header: str, row: str, match: str
) -> None:
    refuses(tmp_path, row, header=header, match=match)


def test_a_given_mapping_holds_for_later_deliveries(tmp_path: Path) -> None:
    mapping = shop('[columns]\ncustomer_id = "w"\nordered_at = "t"\namount = "m"\n')
    first = write(tmp_path, "a,2024-01-01,5", header="w,t,m", name="old.csv")
    made = Prepared.create(first, tmp_path / "prepared", mapping=mapping)
    grown, _ = made.append(write(tmp_path, "6,b,2024-01-02", header="m,w,t", name="new.csv"))
    assert lines_of(grown)["amount"].to_pylist() == [5.0, 6.0]
    with pytest.raises(DataError, match="the column 'w' of mapping 'shop' is not there"):
        made.append(write(tmp_path, "6,b,2024-01-02", header="m,x,t", name="other.csv"))


def test_dates_that_the_first_file_explained_are_read_alike(tmp_path: Path) -> None:
    first = write(tmp_path, "a,1,13/01/2024,5", "b,2,14/01/2024,6", name="old.csv")
    made = Prepared.create(first, tmp_path / "prepared")
    grown, _ = made.append(write(tmp_path, "c,3,02/03/2024,7", name="new.csv"))
    assert str(lines_of(grown)["ordered_at"][2].as_py()) == "2024-03-02 00:00:00"


def test_what_a_later_file_explains_of_dates_is_remembered(tmp_path: Path) -> None:
    made = prepared(tmp_path)
    made, _ = made.append(write(tmp_path, "c,3,14/01/2024,7", name="second.csv"))
    made, _ = Prepared.open(made.folder).append(write(tmp_path, "d,4,02/03/2024,7", name="third.csv"))
    assert str(lines_of(made)["ordered_at"][3].as_py()) == "2024-03-02 00:00:00"


def test_while_one_process_writes_another_is_refused(tmp_path: Path) -> None:
    made, new = prepared(tmp_path), write(tmp_path, *NEW, name="new.csv")
    holds = "import fcntl; f = open('lock', 'w'); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); input()"
    command = [sys.executable, "-c", holds]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=made.folder
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        with pytest.raises(ArtifactError, match="is being written by another process"):
            made.append(new)
        assert lines_of(Prepared.open(made.folder)).num_rows == 2  # readers are not in the way
        other.communicate("\n")
    assert made.append(new)[0].overview.rows == 4


def test_two_openings_of_one_folder_do_not_undo_each_other(tmp_path: Path) -> None:
    made, stale = prepared(tmp_path), Prepared.open(tmp_path / "prepared")
    made.append(write(tmp_path, NEW[0], name="new.csv"))
    grown, _ = stale.append(write(tmp_path, NEW[1], name="newer.csv"))
    assert len(grown.paths) == 3 and lines_of(Prepared.open(made.folder)).num_rows == 4


def test_prepared_orders_are_no_files_to_prepare(tmp_path: Path) -> None:
    made = prepared(tmp_path)
    for make in (
        lambda: made.append(made.folder),
        lambda: Prepared.create([made.folder], tmp_path / "again"),
    ):
        with pytest.raises(DeclarationError, match="holds prepared orders"):
            make()
    assert not (tmp_path / "again").exists()
