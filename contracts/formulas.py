"""What a spreadsheet takes for a formula: a rule for texts, and for columns of texts.

The signs are OWASP's list for CSV injection (owasp.org, "CSV Injection", read 2026-11): = + - @, tab, line ends, and
the full-width forms of the first four. A whole number written as text (an id such as -12) runs nothing and stays.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_BEGINS = r"^[=+\-@\t\r\n＝＋－＠]"
_WHOLE_NUMBER = r"^-*[0-9]+\z"


def is_formula(text: str) -> bool:
    """Return whether a spreadsheet may take this text for a formula."""
    digits = text.lstrip("-")
    return text.startswith(SIGNS) and not (digits.isascii() and digits.isdecimal())


def harmless(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return texts with ' before each one that may be a formula; the same column if there is none."""
    begins = pc.match_substring_regex(column, _BEGINS)
    if not pc.any(begins).as_py():
        return column
    formula = pc.and_not(begins, pc.match_substring_regex(column, _WHOLE_NUMBER))
    return pc.if_else(formula, pc.binary_join_element_wise("'", column, ""), column)
