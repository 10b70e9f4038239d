"""Opening a store or a model that nobody has asked yet: verified, tried in a child process, asked once here."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from contracts.days import to_date
from contracts.errors import ArtifactError
from models.trial import why_it_fails
from serving.live import Scorer, score_live
from serving.shapes.posted import read_score_request
from serving.store import Store
from serving.swap.golden import ask_store

# What a store's trial may take: reading is bound by the disk, addresses by what is mapped.
_SECONDS, _BYTES_PER_SECOND = 60, 20 * 2**20
_MEMORY_BYTES = 2 * 2**30
_STORE = """
from pathlib import Path
from serving.swap.golden import check_store
check_store(Path(sys.argv[1]))
"""


def open_store(home: Path) -> Store:
    """Return the store in a folder, tried in a child process; ArtifactError if it is damaged.

    The child reads every file: the hashing and parsing of a large store does not slow the requests here.
    """
    size = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
    reason = why_it_fails(
        _STORE, home, seconds=_SECONDS + size // _BYTES_PER_SECOND, memory_bytes=_MEMORY_BYTES + 2 * size
    )
    if reason is not None:
        raise ArtifactError(f"{home}: the ranking cannot be used: {reason}")
    store = Store.open(home)
    ask_store(store)
    return store


def version_of_store(home: Path) -> str | None:
    """Return the version that a store's manifest tells, None if it cannot be read."""
    try:
        return str(json.loads((home / "manifest.json").read_text(encoding="utf-8"))["sha256"])[:12]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def open_model(home: Path, open_scorer: Callable[[Path], Scorer], *, clock: Callable[[], datetime]) -> Scorer:
    """Return the scorer of a bundle after a first question; ArtifactError if it is damaged or answers nonsense."""
    scorer = open_scorer(home)
    last = to_date(scorer.default_as_of).isoformat()
    posted = {"customers": [{"customer_id": "first", "orders": [{"ordered_at": last, "amount": 1.0}]}]}
    asked = read_score_request(json.dumps(posted).encode())
    live = score_live(asked, scorer=scorer, zone=ZoneInfo(scorer.timezone), now=clock())
    rows = [] if live.table is None else live.table.to_pylist()
    chances = [row[f"p_repurchase_{days}d"] for row in rows for days in live.horizons]
    if len(rows) != 1 or not all(math.isfinite(p) and 0.0 <= p <= 1.0 for p in chances):
        raise ArtifactError(f"{home}: the model does not answer a plain history. Train it again.")
    return scorer
