"""A ranking of people with several ids, killed half-way and taken up again: the table of an undisturbed run."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from features.shop.identity import Identity
from tests.faults.models import write_model
from tests.faults.rankings import differing, driven, scores
from tests.faults.shop import orders
from tests.repurchase.front_door import here

pytestmark = pytest.mark.faults  # processes that are killed: make test-faults
IDS_PER_BLOCK = 400  # so that few people already make several blocks
# The front door, which dies by kill -9 instead of noting one part more than so many.
KILLED = f"""
import os, signal, sys
from features.shop.identity import Identity
from repurchase import cli
from serving.batch.checkpoint import Checkpoint
Identity.of.__kwdefaults__["ids_per_block"] = {IDS_PER_BLOCK}
left, finish = int(sys.argv[1]), Checkpoint.finish
def until(run, part, note):
    global left
    left -= 1
    if left < 0: os.kill(os.getpid(), signal.SIGKILL)
    finish(run, part, note)
Checkpoint.finish = until
sys.argv = ["repurchase", *sys.argv[2:]]
cli.main()
"""


def words_for(out: str) -> tuple[str, ...]:
    told = ("--model", "model", "--as-of", "2023-12-20", "--links", "links.csv", "--out", out)
    return ("rank", "orders", *told, "--formats", "parquet")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder with orders in four partitions, 600 pairs of ids, and the ranking that nothing disturbed."""
    folder = tmp_path_factory.mktemp("shop")
    write_model(folder / "model")
    orders(folder, "orders.csv", count=8_000)
    pairs = (f"customer-{i:05d},customer-{i + 1000:05d},2023-{1 + i % 12:02d}-25" for i in range(600))
    (folder / "links.csv").write_text("\n".join(["id_a,id_b,known_at", *pairs]) + "\n")
    assert here(folder, "prepare", "orders.csv", "--out", "orders", "--partitions", "4").code == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Identity.of, "__kwdefaults__", {"ids_per_block": IDS_PER_BLOCK})
        assert here(folder, *words_for("whole")).code == 0
        yield folder


def facts(folder: Path) -> tuple[object, ...]:
    """Return what the report tells of rows and customers, and the checksums of the customers' details."""
    report = json.loads((folder / "report.json").read_text())
    files = json.loads((folder / "manifest.json").read_text())["files"]
    details = {name: file["sha256"] for name, file in files.items() if name.startswith("details/")}
    assert len(details) == 7
    return report["customers"], report["rows"], report["drift"], details


def test_linked_ids_are_one_customer_from_the_day_on_which_it_is_known(shop: Path) -> None:
    ids = scores(shop / "whole")["customer_id"]
    assert len(ids) == 1_999 - 550  # the links of December are known after the day
    assert not pc.any(pc.is_in(ids, value_set=pa.array(["customer-01000"]))).as_py()
    assert pc.all(pc.is_in(pa.array(["customer-00011", "customer-01011"]), value_set=ids)).as_py()


@pytest.mark.parametrize(
    "finished", [2, 4, 6]
)  # in the partitions, before the blocks of linked ids, between them
def test_a_killed_run_is_taken_up_and_gives_the_same_table(shop: Path, finished: int) -> None:
    out = f"killed-{finished}"
    assert driven(KILLED, shop, str(finished), *words_for(out)).returncode == -signal.SIGKILL
    again = here(shop, *words_for(out))
    assert again.code == 0 and f"Taken up: {finished} of 7 parts" in again.out
    assert differing(scores(shop / out), scores(shop / "whole")) == []
    assert facts(shop / out) == facts(shop / "whole")
