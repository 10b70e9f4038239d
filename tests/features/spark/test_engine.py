"""Both kinds of Spark, in this process and on a master and worker, give what the local engine gives, to the bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from features.spark.engine import write_features
from tests.features.spark.shop import (
    BERLIN,
    FEW,
    NOW,
    Asked,
    assert_same,
    day,
    locally,
    on_disk,
    orders,
    written,
)

pytestmark = pytest.mark.spark


def test_a_shop_with_all_kinds_of_trouble_gets_the_same_features(any_spark: Any, tmp_path: Path) -> None:
    source, out = written(tmp_path, orders(), files=3), tmp_path / "out"
    made = write_features(any_spark, [source], str(out), wanted=Asked(), mapping=BERLIN, now=NOW)
    assert_same((on_disk(out), made.report), locally(source))
    assert made.rows == on_disk(out).num_rows


def test_small_blocks_and_many_tasks_give_the_same(any_spark: Any, tmp_path: Path) -> None:
    source, out = written(tmp_path, orders(), files=2), tmp_path / "out"
    made = write_features(any_spark, [source], str(out), wanted=FEW, mapping=BERLIN, now=NOW, block_rows=300)
    assert_same((on_disk(out), made.report), locally(source, wanted=FEW))


def test_a_past_as_of_day_sees_nothing_later(any_spark: Any, tmp_path: Path) -> None:
    source, out, until = written(tmp_path, orders()), tmp_path / "out", day("2024-10-27")
    made = write_features(any_spark, [source], str(out), wanted=Asked(), mapping=BERLIN, until=until, now=NOW)
    assert_same((on_disk(out), made.report), locally(source, until=until))
    assert made.report.later > 0
