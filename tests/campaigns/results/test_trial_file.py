"""A test in one table: its TOML file, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from campaigns.results.trial_file import load_trial_file
from contracts.errors import DataError, DeclarationError, RepurchaseError

GOOD = """[test]
arm = "group"
control = "none"
outcomes = ["bought"]
money = ["spent"]
covariates = ["age", "town"]
"""
ROWS = "group,bought,spent,age,town\nmail,1,12.5,30,Ulm\nnone,0,0,,Bonn\nmail,0,0,41,\n"


def file(folder: Path, text: str, name: str = "test.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_csv_table_and_its_toml_file_are_a_test(tmp_path: Path) -> None:
    trial = load_trial_file(file(tmp_path, GOOD + "margin = 0.4\ncontact_cost = 1\n")).read(
        file(tmp_path, ROWS, "t.csv")
    )
    assert trial.arms == ("none", "mail") and list(trial.arm) == [1, 0, 1]
    assert list(trial.money["profit"]) == pytest.approx([4.0, 0.0, -1.0])
    assert set(trial.covariates) == {"age", "town"}


def test_csv_and_parquet_give_the_same_test(tmp_path: Path) -> None:
    table = pa.table({"group": ["mail", "none", "mail"], "bought": [1, 0, 0], "spent": [12.5, 0.0, 0.0],
                      "age": [30, None, 41], "town": ["Ulm", "Bonn", None]})  # fmt: skip
    pq.write_table(table, tmp_path / "t.parquet")
    described = load_trial_file(file(tmp_path, GOOD))
    one, other = (
        described.read(tmp_path / "t.parquet"),
        described.read(file(tmp_path, ROWS.replace(",", ";"), "t.csv")),
    )
    assert list(one.arm) == list(other.arm) and list(one.money["spent"]) == list(other.money["spent"])
    assert str(one.covariates["age"]) == str(other.covariates["age"])


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (
            ("outcomes", "outcome"),
            DeclarationError,
            "unknown key 'outcome' in [test], did you mean 'outcomes'?",
        ),
        (('arm = "group"\n', ""), DeclarationError, "[test] has no 'arm'"),
        (('"none"', "0"), DeclarationError, "'control' in [test] is 0. Write text in quotes."),
        (('["bought"]', '"bought"'), DeclarationError, "Write a list of column names."),
        (('["spent"]', '["bought"]'), DeclarationError, "the column 'bought' in two places"),
        (("[test]", "[tests]"), DeclarationError, "unknown section 'tests'"),
        (('"none"', '"nobody"'), DataError, "no customer is in the control arm 'nobody'"),
        (('"bought"', '"bougt"'), DataError, "no column 'bougt', did you mean 'bought'?"),
        (('["bought"]', '["age"]'), DeclarationError, "in two places"),
        (('["age", "town"]', "[]\n[test.shares]\nnone = 0.9"), DataError, "Give each arm a share above 0"),
        (('["spent"]', '["town"]\n#'), DeclarationError, "in two places"),
    ],
)
def test_what_is_wrong_is_said(
    tmp_path: Path, change: tuple[str, str], error: type[RepurchaseError], said: str
) -> None:
    with pytest.raises(error) as caught:
        load_trial_file(file(tmp_path, GOOD.replace(*change))).read(file(tmp_path, ROWS, "t.csv"))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (ROWS.replace("mail,1", "mail,2"), "A counted outcome is 0 or 1"),
        (ROWS.replace("12.5", "much"), "column 'spent'"),
        (ROWS.replace("12.5", ""), "'spent' is unknown for 1 customers"),
        (ROWS.replace("none,0", ",0"), "1 customers have no arm"),
        ("group,bought,spent,age,town\n", "there is no row"),
    ],
)
def test_rows_that_are_no_test_are_refused(tmp_path: Path, rows: str, said: str) -> None:
    with pytest.raises(DataError) as caught:
        load_trial_file(file(tmp_path, GOOD)).read(file(tmp_path, rows, "t.csv"))
    assert said in str(caught.value)
