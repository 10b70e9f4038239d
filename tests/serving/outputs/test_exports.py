from __future__ import annotations

import csv
import hashlib
import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import ArtifactError, DataError, DeclarationError
from contracts.tables import PERSONAL
from serving.outputs import FORMATS, Written, only_changed, tables_of, write_export
from serving.outputs.aside import written_aside
from serving.stored.where import Where
from tests.serving.outputs.scores import ranking, store

PEOPLE = pa.Table.from_pylist(
    [{"customer_id": own, "email": f"{own}@x.de"} for own in "abcd"], schema=PERSONAL
)


def export(tmp_path: Path, *ids: str, **how: Any) -> Written:
    name = {"klaviyo": "out.zip", "braze": "out.jsonl"}.get(how["format"], f"out.{how['format']}")
    name = "out.csv" if how["format"] in ("meta", "google", "generic") else name
    return write_export(store(tmp_path, *ids), tmp_path / name, **how)


def sheet(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def ids(path: Path) -> list[str]:
    return [row["customer_id"] for row in sheet(path)]


def test_an_export_holds_the_whole_ranking_best_first(tmp_path: Path) -> None:
    found = export(tmp_path, "0017", "b", "c", format="parquet")
    assert pq.read_table(found.path).equals(ranking("0017", "b", "c"))
    assert (found.rows, found.suppressed, found.personal, found.notes) == (3, 0, None, ())
    data = found.path.read_bytes()
    assert (found.bytes, found.sha256) == (len(data), hashlib.sha256(data).hexdigest())


def test_filter_columns_and_limit_choose(tmp_path: Path) -> None:
    where = Where(tier=("focus",))  # every second one
    found = export(tmp_path, *"abcdefg", format="csv", where=where, columns=["tier", "customer_id"], limit=3)
    assert [list(row.values()) for row in sheet(found.path)] == [["focus", own] for own in "ace"]


@pytest.mark.parametrize("name", FORMATS)
def test_no_export_holds_a_suppressed_customer(tmp_path: Path, name: str) -> None:
    found = export(tmp_path, *"abcd", format=name, suppressed=frozenset("bx"), personal=PEOPLE)
    assert (found.rows, found.suppressed) == (3, 1)
    files = [found.path] if found.personal is None else [found.path, found.personal]
    assert not any(b"b@x.de" in file.read_bytes() for file in files)
    if name not in ("klaviyo", "parquet", "meta", "google"):
        assert b'"b"' not in found.path.read_bytes()


@pytest.mark.parametrize(
    ("name", "where"), [("csv", "they are not in out-personal.csv"), ("generic", "their fields are empty")]
)
def test_customers_without_an_address_are_counted(tmp_path: Path, name: str, where: str) -> None:
    found = export(tmp_path, "a", "x", "y", format=name, personal=PEOPLE)
    assert found.rows == 3
    assert found.notes[-1] == f"2 of the 3 customers have no address that may be used: {where}."


def test_a_database_gets_no_suppressed_customer(tmp_path: Path) -> None:
    tables = tables_of(store(tmp_path, *"abc"), suppressed=frozenset("b"))
    assert [own for table in tables for own in table["customer_id"].to_pylist()] == ["a", "c"]


def test_the_limit_counts_who_is_left(tmp_path: Path) -> None:
    found = export(tmp_path, *"abcdefg", format="csv", suppressed=frozenset("ab"), limit=4)
    assert ids(found.path) == list("cdef")


def test_only_those_who_changed_are_exported_if_asked(tmp_path: Path) -> None:
    only = only_changed(pa.table({"customer_id": ["c", "gone", "a"]}))
    assert ids(export(tmp_path, *"abc", format="csv", only=only).path) == ["a", "c"]
    with pytest.raises(DataError, match="does not tell who changed"):
        only_changed(None)


def test_addresses_stand_in_a_file_of_their_own_beside_the_scores(tmp_path: Path) -> None:
    found = export(tmp_path, *"abz", format="csv", personal=PEOPLE)
    assert b"@" not in found.path.read_bytes() and found.personal == tmp_path / "out-personal.csv"
    assert sheet(found.personal)[0] == {"customer_id": "a", "email": "a@x.de", "phone": ""}
    assert ids(found.personal) == ["a", "b"] and ids(found.path) == ["a", "b", "z"]
    assert stat.S_IMODE(found.personal.stat().st_mode) == 0o600


def test_audiences_hold_the_addresses_for_the_owners_eyes_only(tmp_path: Path) -> None:
    found = export(tmp_path, *"ab", format="generic", personal=PEOPLE, columns=["tier"])
    assert sheet(found.path)[0] == {"customer_id": "a", "tier": "focus", "email": "a@x.de", "phone": ""}
    assert found.personal is None and stat.S_IMODE(found.path.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["klaviyo", "braze", "generic"])
def test_tools_that_know_ids_need_no_personal_table(tmp_path: Path, name: str) -> None:
    assert export(tmp_path, *"ab", format=name).rows == 2


@pytest.mark.parametrize("name", ["meta", "google"])
def test_audiences_of_hashes_need_the_personal_table(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="Give the personal table"):
        export(tmp_path, "a", format=name)


def test_customers_without_an_address_are_in_no_audience_of_hashes(tmp_path: Path) -> None:
    found = export(tmp_path, *"azb", format="google", personal=PEOPLE)
    assert (found.rows, found.unreachable) == (2, 1) and len(sheet(found.path)) == 2


@pytest.mark.parametrize("name", ["klaviyo", "braze", "generic", "meta", "google"])
def test_without_a_known_consent_nobody_is_in_an_audience(tmp_path: Path, name: str) -> None:
    people = PEOPLE.append_column("consent_email", pa.array([True, False, None, None], pa.bool_()))
    found = export(tmp_path, *"abcd", format=name, personal=people)
    assert (found.rows, found.unreachable) == (1, 3) and "consent" in found.notes[0]


def test_other_tools_get_few_columns_unless_others_are_asked_for(tmp_path: Path) -> None:
    found = export(tmp_path, "a", format="braze")
    (line,) = found.path.read_text().splitlines()
    given = json.loads(line)["attributes"][0]
    assert len(given) == 17 and given["repurchase_p_repurchase_90d"] == pytest.approx(90 / 700)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"format": "xml"}, "no format 'xml'.*Formats are csv, jsonl"),
        ({"format": "csv", "columns": ["teir"]}, "no column 'teir', did you mean 'tier'"),
        ({"format": "csv", "columns": ["tier", "tier"]}, "asked for twice"),
        ({"format": "csv", "columns": []}, "no column is asked for"),
        ({"format": "csv", "limit": 0}, "leaves nobody"),
        ({"format": "parquet", "excel_safe": True}, "no spreadsheet"),
        ({"format": "braze", "columns": ["curve"]}, "curve is a list"),
        ({"format": "meta", "columns": ["tier"], "personal": PEOPLE}, "are fixed"),
    ],
)
def test_a_wrong_choice_is_refused_before_anything_is_written(
    tmp_path: Path, how: dict[str, Any], words: str
) -> None:
    with pytest.raises(DeclarationError, match=words):
        export(tmp_path, "a", **how)
    assert [path.name for path in tmp_path.iterdir()] == ["ranking"]


def test_a_file_of_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match=r"a parquet file ends with \.parquet"):
        write_export(store(tmp_path, "a"), tmp_path / "out.csv", format="parquet")


def test_a_failed_export_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "out.json").write_text("before")
    with pytest.raises(DeclarationError, match=r"\.zip"):
        write_export(
            store(tmp_path, *(str(n) for n in range(10_001))),
            tmp_path / "out.json",
            format="klaviyo",
            columns=["tier"],
        )
    assert (tmp_path / "out.json").read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.json", "ranking"]


FULL = """
import resource, signal, sys
from pathlib import Path
from contracts.errors import ArtifactError
from serving.outputs import write_export
from serving.store import Store
store = Store.open(Path(sys.argv[1]))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
endings = {"csv": "csv", "jsonl": "jsonl", "parquet": "parquet", "braze": "jsonl", "klaviyo": "zip"}
for name in endings:
    try:
        write_export(store, Path(sys.argv[2]) / f"out.{endings[name]}", format=name)
    except ArtifactError as error:
        print(error)
"""


def test_a_full_disk_is_one_message_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    store(tmp_path, *(f"{number * 7919 % 100_003}" for number in range(4_000)))
    out = tmp_path / "out"
    out.mkdir()
    told = subprocess.run(
        [sys.executable, "-c", FULL, tmp_path / "ranking", out],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert told.stdout.count("the export was not written (File too large)") == 5, told.stderr
    assert not told.stderr and list(out.iterdir()) == []


def test_what_a_killed_run_left_is_removed_and_what_another_writes_now_stays(tmp_path: Path) -> None:
    (tmp_path / ".out[1].csv.dead.writing").write_text("a@x.de")
    with written_aside(tmp_path / "out[1].csv") as first, written_aside(tmp_path / "out[1].csv") as second:
        assert sorted(tmp_path.iterdir()) == sorted([first, second])
    assert list(tmp_path.iterdir()) == [tmp_path / "out[1].csv"]


def test_the_rankings_own_files_are_not_written_over(tmp_path: Path) -> None:
    opened = store(tmp_path, "a")
    with pytest.raises(ArtifactError, match="is a link"):
        write_export(opened, tmp_path / "ranking/scores.csv", format="csv", columns=["tier"])


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "out.csv").mkdir()
    with pytest.raises(ArtifactError, match="is a folder"):
        export(tmp_path, "a", format="csv")
