"""Which column is which: presets by their columns, TOML mappings closed to unknown keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.errors import DataError, DeclarationError
from features.reading.mapping import Mapping, load_mapping, recognise

GOOD = 'currency = "EUR"\n[columns]\ncustomer_id = "Kunde"\nordered_at = "Datum"\namount = "Betrag"\n'


def toml(folder: Path, text: str) -> Path:
    path = folder / "shop.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_mapping_is_read_from_toml(tmp_path: Path) -> None:
    mapping = load_mapping(toml(tmp_path, 'timezone = "Europe/Berlin"\nnot_products = ["POST"]\n' + GOOD))
    assert (mapping.name, mapping.currency, mapping.timezone) == ("shop", "EUR", "Europe/Berlin")
    assert mapping.columns["amount"] == "Betrag" and mapping.not_products == ("POST",)


def test_an_unknown_key_is_refused_with_the_nearest_known_one(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="unknown key 'timezon', did you mean 'timezone'"):
        load_mapping(toml(tmp_path, 'timezon = "UTC"\n' + GOOD))


def test_an_unknown_column_is_refused_with_the_nearest_known_one(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="unknown column 'custmer_id', did you mean 'customer_id'"):
        load_mapping(toml(tmp_path, GOOD + 'custmer_id = "K"\n'))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('timezone = "Mars/Base"\n', "timezone 'Mars/Base' is not known"),
        ('decimal = ";"\n', "decimal is ';'"),
        ('not_products = ["("]\n', "no regular expression"),
        ("decimal = 1\n", "'decimal' must hold text"),
        ("not_products = 1\n", "'not_products' must hold text"),
        ("decimal =\n", "not TOML"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(DeclarationError, match=words):
        load_mapping(toml(tmp_path, line + GOOD))


def test_a_currency_is_three_letters(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="ISO 4217"):
        load_mapping(toml(tmp_path, GOOD.replace("EUR", "euro")))


@pytest.mark.parametrize("part", ["customer_id", "ordered_at", "amount"])
def test_a_mapping_needs_customer_time_and_money(tmp_path: Path, part: str) -> None:
    text = "\n".join(line for line in GOOD.splitlines() if not line.startswith(part))
    with pytest.raises(DeclarationError, match=part):
        load_mapping(toml(tmp_path, text))


def test_a_mapping_file_that_is_not_there_is_a_data_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        load_mapping(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        (["customer_id", "date", "number_of_cds", "dollar_value"], "cdnow"),
        (["master_id", "sample_id", "date", "cds", "amount"], "cdnow_sample"),
        (["InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID"], "online_retail"),
        (
            ["Invoice", "StockCode", "Quantity", "InvoiceDate", "Price", "Customer ID", "sheet"],
            "online_retail",
        ),
        (["Order Date", "USER_ID", "Total"], "generic"),
    ],
)
def test_known_files_are_recognised_by_their_columns(columns: list[str], name: str) -> None:
    assert recognise(columns).name == name


def test_the_sheets_of_online_retail_are_deliveries() -> None:
    columns = ["Invoice", "StockCode", "Quantity", "InvoiceDate", "Price", "Customer_ID"]
    assert recognise([*columns, "sheet"]).source_column == "sheet"
    assert recognise(columns).source_column is None


def test_synonyms_are_recognised_without_case_and_punctuation() -> None:
    columns = recognise(["CREATED AT", "Client-ID", "QTY", "Price", "Sku", "Promo Code"]).columns
    assert columns == {
        "customer_id": "Client-ID",
        "ordered_at": "CREATED AT",
        "quantity": "QTY",
        "unit_price": "Price",
        "product_id": "Sku",
        "coupon": "Promo Code",
    }


def test_columns_that_fit_no_preset_are_refused_with_the_nearest_names() -> None:
    with pytest.raises(DataError, match=r"no column for customer_id \(did you mean 'custmer id'\?\)"):
        recognise(["custmer id", "date", "amount"])


def test_an_unknown_part_is_refused_in_python_too() -> None:
    with pytest.raises(DeclarationError, match="unknown column 'price'"):
        Mapping(name="m", columns={"customer_id": "a", "ordered_at": "b", "price": "c"})
