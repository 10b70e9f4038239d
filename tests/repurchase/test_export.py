from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import typer
from typer.testing import CliRunner

from contracts.errors import ArtifactError, DataError, DeclarationError, RepurchaseError
from repurchase import commands_export
from repurchase.export_job import Exported, ExportJob, export
from serving.outputs.people import read_people
from serving.store import publish
from serving.stored.where import Where
from tests import postgres
from tests.serving.outputs.scores import ranking

NOW = datetime(2024, 6, 1, tzinfo=UTC)
PEOPLE = """customer_id,email,phone,accepts_marketing
0017,anna@x.de,+49 170 1234567,yes
b,bert@x.de,,no
c,carl@x.de,,
"""


def published(tmp_path: Path, *ids: str) -> Path:
    publish(ranking(*ids), tmp_path / "ranking", manifest={})
    return tmp_path / "ranking"


def run(tmp_path: Path, *ids: str, **how: Any) -> Exported:
    given: dict[str, Any] = {"out": tmp_path / "out.csv", "where": Where()} | how
    return export(ExportJob(ranking=published(tmp_path, *ids), now=NOW, **given))


def written(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


@contextmanager
def server() -> Iterator[str]:
    """Run a PostgreSQL server and yield its address."""
    with postgres.running() as (folder, _):
        yield f"postgresql://postgres@/postgres?host={folder}"


def ids(path: Path) -> list[str]:
    with path.open(newline="", encoding="utf-8") as file:
        return [row["customer_id"] for row in csv.DictReader(file)]


def command(*words: str | Path) -> tuple[int, str]:
    app = typer.Typer()
    app.callback()(lambda: None)
    commands_export.add_to(app)
    found = CliRunner().invoke(app, ["export", *map(str, words)])
    if isinstance(found.exception, RepurchaseError):
        raise found.exception
    return found.exit_code, found.output


def test_the_command_filters_writes_and_ends_with_one_line(tmp_path: Path) -> None:
    folder, out = published(tmp_path, *"abcde"), tmp_path / "out.csv"
    barred = written(tmp_path, "no.txt", "c\n")
    asked = (folder, "--tier", "focus", "--columns", "customer_id, tier", "--suppress", barred, "--out", out)
    code, said = command(*asked)
    assert (code, said) == (0, f"2 customers (1 suppressed): {out}\n")
    assert ids(out) == ["a", "e"]


def test_a_stage_that_nobody_is_in_today_is_a_file_without_rows(tmp_path: Path) -> None:
    folder, out = published(tmp_path, "a"), tmp_path / "out.csv"
    code, said = command(folder, "--lifecycle", "churning", "--country", "AQ", "--out", out)
    assert (code, ids(out)) == (0, []) and said.startswith("0 customers")


def test_all_bounds_are_options(tmp_path: Path) -> None:
    folder, out = published(tmp_path, *(f"{n:03}" for n in range(30))), tmp_path / "out.csv"
    command(
        folder, "--percentile-max", "99.99", "--value-min", "0.05", "--value-max", "1", "--p-min", "0.05", "--p-max",
        "1", "--last-order-from", "1998-03-10", "--last-order-to", "1998-03-28", "--search", "01", "--limit", "5",
        "--out", out,
    )  # fmt: skip
    assert ids(out) == ["010", "011", "012", "013", "014"]


@pytest.mark.parametrize(
    ("option", "value", "known"),
    [
        ("--p-min", "80", "less than or equal to 1"),
        ("--p-max", "-3", "greater than or equal to 0"),
        ("--percentile-min", "900", "less than or equal to 100"),
        ("--value-max", "inf", "less than or equal to 1"),
    ],
)
def test_a_number_out_of_its_range_is_refused(tmp_path: Path, option: str, value: str, known: str) -> None:
    code, said = command(published(tmp_path, "a"), option, value, "--out", tmp_path / "out.csv")
    assert code == 2 and known in said
    assert not (tmp_path / "out.csv").exists()


def test_addresses_and_consent_come_from_a_customers_file(tmp_path: Path) -> None:
    people = written(tmp_path, "people.csv", PEOPLE)
    found = run(tmp_path, "0017", "b", "c", format="generic", columns=["tier"], personal=people)
    assert found.written is not None and (found.written.rows, found.written.unreachable) == (1, 2)
    assert (tmp_path / "out.csv").read_text().splitlines()[1] == '"0017","focus","anna@x.de",'


def test_a_short_mapping_does_not_switch_consent_off(tmp_path: Path) -> None:
    people = written(tmp_path, "people.csv", PEOPLE)
    how = written(tmp_path, "map.toml", '[columns]\ncustomer_id = "customer_id"\nemail = "email"\n')
    run(tmp_path, "0017", "b", "c", format="generic", columns=["tier"], personal=people, personal_map=how)
    assert ids(tmp_path / "out.csv") == ["0017"]


def test_a_file_without_consent_leaves_nobody_out_and_that_is_said(tmp_path: Path) -> None:
    people = written(tmp_path, "people.csv", "customer_id,email\n0017,anna@x.de\nb,bert@x.de\n")
    found = run(tmp_path, "0017", "b", format="generic", personal=people)
    assert found.written is not None and found.written.rows == 2
    assert any("does not tell consent" in note for note in found.notes)


def test_numbers_and_consents_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    text = "customer_id,phone,consent_sms\na,07911 123457,yes\nb,+44 7911 123456,perhaps\nc,,\n"
    _, told = read_people(written(tmp_path, "people.csv", text), None, NOW)
    assert len(told) == 2 and "1 telephone numbers cannot be read" in told[0]
    assert "1 values of consent_sms are neither yes nor no" in told[1]


def test_a_consent_that_comes_later_is_not_known_yet(tmp_path: Path) -> None:
    text = "customer_id,email,accepts_marketing,known_at\na,a@x.de,no,2024-01-01\na,a@x.de,yes,2024-12-01\n"
    table, _ = read_people(written(tmp_path, "people.csv", text), None, NOW)
    assert table is not None and table["consent_email"].to_pylist() == [False]


def test_a_suppressed_address_bars_its_customer(tmp_path: Path) -> None:
    people = written(tmp_path, "people.csv", PEOPLE)
    barred = written(tmp_path, "no.csv", "email\nAnna+shop@X.de\nnobody@x.de\n")
    found = run(tmp_path, "0017", "b", personal=people, suppress=barred)
    assert ids(tmp_path / "out.csv") == ["b"]
    assert any("1 addresses belong to nobody" in note for note in found.notes)


def test_a_list_of_other_ids_is_noticed(tmp_path: Path) -> None:
    found = run(tmp_path, "0017", "b", suppress=written(tmp_path, "no.csv", "17\n"))
    assert any("none of its 1 customers is in this ranking" in note for note in found.notes)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"where": Where(tier=("fokus",))}, "--tier 'fokus': there is no such tier, did you mean 'focus'"),
        ({"where": Where(p_min=0.9, p_max=0.1)}, "--p-min 0.9 lies above --p-max 0.1"),
        ({"out": None}, "say where to"),
        ({"out": None, "to": "postgresql://h/d", "limit": 3}, "are of a file"),
        ({"remove_gone": True}, "are of a database"),
        ({"personal_map": Path("map.toml")}, "--personal, which is not given"),
        ({"out": None, "to": "mysql://h/d"}, "no address of a PostgreSQL database"),
        ({"to": "postgresql://h/d", "changed": True, "remove_gone": True}, "Leave out --changed"),
    ],
)
def test_a_wrong_choice_is_refused(tmp_path: Path, how: dict[str, Any], words: str) -> None:
    with pytest.raises(DeclarationError, match=words):
        run(tmp_path, "a", **how)


@pytest.mark.postgres
def test_the_database_gets_who_is_chosen_and_loses_who_is_suppressed(tmp_path: Path) -> None:
    folder, barred = published(tmp_path, *"abcd"), written(tmp_path, "no.csv", "c\n")
    with server() as url:
        assert "4 customers inserted" in command(folder, "--to", url)[1]
        code, said = command(folder, "--tier", "focus", "--suppress", barred, "--to", url)
        words = "0 customers inserted, 0 updated, 1 unchanged, 1 removed: repurchase_scores of the database"
        assert (code, said.strip()) == (0, words)


def test_who_changed_is_not_known_of_the_first_ranking(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not tell who changed"):
        run(tmp_path, "a", changed=True)


def test_only_who_changed_is_exported(tmp_path: Path) -> None:
    moved = pa.table({"customer_id": ["b"]})
    publish(ranking("a", "b"), tmp_path / "ranking", manifest={}, changed=moved)
    command(tmp_path / "ranking", "--changed", "--out", tmp_path / "out.csv")
    assert ids(tmp_path / "out.csv") == ["b"]


def test_a_missing_suppression_list_stops_the_export(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such suppression list"):
        run(tmp_path, "a", suppress=tmp_path / "gone.csv")
    assert not (tmp_path / "out.csv").exists()


def test_a_ranking_that_is_not_there_is_an_operators_error(tmp_path: Path) -> None:
    for folder in (tmp_path / "gone", written(tmp_path, "file", "")):
        with pytest.raises(ArtifactError):
            export(ExportJob(ranking=folder, now=NOW, out=tmp_path / "out.csv", where=Where()))


def test_a_date_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="--last-order-from soon: this is no date"):
        command(tmp_path, "--last-order-from", "soon")
