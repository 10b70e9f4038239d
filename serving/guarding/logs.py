"""The server's log on standard error: plain lines, or one JSON object a line; each says which request it is of.

Messages at INFO name routes, counts and times, never an id, an address or a value that was sent. Of an exception the
type and the lines that it passed are kept; its message may quote a customer and is left out.
"""

from __future__ import annotations

import logging
import sys
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO

from pydantic_core import to_json

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
# Libraries that name addresses or paths at INFO.
_QUIET = ("httpx", "urllib3", "mlflow", "alembic", "opentelemetry")


class PlainLines(logging.Formatter):
    """Time, level, message and the request's id."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a line (and the lines of a traceback)."""
        of_request = REQUEST_ID.get()
        line = f"{_time_of(record)} {record.levelname:<7} {record.getMessage()}"
        return line + (f" [{of_request}]" if of_request else "") + _passed(record)


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, request_id, and the fields that the caller gave."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a line."""
        entry = {
            "time": _time_of(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if of_request := REQUEST_ID.get():
            entry["request_id"] = of_request
        if passed := _passed(record):
            entry["passed"] = passed.strip()
        return to_json(entry | getattr(record, "fields", {}), fallback=str).decode()


def start(*, as_json: bool, to: TextIO | None = None) -> None:
    """Send the process's log to standard error (or `to`): ours and the server's from INFO on, others' from WARNING."""
    handler = logging.StreamHandler(to or sys.stderr)
    handler.setFormatter(JsonLines() if as_json else PlainLines())
    logging.root.handlers = [handler]
    logging.root.setLevel(logging.WARNING)
    for name in ("repurchase", "uvicorn"):
        logging.getLogger(name).setLevel(logging.INFO)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)


def _time_of(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def _passed(record: logging.LogRecord) -> str:
    if not record.exc_info or record.exc_info[0] is None:
        return ""
    lines = "".join(traceback.format_tb(record.exc_info[2])).rstrip()
    return f"\n{record.exc_info[0].__name__} (message left out)\n{lines}"
