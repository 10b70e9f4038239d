from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import ContractError
from serving.disk import HeldFile
from serving.stored.by_id import ById, write_by_id


def opened(folder: Path, *ids: str) -> ById:
    write_by_id(folder / "by_id.arrow", pa.chunked_array([pa.array(ids, pa.string())]))
    return ById(HeldFile(folder / "by_id.arrow").map())


@settings(max_examples=100, deadline=None)
@given(ids=st.lists(st.text(max_size=4), min_size=1, max_size=40, unique=True), other=st.text(max_size=3))
def test_every_id_is_found_at_its_place(
    tmp_path_factory: pytest.TempPathFactory, ids: list[str], other: str
) -> None:
    found = opened(tmp_path_factory.mktemp("ids"), *ids)
    assert [found.place(each) for each in ids] == list(range(len(ids)))
    assert found.place(other) == (ids.index(other) if other in ids else -1)
    expected = [ids.index(each) for each in sorted(ids) if each.startswith(other)]
    assert found.starting_with(other).tolist() == expected


def test_ids_around_every_step_are_found(tmp_path: Path) -> None:
    ids = [f"{number * 2:06d}" for number in range(5_000)]
    found = opened(tmp_path, *ids)
    assert [found.place(each) for each in ids] == list(range(5_000))
    assert all(found.place(f"{number * 2 + 1:06d}") == -1 for number in range(5_000))
    assert found.place("") == found.place("~") == -1


def test_a_repeated_id_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="repeated key"):
        opened(tmp_path, "a", "b", "a")


def test_ids_in_many_pieces_are_one_order(tmp_path: Path) -> None:
    pieces = pa.chunked_array([pa.array(["c", "a"]), pa.array([], pa.string()), pa.array(["b"])])
    write_by_id(tmp_path / "x", pieces)
    found = ById(HeldFile(tmp_path / "x").map())
    assert [found.place(each) for each in "abc"] == [1, 2, 0]
