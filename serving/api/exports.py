"""Exports: files of chosen customers, made in the background."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Annotated

from anyio import to_thread
from fastapi import Depends, Header, Request
from starlette.applications import Starlette
from starlette.responses import FileResponse, Response

from serving.answering.answers import PROVENANCE, provenance, written
from serving.api.document import takes
from serving.api.score import JsonBody
from serving.api.versioned import NoParameters, problems, v1_router
from serving.guarding.access import EXPORT_PII, CurrentKey, demand
from serving.guarding.keys import Key
from serving.outputs.exports import Written, write_export
from serving.outputs.formats import FORMATS, Format
from serving.outputs.job_state import DONE, EXPIRED, Job
from serving.outputs.jobs import ExportJobs, OtherBody, TooManyJobs, Wish
from serving.outputs.people import people_and_barred
from serving.problems import Problem, refused
from serving.service import PublishedStore, Service, ServiceDep
from serving.settings import ServiceSettings
from serving.shapes.asked import ExportRequest, chosen_columns, score_columns, where_of
from serving.shapes.posted import read_posted
from serving.shapes.schemas_exports import ExportAnswer, ExportFormatsAnswer
from serving.store import Store
from serving.stored.lookup import Row

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FILES = dict.fromkeys(sorted({one.media_type for one in FORMATS.values()}), _BINARY)
_ADDRESSES = {"beside": "never", "inside": "on request", "needed": "always"}
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="1 to 255 visible ASCII characters: sent again, with the same body, it makes no second export.",
    ),
]

router = v1_router(tag="exports")


def jobs_of(app: Starlette) -> ExportJobs:
    """Return the exports of an application, begun when they are first asked for; Problem 503 without a folder."""
    found: ExportJobs | None = getattr(app.state, "exports", None)
    if found is None:
        service: Service = app.state.service
        if service.settings.exports is None:
            raise Problem(
                503, "This server makes no exports. Start it with a folder for them: --exports DIR."
            )
        found = app.state.exports = ExportJobs(service.settings.exports, clock=service.clock)
    return found


async def _jobs(request: Request) -> ExportJobs:
    return jobs_of(request.app)


Jobs = Annotated[ExportJobs, Depends(_jobs)]


@router.get("/exports/formats", response_model=ExportFormatsAnswer, operation_id="list_export_formats")
async def formats(store: PublishedStore, _: NoParameters) -> Response:
    """Return what can be exported, and how."""
    told = [
        {"name": one.name, "about": one.about, "addresses": _ADDRESSES[one.addresses]}
        for one in FORMATS.values()
    ]
    return written({**provenance(store), "formats": told, "columns": score_columns(store)})


@router.post(
    "/exports",
    status_code=202,
    response_model=ExportAnswer,
    operation_id="create_export",
    openapi_extra=takes(ExportRequest),
    responses={
        202: {"headers": {"Location": {"schema": {"type": "string"}, "description": "Of the export."}}}
    },
)
async def create(
    service: ServiceDep,
    store: PublishedStore,
    jobs: Jobs,
    key: CurrentKey,
    body: JsonBody,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Begin an export of the published ranking, as it is now; nobody on the suppression list is in it.

    Files with e-mail addresses or telephone numbers, also hashed, need the scope `export:pii`. An Idempotency-Key that
    was sent before returns the export of that time, or begins it anew if it failed; with another body it is refused.
    """
    if idempotency_key is not None and not _KEY.fullmatch(idempotency_key):
        raise refused(("header", "Idempotency-Key"), "idempotency_key", "1 to 255 visible ASCII characters.")
    work = (service, store, jobs, key, body, idempotency_key)
    job = await to_thread.run_sync(_created, *work, limiter=service.bulk)
    return written(_told(job), 202, location=f"/v1/exports/{job.id}")


@router.get(
    "/exports/{export_id}",
    response_model=ExportAnswer,
    operation_id="get_export",
    responses=problems(404),
)
def status(export_id: str, jobs: Jobs, key: CurrentKey, _: NoParameters) -> Response:
    """Return how far an export is. Only the key that asked for it sees it."""
    return written(_told(_found(jobs, key, export_id)))


@router.get(
    "/exports/{export_id}/file",
    operation_id="get_export_file",
    response_class=FileResponse,
    responses={200: {"description": "The file.", "content": _FILES}, **problems(404, 409, 410)},
)
def file(export_id: str, jobs: Jobs, key: CurrentKey, _: NoParameters) -> Response:
    """Return the file of a finished export, for 24 hours."""
    job = _found(jobs, key, export_id)
    if job.addresses:
        demand(key, EXPORT_PII)
    path = jobs.file(job)
    if job.state == EXPIRED or (job.state == DONE and not path.is_file()):
        raise Problem(410, "The file was removed after 24 hours. Export again.")
    if job.state != DONE:
        raise Problem(409, f"There is no file: the export is {job.state}.")
    return FileResponse(path, media_type=job.media_type, filename=job.name)


@router.delete("/exports/{export_id}", status_code=204, operation_id="delete_export", responses=problems(404))
def delete(export_id: str, jobs: Jobs, key: CurrentKey) -> Response:
    """Remove an export and its file, and free its Idempotency-Key; one that is being made is not kept."""
    jobs.remove(_found(jobs, key, export_id))
    return Response(status_code=204)


def _found(jobs: ExportJobs, key: Key, export_id: str) -> Job:
    job = jobs.find(export_id, owner=key.name)
    if job is None:
        raise Problem(404, "There is no such export of this key.")
    return job


def _told(job: Job) -> Row:
    """Return a job as schemas_exports.ExportAnswer."""
    left_out = ("owner", "asked", "addresses", "name", "media_type", "ranking")
    shown = {name: value for name, value in vars(job).items() if name not in left_out}
    file = f"/v1/exports/{job.id}/file" if job.state == DONE else None
    return ExportAnswer.model_validate({**job.ranking, **shown, "file": file}).model_dump()


# ---------------------------------------------------------------- a new export
def _created(
    service: Service,
    store: Store,
    jobs: ExportJobs,
    key: Key,
    body: bytes,
    idempotency_key: str | None,
) -> Job:
    asked = read_posted(body, ExportRequest)
    kind = _format(asked, service.settings)
    where = where_of(asked.filters, store, at=("body", "filters"))
    addresses = asked.addresses or kind.addresses == "needed"
    if addresses:
        demand(key, EXPORT_PII)
    columns = chosen_columns(asked.columns, score_columns(store), at=("body", "columns"))
    facts = provenance(store)
    wish = Wish(
        owner=key.name,
        asked=hashlib.sha256(asked.model_dump_json().encode()).hexdigest(),
        format=kind.name,
        addresses=addresses,
        name=f"ranking-{facts['as_of']}{kind.name_ends}",
        media_type=kind.media_type,
        ranking={name: str(facts[name]) for name in PROVENANCE}
        | {"scored_at": facts["scored_at"].isoformat()},
        idempotency_key=idempotency_key,
    )

    def work(path: Path) -> Written:
        personal, barred = people_and_barred(service.settings, service.clock())
        return write_export(
            store,
            path,
            format=kind.name,
            where=where,
            columns=columns,
            personal=personal if addresses else None,
            suppressed=barred,
            excel_safe=kind.name in ("csv", "generic") if asked.excel_safe is None else asked.excel_safe,
            limit=asked.limit,
        )

    try:
        return jobs.submit(wish, work)
    except OtherBody:
        message = "This key was sent before with another body. Use a new one."
        raise refused(("header", "Idempotency-Key"), "idempotency_key", message) from None
    except TooManyJobs:
        wait = "Many exports are waiting already. Try again in a minute."
        raise Problem(503, wait, headers={"retry-after": "60"}) from None


def _format(asked: ExportRequest, settings: ServiceSettings) -> Format:
    """Return the format asked for; Problem 422 if there is none, or what is asked does not go with it."""
    kind = FORMATS.get(asked.format)
    if kind is None:
        known = ", ".join(FORMATS)
        raise refused(("body", "format"), "unknown_format", f"There is no such format. Known: {known}.")
    wrong = {
        "addresses": asked.addresses and kind.addresses == "beside",
        "columns": asked.columns is not None and (kind.fixed or (kind.audience and "curve" in asked.columns)),
        "excel_safe": bool(asked.excel_safe) and kind.name not in ("csv", "generic"),
    }
    for name, is_wrong in wrong.items():
        if is_wrong:
            raise refused(("body", name), "not_of_this_format", f"The format {kind.name} does not have this.")
    if (asked.addresses or kind.addresses == "needed") and settings.personal is None:
        message = (
            "This server has no personal table, so it knows no addresses. It is started with --personal FILE."
        )
        raise refused(("body", "format"), "no_addresses", message)
    return kind
