"""Files that lie beside orders without being any: a readme, a licence, notes."""

from __future__ import annotations

import re
from pathlib import Path

from contracts.errors import DataError
from features.reading.delimited import Form, find_form, read_records
from features.reading.encodings import decoded_head, head_of, packing_of
from features.reading.json_lines import is_json_lines, is_object

_DOCUMENT = re.compile(
    r"(read[-_ ]?me|licen[cs]e|copying|notice|changelog|authors|contributing|about)\b.*", re.IGNORECASE
)
_FEWEST_COLUMNS = 3  # a customer, a date and an amount
_LONGEST_NAME = 80
_MOST_WORDS = 6


def why_no_orders(path: Path) -> str | None:
    """Return why a file of a folder is left out; None if it is to be read, or to be refused when it is read.

    Only .txt and .json are judged by what they hold: a broken .csv must be refused, not left out.
    """
    if _DOCUMENT.fullmatch(path.stem):
        return "by its name it is a document"
    endings = [ending.casefold() for ending in path.suffixes]
    if not {".txt", ".json"} & set(endings):
        return None
    try:
        sample = decoded_head(head_of(path, packing_of(path)))
        if is_json_lines(sample):
            document = sample.startswith("{") and not is_object(sample.partition("\n")[0])
            return "it is one JSON document, not one object per line" if document else None
        return _why_no_header(find_form(sample, whole=False, where=str(path)), sample)
    except DataError:
        return None


def _why_no_header(form: Form, sample: str) -> str | None:
    if not form.header:
        return None if len(form.columns) >= _FEWEST_COLUMNS else "its first line is no header"
    if len(form.columns) < _FEWEST_COLUMNS:
        return "its first line is no header of three columns or more"
    long = any(len(name) > _LONGEST_NAME or len(name.split()) > _MOST_WORDS for name in form.columns)
    if long or form.columns[-1].endswith((".", "!", "?", ":")):
        return "its first line is a sentence, no header"
    lines = sample.splitlines(keepends=True)[:50]
    records = [fields for _, fields, _ in read_records(lines, form) if fields]
    fitting = sum(len(fields) == len(form.columns) for fields in records[1:])
    return "its lines do not fit its first one" if 2 * fitting < len(records) - 1 else None
