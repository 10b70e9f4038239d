from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pytest

from contracts.errors import ArtifactError, ContractError
from models.bundle import load_bundle, version_of
from serving.live_scorer import LiveScorer
from serving.service import Current, Service
from serving.settings import ServiceSettings
from serving.store import Store, publish
from serving.swap.source import SETTLED_SECONDS
from serving.swap.watch import Watcher
from tests.serving.shop import NOW, Client, CountingScorer, make_app, open_store, ranking
from tests.serving_alone import make_bundle

pytestmark = pytest.mark.lab  # servers of its own: make test-lab


@dataclass
class Watched:
    """A service over a folder of rankings and a folder of models, and what its watcher counted."""

    folder: Path
    counted: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        put_model(self.models)
        first = Current(open_store(self.rankings, "a"), open_counting(self.models))
        self.service = Service(first, None, lambda: NOW, ServiceSettings())
        self.watcher = self.watching(self.rankings, self.models)

    @property
    def rankings(self) -> Path:
        return self.folder / "ranking"

    @property
    def models(self) -> Path:
        return self.folder / "model"

    def watching(self, store: Path | None, bundle: Path | None, *, every: float = 60.0) -> Watcher:
        return Watcher(
            self.service, store=store, bundle=bundle, every=every, open_scorer=open_counting,
            count=self.count,
        )  # fmt: skip

    def count(self, kind: str, result: str) -> None:
        self.counted.append((kind, result))

    def customers(self) -> int:
        store = self.service.current.store
        return 0 if store is None else store.count


def put_model(folder: Path, **told: str) -> None:
    folder.mkdir(exist_ok=True)
    aside = folder.with_name("aside.json")
    aside.write_text(json.dumps(told))
    aside.replace(folder / "manifest.json")


def open_counting(folder: Path) -> CountingScorer:
    told = json.loads((folder / "manifest.json").read_text())
    if "broken" in told:
        raise ArtifactError(f"{folder}: the bundle is damaged: {told['broken']}")
    return CountingScorer(currency=told.get("currency", "USD"), model_version=version_of(folder))


def flip(path: Path, at: int = 100) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def until(reached: Callable[[], bool], *, seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while not reached() and time.monotonic() < end:
        time.sleep(0.01)
    return reached()


@pytest.fixture
def shop(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


# ---------------------------------------------------------------- what is taken
def test_what_is_served_already_is_no_news(shop: Watched) -> None:
    before = shop.service.current
    shop.watcher.look()
    assert shop.service.current is before and shop.counted == []


def test_a_newer_ranking_answers_from_now_on(shop: Watched) -> None:
    publish(ranking("a", "b"), shop.rankings, manifest={})
    shop.watcher.look()
    assert shop.customers() == 2 and shop.counted == [("store", "done")]


def test_a_newer_model_answers_from_now_on_with_the_same_ranking(shop: Watched) -> None:
    before = shop.service.current
    put_model(shop.models, trained="again")
    shop.watcher.look()
    assert shop.service.current.scorer.model_version == version_of(shop.models) != before.scorer.model_version
    assert shop.service.current.store is before.store and shop.counted == [("model", "done")]


def test_the_first_ranking_of_a_server_that_began_without_one_is_taken(shop: Watched) -> None:
    shop.service.current = Current(None, shop.service.current.scorer)
    shop.watcher.look()
    assert shop.customers() == 1


def test_going_back_to_an_older_ranking_is_a_swap_as_well(shop: Watched) -> None:
    older = (shop.rankings / "current").readlink()
    publish(ranking("a", "b"), shop.rankings, manifest={})
    shop.watcher.look()
    (shop.rankings / "aside").symlink_to(older)
    (shop.rankings / "aside").replace(shop.rankings / "current")
    shop.watcher.look()
    assert shop.customers() == 1 and shop.counted == [("store", "done")] * 2


def test_an_old_ranking_answers_whoever_still_holds_it_after_its_files_are_gone(shop: Watched) -> None:
    held = shop.service.current.store
    for count in (2, 3, 5):
        publish(ranking(*"abcde"[:count]), shop.rankings, manifest={})
        shop.watcher.look()
    assert held is not None and held.customer("a") is not None
    assert [row["customer_id"] for row in held.ranking(limit=9)] == ["a"] and shop.customers() == 5


def test_a_real_bundle_is_taken_and_scores(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "first")
    service = Service(Current(None, CountingScorer()), None, lambda: NOW, ServiceSettings())
    watcher = Watcher(
        service,
        bundle=tmp_path / "first",
        open_scorer=lambda home: LiveScorer(load_bundle(home), lambda: NOW),
    )
    watcher.look()
    assert service.current.scorer.model_version == bundle.version
    assert service.current.scorer.card()["parts"] == "mbgnbd"


# ---------------------------------------------------------------- what is refused
def test_a_damaged_ranking_is_refused_once_and_the_old_one_keeps_answering(
    shop: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    home = publish(ranking("a", "b"), shop.rankings, manifest={})
    flip(home / "manifest.json")
    for _ in range(3):
        shop.watcher.look()
    assert shop.customers() == 1 and shop.counted == [("store", "refused")]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "the new store is refused, the old one keeps answering" in caplog.text


def test_every_file_of_a_ranking_is_verified(shop: Watched) -> None:
    home = publish(ranking("a", "b"), shop.rankings, manifest={})
    files = [path for path in home.rglob("*") if path.is_file()]
    assert len(files) > 2
    for number, path in enumerate(files):
        whole = path.read_bytes()
        flip(path, at=len(whole) // 2)
        shop.watcher.look()
        assert shop.customers() == 1 and len(shop.counted) == number + 1, path.name
        path.write_bytes(whole)
    assert set(shop.counted) == {("store", "refused")}


def test_a_good_ranking_after_a_damaged_one_is_taken(shop: Watched) -> None:
    flip(publish(ranking("a", "b"), shop.rankings, manifest={}) / "manifest.json")
    shop.watcher.look()
    publish(ranking("a", "b", "c"), shop.rankings, manifest={})
    shop.watcher.look()
    assert shop.customers() == 3 and shop.counted == [("store", "refused"), ("store", "done")]


def test_a_damaged_ranking_that_is_put_right_is_taken(shop: Watched) -> None:
    manifest = publish(ranking("a", "b"), shop.rankings, manifest={}) / "manifest.json"
    whole = manifest.read_bytes()
    flip(manifest)
    shop.watcher.look()
    manifest.write_bytes(whole)
    shop.watcher.look()
    assert shop.customers() == 2


def test_a_damaged_model_is_refused_once_with_its_reason(
    shop: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    put_model(shop.models, broken="orders.txt")
    for _ in range(3):
        shop.watcher.look()
    assert shop.counted == [("model", "refused")] and "orders.txt" in caplog.text


def test_an_error_that_nobody_thought_of_is_a_refusal_too_and_its_message_stays_out_of_the_log(
    shop: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    put_model(shop.models)
    (shop.models / "manifest.json").write_text("anna@example.com")
    shop.watcher.look()
    assert shop.counted == [("model", "refused")] and "JSONDecodeError" in caplog.text
    assert "anna@example.com" not in caplog.text


def test_a_model_that_answers_nobody_is_refused(shop: Watched) -> None:
    watcher = Watcher(
        shop.service, bundle=shop.models, open_scorer=lambda _: Mute(model_version="v2"), count=shop.count
    )
    put_model(shop.models, trained="again")
    watcher.look()
    assert shop.counted == [("model", "refused")]


class Mute(CountingScorer):
    """Scores nobody."""

    def score(self, lines: pa.Table, *, as_of: int, horizons: tuple[int, ...]) -> pa.Table:
        """Return no rows."""
        return super().score(lines, as_of=as_of, horizons=horizons).slice(0, 0)


def test_a_folder_that_is_gone_for_a_moment_is_neither_news_nor_damage(shop: Watched) -> None:
    shop.models.rename(shop.folder / "away")
    shop.rankings.rename(shop.folder / "away-too")
    shop.watcher.look()
    assert shop.customers() == 1 and shop.counted == []


def test_a_bundle_that_is_being_copied_is_left_until_it_is_whole(shop: Watched) -> None:
    end = time.monotonic() + 3 * SETTLED_SECONDS

    def copying() -> None:
        while time.monotonic() < end:
            put_model(shop.models, broken=str(time.monotonic()))
            time.sleep(0.01)

    thread = threading.Thread(target=copying)
    thread.start()
    time.sleep(0.05)
    shop.watcher.look()
    thread.join()
    assert shop.counted == []


# ---------------------------------------------------------------- what belongs together
def test_a_ranking_in_another_currency_than_the_models_is_refused(shop: Watched) -> None:
    publish(in_euro("a", "b"), shop.rankings, manifest={})
    for _ in range(2):
        shop.watcher.look()
    assert shop.customers() == 1 and shop.counted == [("store", "refused")]


def in_euro(*customer_ids: str) -> pa.Table:
    table = ranking(*customer_ids)
    place = table.column_names.index("currency")
    return table.set_column(place, table.schema.field("currency"), pa.array(["EUR"] * len(customer_ids)))


@pytest.mark.parametrize("first", ["store", "model"])
def test_what_comes_first_in_another_currency_waits_for_its_counterpart(shop: Watched, first: str) -> None:
    steps: dict[str, Callable[[], object]] = {
        "store": lambda: publish(in_euro("a", "b"), shop.rankings, manifest={}),
        "model": lambda: put_model(shop.models, currency="EUR"),
    }
    steps.pop(first)()
    shop.watcher.look()
    assert shop.service.current.scorer.currency == "USD" and len(shop.counted) == 1
    steps.popitem()[1]()
    shop.watcher.look()
    assert shop.customers() == 2 and shop.service.current.scorer.currency == "EUR"
    assert shop.counted[0][1] == "refused" and sorted(shop.counted[1:]) == [
        ("model", "done"),
        ("store", "done"),
    ]


def test_ranking_and_model_of_another_currency_are_taken_together(shop: Watched) -> None:
    publish(in_euro("a", "b"), shop.rankings, manifest={})
    put_model(shop.models, currency="EUR")
    shop.watcher.look()
    assert shop.customers() == 2 and shop.service.current.scorer.currency == "EUR"
    assert shop.counted == [("store", "done"), ("model", "done")]


# ---------------------------------------------------------------- the thread
def test_the_thread_looks_by_itself_and_ends(shop: Watched) -> None:
    watcher = shop.watching(shop.rankings, None, every=0.05)
    watcher.start()
    publish(ranking("a", "b"), shop.rankings, manifest={})
    assert until(lambda: shop.customers() == 2)
    watcher.stop()
    publish(ranking("a", "b", "c"), shop.rankings, manifest={})
    time.sleep(0.2)
    assert shop.customers() == 2


def test_a_hangup_signal_makes_it_look_now(shop: Watched) -> None:
    before = signal.getsignal(signal.SIGHUP)
    shop.watcher.on_hangup()
    shop.watcher.start()
    time.sleep(0.1)  # the first look is over; the next one would come in a minute
    publish(ranking("a", "b"), shop.rankings, manifest={})
    os.kill(os.getpid(), signal.SIGHUP)
    assert until(lambda: shop.customers() == 2)
    shop.watcher.stop()
    signal.signal(signal.SIGHUP, before)


def test_a_watched_bundle_needs_somebody_who_opens_it(shop: Watched) -> None:
    with pytest.raises(ContractError, match="open_scorer"):
        Watcher(shop.service, bundle=shop.models)


def test_the_application_answers_from_the_new_ranking(tmp_path: Path) -> None:
    app = make_app(open_store(tmp_path, "a"))
    watcher = Watcher(app.state.service, store=tmp_path)
    assert Client(app).get("/v1/customers/b").status_code == 404
    publish(ranking("a", "b"), tmp_path, manifest={})
    watcher.look()
    assert Client(app).get("/v1/customers/b").status_code == 200


def test_a_plain_copy_of_a_store_can_be_watched(tmp_path: Path, shop: Watched) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(publish(ranking("a", "b", "c"), tmp_path / "other", manifest={}), copy)
    watcher = shop.watching(copy, None)
    watcher.look()
    assert shop.customers() == 3 and isinstance(shop.service.current.store, Store)
