"""A data scientist's own file: what joins the catalogue, what is refused, and what stays of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from contracts.errors import DeclarationError
from features.catalog import CATALOG
from features.kernel.declaration import Catalog
from features.own import load_features, own_features
from features.references import fit_over
from tests.features.shops import history_of, line

HEAD = """import numpy as np
from features.catalog import CATALOG
from features.catalog.references import item_popularity
from features.kernel.declaration import feature
from features.kernel.population import reference
"""
PLAIN = """
@feature("Orders in the last 45 days.", unit="orders", family="own")
def orders_45d(past):
    return past.count(days=45)
"""
TABLE = """
@reference("Buyers.", key="product_id", finish=lambda totals: totals["buyers"])
def product_buyers(population):
    return {"buyers": population.customers()}

@feature("Buyers of the first product.", unit="customers", family="own", needs=("product_id",),
         needs_reference=("product_buyers",))
def first_buyers(past):
    return past.reference("product_buyers", "product_id", past.first_code("product_id"))
"""
HISTORY = history_of(
    [line("a", "1", 5, 1.0, product_id="p"), line("b", "2", 50, 1.0, product_id="p"), line("b", "3", 60, 1.0)]
)


def written(folder: Path, text: str, *, name: str = "my_features.py") -> Path:
    path = folder / name
    path.write_text(HEAD + text)
    return path


def refused(folder: Path, text: str) -> str:
    with pytest.raises(DeclarationError) as caught:
        load_features(written(folder, text))
    return str(caught.value).replace(str(folder), "")


def own(catalog: Catalog) -> Catalog:
    return catalog.pick(list(own_features(catalog)))


def test_own_features_stand_after_those_of_the_catalogue(tmp_path: Path) -> None:
    catalog = load_features(written(tmp_path, PLAIN))
    assert [one.name for one in catalog] == [*(one.name for one in CATALOG), "orders_45d"]
    assert own_features(catalog) == {"orders_45d": "my_features.py"} and own_features(CATALOG) == {}
    table = own(catalog).compute(HISTORY, 60)
    assert table.columns["orders_45d"].tolist() == [0.0, 2.0]


def test_an_own_table_is_fitted_and_read(tmp_path: Path) -> None:
    catalog = own(load_features(written(tmp_path, TABLE)))
    tables = fit_over([HISTORY], [60], catalog)[60]
    assert catalog.compute(HISTORY, 60, references=tables).columns["first_buyers"].tolist() == [2.0, 2.0]


def test_a_table_of_the_catalogue_may_be_read(tmp_path: Path) -> None:
    text = TABLE.replace("product_buyers", "item_popularity").split("@feature")[1]
    catalog = own(load_features(written(tmp_path, "\n@feature" + text)))
    assert list(fit_over([HISTORY], [60], catalog)[60]) == ["item_popularity"]


def test_what_the_file_imports_is_not_its_own(tmp_path: Path) -> None:
    text = PLAIN + "\nfrom features.catalog.rhythm import recency_days\nagain = orders_45d\n"
    assert list(own_features(load_features(written(tmp_path, text)))) == ["orders_45d"]


def test_two_files_of_one_name_are_two(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = written(tmp_path / "other", PLAIN.replace("45", "46"))
    both = load_features(other, catalog=load_features(written(tmp_path, PLAIN)))
    assert set(own_features(both)) == {"orders_45d", "orders_46d"}


def test_a_feature_keeps_the_hash_of_the_source_that_was_run(tmp_path: Path) -> None:
    path = written(tmp_path, PLAIN)
    (first,) = own(load_features(path))
    path.write_text(HEAD + PLAIN.replace("days=45", "days=44"))
    (changed,) = own(load_features(path))
    (again,) = own(load_features(written(tmp_path, PLAIN)))
    assert first.source_hash == again.source_hash != changed.source_hash


def test_a_removed_file_still_has_its_source(tmp_path: Path) -> None:
    path = written(tmp_path, PLAIN)
    (one,) = own(load_features(path))
    path.unlink()
    del vars(one)["source_hash"]
    (again,) = own(load_features(written(tmp_path, PLAIN)))
    assert one.source_hash == again.source_hash


# ---------------------------------------------------------------- refused
def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match=r"none\.py: the features cannot be read \(No such file"):
        load_features(tmp_path / "none.py")


def test_a_file_without_a_feature_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, "x = 1\n").startswith("/my_features.py declares no feature. Put @feature(…)")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import not_there\n", "/my_features.py, line 6: ModuleNotFoundError: No module named 'not_there'"),
        ("def broken(:\n", "/my_features.py, line 6: SyntaxError: invalid syntax"),
        ("raise SystemExit(3)\n", "/my_features.py, line 6: SystemExit: 3"),
        ("1 / 0\n", "/my_features.py, line 6: ZeroDivisionError: division by zero"),
        (
            PLAIN.replace('family="own"', 'family="own", needs=("discuont",)'),
            "/my_features.py, line 7: feature 'Orders in the last 45 days.' needs unknown columns ['discuont'], did "
            "you mean 'discount'?",
        ),
    ],
    ids=["import", "syntax", "exit", "error", "declaration"],
)
def test_a_file_that_cannot_be_run_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    assert refused(tmp_path, text) == message


def test_a_name_that_the_catalogue_has_is_refused(tmp_path: Path) -> None:
    found = refused(tmp_path, PLAIN.replace("orders_45d", "orders_90d"))
    assert found == "/my_features.py, line 7: the catalogue has a feature 'orders_90d' already. Rename yours."


def test_the_name_of_a_table_of_the_catalogue_is_refused(tmp_path: Path) -> None:
    found = refused(tmp_path, TABLE.replace("product_buyers", "item_popularity"))
    assert (
        found
        == "/my_features.py: the catalogue has a reference table 'item_popularity' already. Rename yours."
    )


def test_a_table_that_nobody_declares_is_refused(tmp_path: Path) -> None:
    found = refused(tmp_path, TABLE.replace('("product_buyers",)', '("product_buyer",)'))
    assert "'product_buyer', which is not declared, did you mean 'product_buyers'?" in found


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("past.count()[:2]", "line 7: feature 'orders_45d' fails: feature 'orders_45d' returned shape (2,) for 4"),
        ("past.cuont()", "line 9: feature 'orders_45d' fails: AttributeError: 'Past' object has no attribute"),
        ("past.sum('nett')", "line 9: feature 'orders_45d' fails: the past has no column 'nett', did you mean 'net'"),
        ("past.count() - past.count().mean()", "line 7: feature 'orders_45d' answers otherwise for a customer alone"),
        ("1.0 * past.last_code('category')", "line 7: feature 'orders_45d' answers otherwise for a customer alone"),
        ("np.array(['x'] * len(past))", "line 7: feature 'orders_45d' fails: ValueError: could not convert string"),
    ],
)  # fmt: skip
def test_a_feature_that_fails_on_a_few_customers_is_refused(
    tmp_path: Path, answer: str, message: str
) -> None:
    assert f"/my_features.py, {message}" in refused(tmp_path, PLAIN.replace("past.count(days=45)", answer))


def test_a_table_that_fails_is_refused_with_its_line(tmp_path: Path) -> None:
    found = refused(tmp_path, TABLE.replace("population.customers()", "population.custmers()"))
    assert found.startswith("/my_features.py, line 9: AttributeError: 'Population' object has no attribute")


def test_every_shipped_feature_would_pass_the_trial() -> None:
    from features.own_trial import TRIAL_DAY, trial_history

    history = trial_history()
    tables = fit_over([history], [TRIAL_DAY], CATALOG)[TRIAL_DAY]
    assert CATALOG.switched_off(history.optional, tables) == {}
    whole = CATALOG.compute(history, TRIAL_DAY, references=tables)
    for row in range(len(whole)):
        one = history.of_customers(np.array([row]))
        alone = CATALOG.compute(one, TRIAL_DAY, references=tables).columns
        for name, values in alone.items():
            np.testing.assert_array_equal(values, whole.columns[name][[row]], err_msg=name)
