"""Exports of exactly the customers that the table shows, without those on the suppression list."""

from __future__ import annotations

import logging
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from anyio import to_thread
from fastapi import APIRouter
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, Response

from contracts.errors import RepurchaseError
from serving.outputs.exports import Written, write_export
from serving.outputs.formats import FORMATS, Format
from serving.outputs.people import people_and_barred
from serving.pages.filters import address, where_of
from serving.pages.guard import PageRoute
from serving.pages.visit import Visit, VisitDep
from serving.problems import Problem
from serving.stored.where import Where

logger = logging.getLogger("repurchase.serving")
router = APIRouter(include_in_schema=False, route_class=PageRoute)

PATH = "/export"
_SPREADSHEETS = ("csv", "generic")
_LABELS = {"csv": "CSV for spreadsheets", "jsonl": "JSON Lines", "parquet": "Parquet"}


@dataclass(frozen=True)
class Offered:
    """One way to take the customers away. audience: made for another marketing tool."""

    label: str
    about: str
    link: str
    audience: bool


def offered(visit: Visit, where: Where) -> list[Offered]:
    """Return the formats that this visitor may have; those of addresses need the scope and the personal table."""
    return [
        Offered(
            _LABELS.get(name, name.capitalize()), one.about, address(PATH, where, format=name), one.audience
        )
        for name, one in FORMATS.items()
        if one.addresses != "needed" or _with_addresses(visit, one)
    ]


def _with_addresses(visit: Visit, kind: Format) -> bool:
    """Tell whether addresses go into a file: only into those made for other tools, and only with the scope."""
    has = visit.service.settings.personal is not None and visit.visitor.sees_addresses
    return has and kind.addresses != "beside"


@router.get(PATH)
async def export(visit: VisitDep) -> Response:
    """Return a file of the filtered customers, best first; it is whole before the first byte is sent."""
    query = visit.request.query_params
    name = query.get("format", "csv")
    if name not in FORMATS:
        raise Problem(422, f"There is no such format. Formats are {', '.join(FORMATS)}.")
    kind = FORMATS[name]
    if kind.addresses == "needed" and not _with_addresses(visit, kind):
        raise Problem(
            403,
            "This format is made of addresses: it needs a key with the scope export:pii and the personal table.",
        )
    where = where_of(query.multi_items(), visit.store.values())
    folder = Path(tempfile.mkdtemp(prefix="repurchase-export-"))
    try:
        done = await to_thread.run_sync(_written, visit, kind, where, folder, limiter=visit.service.bulk)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    visit.request.scope["state"]["rows"] = done.rows
    return FileResponse(
        done.path,
        media_type=kind.media_type,
        filename=done.path.name,
        headers={"x-rows": str(done.rows), "x-suppressed": str(done.suppressed), "x-sha256": done.sha256},
        background=BackgroundTask(shutil.rmtree, folder, ignore_errors=True),
    )


def _written(visit: Visit, kind: Format, where: Where, folder: Path) -> Written:
    store, settings = visit.store, visit.service.settings
    path = folder / f"customers-{store.manifest['as_of']}{kind.name_ends}"
    try:
        everybody, barred = people_and_barred(settings, visit.service.clock())
    except RepurchaseError as error:
        logger.error("nothing can be exported: %s", error)
        what = "The suppression list or the personal table cannot be read; nothing is exported without it."
        raise Problem(503, what) from None
    return write_export(
        store,
        path,
        format=kind.name,
        where=where,
        personal=everybody if _with_addresses(visit, kind) else None,
        suppressed=barred,
        excel_safe=kind.name in _SPREADSHEETS,
    )
