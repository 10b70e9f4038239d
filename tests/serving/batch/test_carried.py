"""A part that was made elsewhere is, file by file, the one that is made here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import serving.batch.carried as carried
from features.catalog import CATALOG
from features.cleaning.account import Account
from features.cleaning.clean import Cleaned
from features.cleaning.flags import FLAGS
from models.bundle import load_bundle
from models.carried import files_of
from serving.batch.carried import DistantParts, Luggage, put_down
from serving.batch.parts import PartMaker
from serving.rank import Scoring
from tests import worlds

SCORING = Scoring(worlds.AS_OF, (30, 90), 30, "value", datetime(2022, 6, 1, tzinfo=UTC))


def block() -> Cleaned:
    lines, none = worlds.orders().lines, FLAGS.empty_table()
    return Cleaned(lines, lines.slice(0, 0), lines.slice(0, 0), none, Account())


def rows(*blocks: Cleaned, details: bool = True) -> Iterator[tuple[str, bytes]]:
    """Yield what a worker sends of some blocks."""
    folder = worlds.simple("bgnbd").folder
    luggage = Luggage(files_of(folder, load_bundle(folder, in_child_first=False)), None)
    work = DistantParts(SimpleNamespace(value=luggage), SCORING, CATALOG, details)
    for number, one in enumerate(blocks):
        for table in work.rows((0, number), one):
            assert table.schema.equals(carried.SCHEMA) and table.num_rows == 1
            yield table["kind"][0].as_py(), table["content"][0].as_py()


def brought(folder: Path, found: Iterator[tuple[str, bytes]]) -> dict[int, dict[str, Any]]:
    return put_down(found, scores=lambda k: folder / f"scores{k}", details=lambda k: folder / f"details{k}")


def test_the_files_of_each_part_are_those_that_are_made_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carried, "_PIECE_BYTES", 10_000)
    notes = brought(tmp_path, rows(block(), block()))
    bundle = load_bundle(worlds.simple("bgnbd").folder, in_child_first=False)
    maker = PartMaker(bundle, SCORING, CATALOG, True)
    made = maker.make(worlds.history(), scores=tmp_path / "scores", details=tmp_path / "details")
    for kind in ("scores", "details"):
        content = (tmp_path / kind).read_bytes()
        assert [(tmp_path / f"{kind}{k}").read_bytes() for k in (0, 1)] == [content, content]
    assert [note["customers"] for note in notes.values()] == [made["customers"]] * 2


def test_the_note_tells_what_the_driver_must_know(tmp_path: Path) -> None:
    note = brought(tmp_path, rows(block(), details=False))[0]
    assert {"account", "flags", "digest", "shared", "drift", "finished", "cpu"} <= note.keys()
    assert len(note["digest"]) == 64 and json.dumps(note)
    assert not (tmp_path / "details0").exists()


def test_a_block_without_any_order_is_a_part_of_nobody(tmp_path: Path) -> None:
    whole = block()
    nobody = Cleaned(whole.lines.slice(0, 0), whole.refused, whole.late, whole.flags, whole.account)
    assert brought(tmp_path, rows(nobody))[0]["customers"] == 0
