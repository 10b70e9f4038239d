"""Which column is which: presets by their columns, TOML mappings closed to unknown keys."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import DataError, DeclarationError, RepurchaseError
from features.reading.mapping import Mapping, complete, load_mapping, parse_mapping, recognise

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
        ("discount_included = 1\n", "Write true or false"),
        ('encoding = "klingon"\n', "encoding 'klingon' is not known"),
        ('test_customers = ["a(?=b)"]\n', "test_customers has 'a"),
        ('preset = "shopfy"\n', "unknown preset 'shopfy', did you mean 'shopify'"),
        ('order_columns = ["Datum"]\n', "order_columns needs a column for order_id"),
        ('rates = "USD"\n', "must be a section"),
        ('rules = {resellr = "refuse"}\n', "unknown rule 'resellr', did you mean 'reseller'"),
        ("rates = {USD = 0}\n", "a number above 0"),
        ("rates = {USD = inf}\n", "a number above 0"),
        ("rates = {USD = true}\n", "a number above 0"),
        ("rates = {usd = 1.0}\n", "ISO 4217"),
        ("rates = {EUR = 1.1}\n", "is the shop's own"),
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


SHOPIFY = [
    "Name", "Email", "Financial Status", "Currency", "Created at", "Lineitem quantity", "Lineitem price",
    "Lineitem sku", "Lineitem discount", "Paid at",
]  # fmt: skip


def said(text: str) -> Mapping:
    return parse_mapping(text, where="shop.toml", stem="shop")


def test_an_email_column_is_customer_enough() -> None:
    columns = '[columns]\nemail = "Mail"\nordered_at = "Datum"\namount = "Betrag"\n'
    assert said(columns).columns["email"] == "Mail"


def test_the_decimal_mark_is_open_until_it_is_said_or_settled() -> None:
    assert said(GOOD).decimal is None and said('decimal = ","\n' + GOOD).decimal == ","


def test_settings_alone_complete_the_recognised_preset() -> None:
    mapping = complete(said('timezone = "Europe/Berlin"\nunpaid_statuses = ["open"]\n'), SHOPIFY)
    assert (mapping.timezone, mapping.unpaid_statuses) == ("Europe/Berlin", ("open",))
    assert mapping.columns["unit_price"] == "Lineitem price" and not mapping.discount_included


def test_a_setting_said_as_empty_takes_the_presets_away() -> None:
    columns = ["InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "sheet"]
    mapping = complete(said('not_products = []\nsource_column = ""\ncancelled_order_prefix = ""\n'), columns)
    assert (mapping.not_products, mapping.source_column, mapping.cancelled_order_prefix) == ((), None, None)
    assert mapping.currency == "GBP"


def test_columns_beside_a_preset_replace_only_those_parts() -> None:
    mapping = complete(said('preset = "shopify"\n[columns]\nordered_at = "Paid at"\n'), SHOPIFY)
    assert (mapping.columns["ordered_at"], mapping.columns["email"]) == ("Paid at", "Email")
    assert "Paid at" in mapping.order_columns and "Created at" not in mapping.order_columns


def test_a_forced_preset_that_does_not_fit_says_what_it_misses() -> None:
    with pytest.raises(DataError, match=r"preset 'shopify' does not fit.*no column for quantity"):
        complete(said('preset = "shopify"\n'), ["customer", "date", "total"])


def test_a_forced_preset_wins_over_the_first_that_fits() -> None:
    columns = ["InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID"]
    assert complete(said('preset = "generic"\n'), columns).name == "generic"


def test_settings_given_in_python_win_as_well() -> None:
    mapping = complete(Mapping(name="m", preset="shopify", timezone="Asia/Tokyo"), SHOPIFY)
    assert (mapping.timezone, mapping.columns["order_id"]) == ("Asia/Tokyo", "Name")


def test_rates_need_the_currency_they_lead_to() -> None:
    with pytest.raises(DeclarationError, match="Add currency"):
        said(GOOD.replace('currency = "EUR"\n', "") + "[rates]\nUSD = 0.92\n")


def test_rules_and_rates_are_read() -> None:
    mapping = said(GOOD + '[rates]\nUSD = 0.92\n[rules]\nreseller = "refuse"\n')
    assert mapping.rates == {"USD": 0.92} and mapping.rules.refuses("reseller")


def test_two_parts_never_share_a_recognised_column() -> None:
    assert recognise(["customer", "order_date", "item_id", "total"]).columns["product_id"] == "item_id"
    assert "line_id" not in recognise(["customer", "order_date", "item_id", "total"]).columns


@pytest.mark.parametrize("text", [GOOD, "", 'preset = "shopify"\n', GOOD + "[rules]\nbot = false\n"])
def test_a_mapping_survives_json(text: str) -> None:
    mapping = said(text)
    again = Mapping.of_dict(json.loads(json.dumps(mapping.to_dict())))
    assert again == mapping and again.said == mapping.said


def test_a_recognised_mapping_survives_json() -> None:
    mapping = recognise(SHOPIFY)
    assert Mapping.of_dict(json.loads(json.dumps(mapping.to_dict()))) == mapping


VALUES = st.recursive(
    st.one_of(st.text(max_size=6), st.integers(), st.floats(), st.booleans(), st.none()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = st.one_of(st.sampled_from(sorted(Mapping.__dataclass_fields__)), st.text(max_size=6))


@given(st.dictionaries(KEYS, VALUES, max_size=4))
@settings(max_examples=200, deadline=None)
def test_any_settings_are_a_mapping_or_refused_by_an_error_of_ours(content: dict[str, object]) -> None:
    try:
        mapping = Mapping.of_dict(content)
    except RepurchaseError:
        return
    assert Mapping.of_dict(mapping.to_dict()) == mapping


@given(st.one_of(st.text(max_size=60), st.binary(max_size=60)))
@settings(max_examples=100, deadline=None)
def test_any_file_is_a_mapping_or_refused_by_an_error_of_ours(
    tmp_path_factory: pytest.TempPathFactory, content: str | bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.toml"
    path.write_bytes(content.encode("utf-8", "replace") if isinstance(content, str) else content)
    try:
        load_mapping(path)
    except RepurchaseError:
        return
    tomllib.loads(path.read_text(encoding="utf-8-sig"))


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "a = " + "9" * 5000, "name = 1979-05-27", "\x00"])
def test_odd_toml_is_refused_by_an_error_of_ours(tmp_path: Path, text: str) -> None:
    with pytest.raises(DeclarationError):
        load_mapping(toml(tmp_path, text))


@pytest.mark.parametrize("path", ["a\x00b", ".", "none/none.toml"])
def test_a_path_that_is_no_file_is_a_data_error(path: str) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        load_mapping(path)
