"""`repurchase prepare` as a newcomer uses it: a folder instead of files, added to every night."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from contracts.errors import ArtifactError, DataError, DeclarationError
from repurchase.cli import app
from tests.features.prepared.stores import files_of
from tests.repurchase.front_door import orders_csv, run

pytestmark = pytest.mark.lab  # long searches: make test-lab

NEW = "customer_id,order_id,ordered_at,amount\nc,5,2021-03-02,9\n"


def said(*words: str | Path) -> str:
    """Return what a command printed; raise what it raised."""
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with orders.csv, prepared orders, and new.csv, in which one stands."""
    monkeypatch.chdir(tmp_path)
    orders_csv(tmp_path)
    (tmp_path / "new.csv").write_text(NEW)
    said("prepare", "orders.csv", "--out", "prepared", "--partitions", "3")
    return tmp_path


def test_prepared_orders_are_checked_like_their_files(folder: Path) -> None:
    files, prepared = said("check", "orders.csv"), said("check", "prepared")
    assert files == prepared and "4 orders on 4 order days of 2 customers" in files


def test_a_night_is_added_and_said(folder: Path) -> None:
    assert "5 rows of 2 sources in 3 partitions: prepared" in said(
        "prepare", "new.csv", "--append", "prepared"
    )
    assert "5 orders on 5 order days of 3 customers" in said("check", "prepared")
    assert "5 rows of 2 sources in 3 partitions" in said("prepare", "new.csv", "--append", "prepared")


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["orders.csv"], "either --out FOLDER"),
        (["orders.csv", "--out", "x", "--append", "prepared"], "either --out FOLDER"),
        (["new.csv", "--append", "prepared", "--partitions", "2"], "Leave the options out"),
        (["new.csv", "--append", "prepared", "--map", "x.toml"], "Leave the options out"),
        (["prepared", "--out", "again"], "holds prepared orders"),
        (["prepared", "--append", "prepared"], "holds prepared orders"),
    ],
    ids=["no target", "two targets", "partitions", "map", "prepared again", "prepared to itself"],
)
def test_options_that_do_not_go_together_are_refused(folder: Path, words: list[str], match: str) -> None:
    before = files_of(folder)
    with pytest.raises(DeclarationError, match=match):
        said("prepare", *words)
    assert files_of(folder) == before


def test_appending_to_what_is_not_prepared_is_refused(folder: Path) -> None:
    (folder / "empty").mkdir()
    for name in ("empty", "nowhere"):
        with pytest.raises(ArtifactError, match=f"{name}: no prepared orders"):
            said("prepare", "new.csv", "--append", name)
    assert not list((folder / "empty").iterdir()) and not (folder / "nowhere").exists()


@pytest.mark.parametrize("command", ["check", "features"])
def test_prepared_orders_take_no_mapping_and_no_company(folder: Path, command: str) -> None:
    (folder / "my.toml").write_text('preset = "generic"\n')
    out = ["--out", "panel.parquet"] if command == "features" else []
    with pytest.raises(DeclarationError, match="prepared with its own mapping"):
        said(command, "prepared", "--map", "my.toml", *out)
    with pytest.raises(DeclarationError, match="prepared holds prepared orders"):
        said(command, "prepared", "new.csv", *out)
    assert not (folder / "panel.parquet").exists()


@pytest.mark.parametrize(
    "text", ["", "customer_id,ordered_at,amount\n", "customer_id,ordered_at,amount\na,soon,5\n"]
)
def test_what_is_no_order_history_is_refused_and_prepares_nothing(folder: Path, text: str) -> None:
    (folder / "bad.csv").write_text(text)
    with pytest.raises(DataError, match=r"bad\.csv"):
        said("prepare", "bad.csv", "--out", "other")
    with pytest.raises(ArtifactError, match="no prepared orders"):
        said("prepare", "new.csv", "--append", "other")


@pytest.mark.parametrize(
    "words", [["--partitions", "0"], ["--partitions", "2001"], ["--partitions", "x"], ["--outt", "y"]]
)
def test_wrong_options_end_with_exit_code_2(folder: Path, words: list[str]) -> None:
    done = CliRunner().invoke(app, ["prepare", "orders.csv", "--out", "x", *words])
    assert done.exit_code == 2 and not (folder / "x").exists()


def test_a_file_as_the_folder_is_one_message_and_exit_code_2(folder: Path) -> None:
    ended = run(folder, "prepare", "new.csv", "--out", "orders.csv")
    assert ended.code == 2 and len(ended.errors) == 1 and "orders.csv" in ended.errors[0], ended.err
