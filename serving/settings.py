"""What the operator of a service can set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ServiceSettings:
    """Settings of one server process.

    docs: answer /docs and /openapi.json. pages: answer the marketer's pages. plan, diagnosis: folders that `repurchase
    plan` and `repurchase diagnose` wrote, for the pages. exports: the folder of export jobs. personal: the addresses
    for exports (serving.outputs.people), its columns by personal_map. suppressed: a file of whom no export may hold.
    audit: where each request is noted, as JSON Lines without personal data. per_minute: requests of a key in a minute,
    0 without limit. secure: cookies only over HTTPS.
    """

    docs: bool = True
    pages: bool = True
    plan: Path | None = None
    diagnosis: Path | None = None
    exports: Path | None = None
    personal: Path | None = None
    personal_map: Path | None = None
    suppressed: Path | None = None
    audit: Path | None = None
    per_minute: int = 0
    secure: bool = False
