from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from contracts.errors import DeclarationError
from repurchase.notify_job import hook_of, notify
from serving.batch.changed import Moves
from serving.store import Store, publish
from serving.webhook import verify
from tests.faults.models import write_model
from tests.faults.shop import orders
from tests.repurchase.front_door import Ended, here
from tests.serving.shop import ranking
from tests.serving.test_webhook import SECRET, Receiver, receiving

NOW = datetime(2026, 3, 1, 3, 15, tzinfo=UTC)


def test_the_receiver_is_told_what_was_published_and_how_many_changed(tmp_path: Path) -> None:
    publish(ranking("a", "b"), tmp_path, manifest={})
    with receiving(200) as receiver:
        warning = notify(hook_of(receiver.url, SECRET), tmp_path, Moves(1, 2, 3, ()), clock=lambda: NOW)
    ((headers, body),) = receiver.got
    verify(SECRET, headers, body, now=NOW)
    told = json.loads(body)["data"]
    assert warning is None and (told["rows"], told["changed_rows"], told["as_of"]) == (2, 6, "1998-04-01")
    assert told["version"] == Store.open(tmp_path).version


def test_a_receiver_that_is_gone_is_a_warning(tmp_path: Path) -> None:
    publish(ranking("a"), tmp_path, manifest={})
    with receiving(410) as receiver:
        warning = notify(hook_of(receiver.url, SECRET), tmp_path, None, clock=lambda: NOW)
    assert warning is not None and warning.startswith("the ranking is published, but --notify failed")
    assert json.loads(receiver.got[0][1])["data"]["changed_rows"] is None


def test_without_an_address_nobody_is_told(tmp_path: Path) -> None:
    assert hook_of(None, None) is None and notify(None, tmp_path, None, clock=lambda: NOW) is None


@pytest.mark.parametrize("secret", [None, "", "short"])
def test_an_address_without_a_good_secret_is_refused_before_any_work(secret: str | None) -> None:
    with pytest.raises(DeclarationError, match="secret"):
        hook_of("http://127.0.0.1/", secret)


# ---------------------------------------------------------------- on the command line
def rank(folder: Path, day: str, url: str) -> Ended:
    """Rank a small shop as of a day, and tell an address."""
    if not (folder / "model").exists():
        write_model(folder / "model")
        orders(folder, "orders.csv", count=2_000)
    words = ("rank", "orders.csv", "--model", "model", "--as-of", day, "--out", "ranking", "--notify", url)
    return here(folder, *words, settings={"REPURCHASE_WEBHOOK_SECRET": SECRET})


def told_by(receiver: Receiver) -> list[dict[str, object]]:
    """Return what the receiver was told, each signature computed anew from what came over the wire."""
    key, told = base64.b64decode(SECRET.partition("_")[2]), []
    for headers, body in receiver.got:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        mac = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{mac}"
        told.append(json.loads(body)["data"])
    return told


def test_each_ranking_is_told_once_with_a_right_signature(tmp_path: Path) -> None:
    with receiving(204, 204) as receiver:
        days = ("2023-11-30", "2023-12-20")
        ended = [rank(tmp_path, day, receiver.url) for day in days]
    assert all(one.code == 0 and "--notify" not in one.err for one in ended)
    first, second = told_by(receiver)
    changed = pq.read_metadata(tmp_path / "ranking/changed.parquet").num_rows
    assert (first["as_of"], first["changed_rows"]) == ("2023-11-30", None)
    assert (second["as_of"], second["changed_rows"]) == ("2023-12-20", changed)
    assert second["rows"] == pq.read_metadata(tmp_path / "ranking/scores.parquet").num_rows > 0
    assert receiver.got[0][0]["webhook-id"] != receiver.got[1][0]["webhook-id"]


def test_a_receiver_that_is_down_leaves_the_ranking_published_with_a_warning(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    ended = rank(tmp_path, "2023-12-20", f"http://127.0.0.1:{port}/hooks?token=geheim")
    store = Store.open(tmp_path / "ranking")
    assert ended.code == 0 and store.count > 0
    said = f"127.0.0.1:{port}: Connection refused; tried 3 times"
    assert ended.errors[-1] == f"! the ranking is published, but --notify failed ({said})"
    assert "geheim" not in ended.out + ended.err
    store.close()
