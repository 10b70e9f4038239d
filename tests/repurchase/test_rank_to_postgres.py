"""`rank --to` on the command line, against a PostgreSQL server of the tests' own: nobody barred is sent, or stays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests import postgres, worlds
from tests.repurchase.front_door import Ended, here

TO = "postgresql://postgres@/postgres?host="


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with postgres.running() as (folder, _):
        yield f"{TO}{folder}"


def rank(folder: Path, *words: str | Path) -> Ended:
    """Rank the small shop on the command line."""
    model = worlds.simple("bgnbd").folder
    return here(
        folder, "rank", worlds.home() / "bgnbd.csv", "--model", model, "--out", folder / "out", *words
    )


def ids(address: str) -> list[str]:
    """Return whom the table holds."""
    from adbc_driver_postgresql import dbapi  # type: ignore[import-untyped]

    with closing(dbapi.connect(address)) as server, closing(server.cursor()) as cursor:
        cursor.execute("SELECT customer_id FROM repurchase_scores ORDER BY 1")
        return [own for (own,) in cursor.fetchall()]


def ranked_ids(folder: Path) -> list[str]:
    """Return whom the published ranking holds."""
    return sorted(pq.read_table(folder / "out/scores.parquet")["customer_id"].to_pylist())


@pytest.mark.postgres
def test_who_is_on_the_list_is_not_sent_and_leaves_the_table(tmp_path: Path, address: str) -> None:
    first = rank(tmp_path, "--to", address)
    everybody = ranked_ids(tmp_path)
    assert (first.code, ids(address)) == (
        0,
        everybody,
    ) and f"{len(everybody)} customers inserted" in first.out
    (tmp_path / "no.txt").write_text(f"{everybody[3]}\n")
    second = rank(tmp_path, "--to", address, "--suppress", tmp_path / "no.txt")
    assert second.code == 0 and "0 customers inserted" in second.out and "1 removed" in second.out
    assert ids(address) == everybody[:3] + everybody[4:] and ranked_ids(tmp_path) == everybody


@pytest.mark.postgres
def test_an_address_on_the_list_bars_its_customer(tmp_path: Path, address: str) -> None:
    (tmp_path / "no.csv").write_text("email\nanna@x.de\n")
    (tmp_path / "people.csv").write_text("customer_id,email\n00007,Anna@X.de\n")
    done = rank(
        tmp_path, "--to", address, "--suppress", tmp_path / "no.csv", "--personal", tmp_path / "people.csv"
    )
    assert done.code == 0 and "00007" in ranked_ids(tmp_path)
    assert "00007" not in ids(address) and "00008" in ids(address)


def test_a_database_that_is_down_leaves_the_ranking_published_and_says_so(tmp_path: Path) -> None:
    done = rank(tmp_path, "--to", "postgresql://127.0.0.1:1/db")
    assert done.code == 2 and len(ranked_ids(tmp_path)) > 200
    (said,) = [line for line in done.errors if line.startswith("error")]
    assert said.startswith("error: the ranking is published, but --to failed: postgresql://127.0.0.1:1/db: ")
    assert f"repurchase export {tmp_path / 'out'} --to" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--to", f"{TO}x", "--suppress", "gone.csv"), "no such suppression list"),
        (("--suppress", "no.txt"), "Give --to"),
        (("--to", f"{TO}x", "--personal", "no.txt"), "--suppress are, which is not given"),
    ],
)
def test_a_list_that_cannot_be_obeyed_is_refused_before_any_work(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    (tmp_path / "no.txt").write_text("00003\n")
    done = rank(tmp_path, *words)
    assert done.code == 2 and said in done.err and not (tmp_path / "out").exists()
