"""A real server for hostile requests, as a process of its own: `python -m tests.serving.hostile_server FOLDER`."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from serving.live_scorer import LiveScorer
from serving.server import server
from tests.serving.guarded import guarded
from tests.serving.shop import open_store
from tests.serving_alone import make_bundle

NOW = datetime(1998, 7, 1, 9, 30, tzinfo=UTC)


def main(folder: Path) -> None:
    """Serve a small ranking and a real model on a free port, which is the first line of the output."""
    scorer = LiveScorer(make_bundle(folder / "model"), lambda: NOW)
    app = guarded(open_store(folder / "ranking", *"abc"), scorer=scorer, exports=folder / "exports")

    @app.get("/slow")
    async def slow(seconds: float) -> str:
        await asyncio.sleep(seconds)
        return "done"

    running = server(app, host="127.0.0.1", port=0)
    begin = running.startup

    async def told(sockets: object = None) -> None:
        await begin()
        sys.stdout.write(f"{running.servers[0].sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()

    running.startup = told  # type: ignore[method-assign]
    running.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
