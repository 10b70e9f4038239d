"""Numbers by their plans, against the library's own answers."""

from __future__ import annotations

import phonenumbers
import pyarrow as pa
import pytest

from campaigns.screening.phone_numbers import KINDS, Numbers, no_numbers, regions_of


def kinds(*numbers: str | None) -> list[str]:
    return [KINDS[code] for code in Numbers.of(pa.array(numbers, pa.string())).kind]


def test_mobile_fixed_and_other_numbers_are_told_apart() -> None:
    assert kinds("+4915112345678", "+493012345678", "+498001234567", "+4930", None) == [
        "mobile", "fixed_line", "other_number", "invalid_number", "no_number",
    ]  # fmt: skip


def test_what_is_no_number_is_invalid() -> None:
    assert kinds("+49", "hello", "+999123456789", "") == ["invalid_number"] * 4


@pytest.mark.parametrize("region", ["DE", "GB", "IT", "US", "CN", "BR", "AR", "MX", "KZ", "VA", "SM", "CI"])
def test_the_quick_way_answers_as_the_library_does(region: str) -> None:
    types = phonenumbers.PhoneNumberType
    examples = [
        phonenumbers.format_number(one, phonenumbers.PhoneNumberFormat.E164)
        for kind in (types.MOBILE, types.FIXED_LINE)
        if (one := phonenumbers.example_number_for_type(region, kind)) is not None
    ]
    found = Numbers.of(pa.array(examples, pa.string()))
    parsed = [phonenumbers.parse(one, None) for one in examples]
    regions = [phonenumbers.region_code_for_number(one) for one in parsed]
    assert [found.region.texts[code] for code in found.region.codes] == regions
    wanted = [phonenumbers.number_type(one) in (types.MOBILE, types.FIXED_LINE_OR_MOBILE) for one in parsed]
    assert [KINDS[code] == "mobile" for code in found.kind] == wanted


def test_regions_are_counted() -> None:
    found = Numbers.of(pa.array(["+4915112345678", "+4915112345679", "+447400123456", None]))
    assert regions_of(found) == [("DE", 2), ("GB", 1)]
    assert regions_of(no_numbers(3)) == []
