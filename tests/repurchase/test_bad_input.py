"""Bad input: one clear message on standard error, exit code 2, no traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.repurchase.front_door import Ended, bundle, orders_csv
from tests.repurchase.front_door import here as run


def refused(ended: Ended, *wanted: str) -> None:
    """Check that a command ended with one message that says all that is wanted."""
    assert ended.code == 2, ended.err
    assert "Traceback" not in ended.err and len(ended.errors) == 1, ended.err
    assert ended.errors[0].startswith("error: ")
    for words in wanted:
        assert words in ended.errors[0]


def test_a_missing_file_is_named_with_the_nearest(tmp_path: Path) -> None:
    orders_csv(tmp_path)
    refused(
        run(tmp_path, "check", "order.csv"), "order.csv: there is no such file", "did you mean 'orders.csv'"
    )


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", "the file is empty"),
        ("customer_id,ordered_at,amount\n", "no rows below the header"),
        ("kundennummer,order_dat,amount\n1,2021-01-01,5\n", "did you mean 'order_dat'"),
        ("customer_id,ordered_at,amount\n1,soon,5\n2,later,6\n", "unreadable dates"),
    ],
    ids=["empty file", "header alone", "no mapping fits", "unreadable dates"],
)
def test_a_file_that_is_no_order_history_is_refused(tmp_path: Path, text: str, wanted: str) -> None:
    refused(run(tmp_path, "check", orders_csv(tmp_path, text)), wanted)


@pytest.mark.parametrize(
    "rows",
    ["a,2021-01-01,5\na,2021-02-01,6\n", "a,2021-01-01,5\nb,2021-01-01,6\n"],
    ids=["one customer", "one order day"],
)
def test_too_little_is_refused(tmp_path: Path, rows: str) -> None:
    orders_csv(tmp_path, "customer_id,ordered_at,amount\n" + rows)
    refused(run(tmp_path, "features", "orders.csv", "--out", "panel.parquet"), "Too little to learn from")
    assert not (tmp_path / "panel.parquet").exists()


def test_a_history_shorter_than_the_horizon_is_refused_at_train(tmp_path: Path) -> None:
    orders_csv(tmp_path)
    ended = run(tmp_path, "train", "orders.csv", "--horizon", "90", "--out", "model")
    refused(ended, "the history spans 59 days", "the horizon is 90 days", "shorter --horizon")
    assert not (tmp_path / "model").exists()


def test_a_damaged_bundle_is_refused_by_its_checksum(tmp_path: Path) -> None:
    booster = bundle(tmp_path) / "orders.txt"
    booster.write_bytes(booster.read_bytes()[:3_000])
    orders_csv(tmp_path)
    ended = run(tmp_path, "rank", "orders.csv", "--model", "model", "--out", "ranking")
    refused(ended, "model: the bundle is damaged: orders.txt", "(checksum)")
    assert not (tmp_path / "ranking").exists()


@pytest.mark.parametrize("words", [["check", "--map"], ["train", "--recipe"]], ids=lambda words: words[0])
def test_an_unknown_key_is_refused_with_the_nearest(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "my.toml").write_text(
        'curency = "EUR"\ncutofs = 3\n[columns]\n' if "--map" in words else "cutofs = 3\n"
    )
    near = "'curency', did you mean 'currency'" if "--map" in words else "'cutofs', did you mean 'cutoffs'"
    refused(run(tmp_path, words[0], orders_csv(tmp_path), words[1], "my.toml"), "my.toml: unknown key", near)


@pytest.mark.parametrize("day", ["tomorrow", "2021-02-30", "2099-01-01", ""])
def test_an_as_of_that_is_no_past_day_is_refused(tmp_path: Path, day: str) -> None:
    refused(run(tmp_path, "check", orders_csv(tmp_path), f"--as-of={day}"), day)


def test_an_as_of_before_the_first_order_is_refused(tmp_path: Path) -> None:
    refused(run(tmp_path, "check", orders_csv(tmp_path), "--as-of", "2020-01-01"))


def test_an_unknown_order_of_the_ranking_is_refused(tmp_path: Path) -> None:
    ended = run(
        tmp_path, "rank", orders_csv(tmp_path), "--model", "model", "--out", "ranking", "--by", "luck"
    )
    refused(ended, "--by luck is not known", "value or probability")


def test_an_engine_that_is_unknown_or_does_not_read_the_other_tables_is_refused(tmp_path: Path) -> None:
    asked = ("rank", orders_csv(tmp_path), "--out", "ranking", "--engine")
    refused(run(tmp_path, *asked, "sprak"), "--engine sprak is not known", "local or spark")
    events = ("--events", "events.csv")
    refused(run(tmp_path, *asked, "spark", *events), "--engine spark reads orders only")


def test_an_unknown_model_is_refused(tmp_path: Path) -> None:
    ended = run(tmp_path, "rank", orders_csv(tmp_path), "--out", "ranking")
    refused(ended, "models:/repurchase-shop@champion", "no such model")


def test_a_folder_that_is_no_bundle_is_refused(tmp_path: Path) -> None:
    ended = run(tmp_path, "rank", orders_csv(tmp_path), "--model", "nowhere", "--out", "ranking")
    refused(ended, "nowhere is no model bundle", "repurchase train")


def test_a_missing_key_file_is_refused(tmp_path: Path) -> None:
    bundle(tmp_path)
    refused(
        run(tmp_path, "serve", "--model", "model"), "keys.json: there is no key file", "repurchase key NAME"
    )


def test_a_target_that_holds_foreign_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "scores.csv").write_text("mine")
    orders = orders_csv(tmp_path)
    refused(
        run(tmp_path, "rank", orders, "--model", "model", "--out", "mine"),
        "mine/scores.csv was not written by us",
    )
    refused(run(tmp_path, "train", orders, "--out", "mine"), "mine holds something that is no model bundle")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["scores.csv"]


def test_a_shops_name_that_mlflow_cannot_hold_is_refused(tmp_path: Path) -> None:
    refused(run(tmp_path, "rank", "x.csv", "--out", "ranking", "--shop", "a/b"), "shop's name 'a/b'")


def test_an_unknown_setting_is_refused_with_the_nearest(tmp_path: Path) -> None:
    ended = run(tmp_path, "key", "tool", settings={"REPURCHASE_KEY": "k.json"})
    refused(ended, "unknown setting REPURCHASE_KEY, did you mean 'REPURCHASE_KEYS'")


def test_an_output_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "panel.parquet").mkdir()
    refused(run(tmp_path, "features", orders_csv(tmp_path), "--out", "panel.parquet"), "panel.parquet")


def test_a_store_that_is_none_is_refused(tmp_path: Path) -> None:
    bundle(tmp_path)
    ended = run(tmp_path, "serve", "--model", "model", "--store", "nowhere", "--no-keys", "--no-watch")
    refused(ended, "nowhere holds no ranking", "repurchase rank --out nowhere")


@pytest.mark.parametrize(
    ("day", "wanted"),
    [
        ("2022-01-01", "of the rows, 2 missing_customer, 1 test_order."),
        ("2021-01-05", "of the rows, 2 missing_customer, 1 later than the as-of day. Give a later one"),
    ],
)
def test_a_ranking_of_nobody_names_the_rules_that_refused_the_rows(
    tmp_path: Path, day: str, wanted: str
) -> None:
    rows = ",1,2021-01-01,5\n,2,2021-01-02,6\ntest@shop.de,3,2021-01-09,7\n"
    orders_csv(tmp_path, "customer_id,order_id,ordered_at,amount\n" + rows)
    bundle(tmp_path)
    ended = run(tmp_path, "rank", "orders.csv", "--model", "model", "--as-of", day, "--out", "ranking")
    refused(ended, wanted)
    assert not (tmp_path / "ranking").exists()
