from __future__ import annotations

from pathlib import Path

from serving.bench_store import customer_id, main
from serving.store import Store


def test_a_drawn_ranking_is_a_whole_store(tmp_path: Path) -> None:
    main(["--customers", "1000", "--out", str(tmp_path / "out")])
    store = Store.open(tmp_path / "out")
    rows = store.ranking(limit=2)
    assert store.count == 1_000 and [row["rank"] for row in rows] == [1, 2]
    assert rows[0]["expected_value_90d"] >= rows[1]["expected_value_90d"]


def test_every_number_below_the_count_is_a_customer(tmp_path: Path) -> None:
    assert sorted(customer_id(place, 1_000) for place in range(1_000)) == [
        f"C{number:09d}" for number in range(1_000)
    ]
