"""The region and the kind of telephone numbers, by the plans that `phonenumbers` brings; nothing is dialled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.kernel.buffers import as_arrow, filled, in_one
from features.kernel.codes import Text
from features.kernel.running import Ints

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

NONE, INVALID, FIXED, MOBILE, OTHER = range(5)
KINDS = ("no_number", "invalid_number", "fixed_line", "mobile", "other_number")


@dataclass(frozen=True)
class Numbers:
    """kind: (n,) places in KINDS; region: (n,) two letters of the country, empty where it has none."""

    kind: NDArray[np.int8]
    region: Text

    @staticmethod
    def of(numbers: pa.Array) -> Numbers:
        """Look up telephone numbers in E.164; each distinct one once."""
        column = in_one(numbers).cast(pa.string()).dictionary_encode()
        at = filled(column.indices.cast(pa.int64()), np.int64(-1))
        looked = [_look_up(one) for one in column.dictionary.to_pylist()]
        kind = np.array([NONE, *(kind for kind, _ in looked)], dtype=np.int8)
        region = pa.array([None, *(region for _, region in looked)], pa.string())
        return Numbers(kind[at + 1], Text.of(region.take(_places(at + 1))))


def no_numbers(count: int) -> Numbers:
    """Return what is known of customers without any number."""
    return Numbers(np.zeros(count, dtype=np.int8), Text.of(pa.nulls(count, pa.string())))


def _look_up(text: str) -> tuple[int, str | None]:
    import phonenumbers  # not in every environment, and only needed where there are numbers

    number = _plain(text)
    if number is None:
        return INVALID, None
    types = phonenumbers.PhoneNumberType
    kinds = {types.FIXED_LINE: FIXED, types.MOBILE: MOBILE, types.FIXED_LINE_OR_MOBILE: MOBILE}
    kind = phonenumbers.number_type(number)
    if kind == types.UNKNOWN:  # which is what the library calls a number that is not valid
        return INVALID, None
    return kinds.get(kind, OTHER), phonenumbers.region_code_for_number(number)


def _plain(text: str) -> PhoneNumber | None:
    """Read a number; one in E.164 without a zero behind the country code needs no parsing, half of the time."""
    import phonenumbers

    digits = text[1:]
    if text[:1] == "+" and digits.isascii() and digits.isdecimal() and 7 <= len(digits) <= 15:
        for length in (1, 2, 3):
            code = int(digits[:length])
            if code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE and digits[length] != "0":
                return phonenumbers.PhoneNumber(country_code=code, national_number=int(digits[length:]))
    try:
        return phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        return None


def _places(at: Ints) -> pa.Array:
    return as_arrow(at.astype(np.int64), pa.int64())


def regions_of(numbers: Numbers) -> list[tuple[str, int]]:
    """Return how many numbers each region has, the most first."""
    known = numbers.region.codes[numbers.region.codes >= 0]
    counts = np.bincount(known, minlength=len(numbers.region.values))
    found = [
        (str(name), int(count)) for name, count in zip(numbers.region.texts, counts, strict=True) if count
    ]
    return sorted(found, key=lambda one: (-one[1], one[0]))
