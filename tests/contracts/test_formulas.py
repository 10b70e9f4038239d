from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from contracts.formulas import harmless, is_formula


@given(st.lists(st.none() | st.text(st.sampled_from("=+-@\t\r\n＝'a1٣ ")), max_size=6))
def test_columns_and_single_texts_follow_one_rule(texts: list[str | None]) -> None:
    expected = [f"'{text}" if text is not None and is_formula(text) else text for text in texts]
    assert harmless(pa.chunked_array([texts], pa.string())).to_pylist() == expected


def test_a_column_without_formulas_is_returned_as_it_is() -> None:
    column = pa.chunked_array([["a", None]])
    assert harmless(column) is column
