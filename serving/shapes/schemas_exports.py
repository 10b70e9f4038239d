"""What the export endpoints answer, as pydantic shapes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from serving.shapes import examples
from serving.shapes.schemas import Provenance

State = Literal["queued", "running", "done", "failed", "expired"]


class ExportAnswer(Provenance):
    """An export: who made it into the file, and how far it is. The provenance is the exported ranking's."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.EXPORT]})

    id: Annotated[str, Field(description="Of the export.")]
    state: Annotated[State, Field(description="done: the file can be fetched; expired: it is removed.")]
    format: Annotated[str, Field(description="As asked.")]
    created_at: Annotated[datetime, Field(description="UTC.")]
    finished_at: Annotated[datetime | None, Field(description="UTC; null before.")]
    expires_at: Annotated[datetime, Field(description="The file is removed then (UTC).")]
    rows: Annotated[int | None, Field(description="Customers in the file.")]
    suppressed: Annotated[int | None, Field(description="Left out by the suppression list.")]
    unreachable: Annotated[int | None, Field(description="Left out for want of an address or consent.")]
    bytes: Annotated[int | None, Field(description="Size of the file.")]
    sha256: Annotated[str | None, Field(description="Of the file.")]
    file: Annotated[str | None, Field(description="Where to fetch it; null until it is done.")]
    notes: Annotated[list[str], Field(description="What was assumed, in sentences.")]
    error: Annotated[str | None, Field(description="Why it failed; null otherwise.")]


class ExportFormat(BaseModel):
    """A kind of file that can be exported."""

    name: Annotated[str, Field(description="For `format`.")]
    about: Annotated[str, Field(description="What it is.")]
    addresses: Annotated[
        Literal["never", "on request", "always"],
        Field(description="E-mail addresses and telephone numbers (perhaps hashed); they need export:pii."),
    ]


class ExportFormatsAnswer(Provenance):
    """The kinds of files that can be exported, and the columns of the ranking that they can hold."""

    formats: list[ExportFormat]
    columns: Annotated[list[str], Field(description="Of the ranking's scores.")]
