"""Link tables and pairs to keep apart, from files."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.days import parse_day
from contracts.errors import DataError, DeclarationError
from features.identity.link_files import read_apart, read_links
from tests.features.identity.people import rows_of

UNTIL = parse_day("2024-06-30")


def test_a_link_table_is_read_up_to_a_day(tmp_path: Path) -> None:
    path = tmp_path / "links.csv"
    path.write_text(
        "id_a,id_b,known_at\n2,1,2024-01-02\n1,2,2024-01-05\n3,4,2024-07-01\n5,5,2024-01-01\n6,,2024-01-01\n"
    )
    reading = read_links(path, until=UNTIL, timezone="UTC")
    assert rows_of(reading.links) == [(parse_day("2024-01-02"), "1", "2", "table")]
    assert reading.report.quarantined == {"missing_id": 1, "same_id": 1}
    assert (reading.report.merged, reading.report.later) == ({"same_link": 1}, 1)


def test_a_link_table_without_a_time_says_that_it_is_always_known(tmp_path: Path) -> None:
    (tmp_path / "links.csv").write_text("old id;new id\n1;2\n")
    report = read_links(tmp_path / "links.csv", until=UNTIL, timezone="UTC").report
    assert report.notes == ("The links have no time: they are taken as always known.",)


def test_pairs_to_keep_apart_are_the_same_in_csv_and_toml(tmp_path: Path) -> None:
    (tmp_path / "apart.csv").write_text("id_a,id_b\n02,01\n01,02\n")
    (tmp_path / "apart.toml").write_text('pairs = [["01", "02"]]\n')
    assert read_apart(tmp_path / "apart.csv") == read_apart(tmp_path / "apart.toml") == (("01", "02"),)


@pytest.mark.parametrize(
    ("name", "text", "error", "message"),
    [
        ("a.csv", "a,b\n1,2\n", DataError, "the header is a, b. Write id_a,id_b"),
        ("a.csv", "", DataError, "the header is nothing"),
        ("a.csv", "id_a,id_b\n1,1\n", DataError, r"pair 1 is \['1', '1'\]"),
        ("a.toml", "pairs = [[1, 2]]", DataError, "as text"),
        ("a.toml", "pair = []", DeclarationError, "did you mean 'pairs'"),
        ("a.toml", "pairs = [3]", DeclarationError, "a list of lists"),
        ("a.toml", "pairs = [", DeclarationError, "not TOML"),
    ],
)
def test_a_wrong_file_of_pairs_is_refused(
    tmp_path: Path, name: str, text: str, error: type[Exception], message: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(error, match=message):
        read_apart(tmp_path / name)


def test_a_missing_file_of_pairs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_apart(tmp_path / "apart.csv")
