"""MBG/NBD: like BG/NBD, but a customer may also leave right after the first order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from models.bgnbd import BgNbd


@dataclass(frozen=True)
class MbgNbd(BgNbd):
    """MBG/NBD with Gamma-Gamma spend; times in days."""

    name: ClassVar[str] = "mbgnbd"
    modified: ClassVar[bool] = True
