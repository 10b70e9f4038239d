from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contracts.errors import DeclarationError
from repurchase.notify_job import hook_of, notify
from serving.batch.changed import Moves
from serving.store import Store, publish
from serving.webhook import verify
from tests.serving.shop import ranking
from tests.serving.test_webhook import SECRET, receiving

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
