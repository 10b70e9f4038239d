"""Telling another tool that a ranking is published: `repurchase rank --notify URL`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.errors import DeclarationError

if TYPE_CHECKING:
    from serving.batch.changed import Moves
    from serving.webhook import Hook


def hook_of(url: str | None, secret: str | None) -> Hook | None:
    """Return where to tell it, None if nowhere; DeclarationError, before any work, if address or secret is wrong."""
    if url is None:
        return None
    from serving.webhook import Hook

    if not secret:
        raise DeclarationError(
            "--notify needs a secret that the receiver knows as well. Set REPURCHASE_WEBHOOK_SECRET=whsec_…"
        )
    return Hook.of(url, secret)


def notify(
    hook: Hook | None, ranking: Path, moves: Moves | None, *, clock: Callable[[], datetime]
) -> str | None:
    """Send `ranking.published` about the current ranking of a folder; return a warning if nobody took it.

    moves: who changed since the previous ranking, None where there is none.
    """
    if hook is None:
        return None
    from serving.store import read_manifest
    from serving.stored.shelf import current_home
    from serving.webhook import announce

    changed = None if moves is None else moves.new + moves.gone + moves.moved
    done = announce(hook, read_manifest(current_home(ranking)), changed_rows=changed, clock=clock)
    if done.problem is None:
        return None
    times = "once" if done.tries == 1 else f"{done.tries} times"
    return f"the ranking is published, but --notify failed ({done.problem}; tried {times})"
