"""Where things are: from the environment, read once at the front door."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from contracts.errors import DeclarationError, nearest

PREFIX = "REPURCHASE_"


@dataclass(frozen=True)
class Settings:
    """REPURCHASE_TRACKING_URI, REPURCHASE_SHOP, REPURCHASE_KEYS, REPURCHASE_CACHE (registered models kept here) and
    REPURCHASE_WEBHOOK_SECRET."""

    tracking_uri: str = "sqlite:///mlflow.db"
    shop: str = "shop"
    keys: Path = Path("keys.json")
    cache: Path = Path(".repurchase-models")
    webhook_secret: str | None = field(default=None, repr=False)

    @classmethod
    def of_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read the settings; DeclarationError for an unknown REPURCHASE_ variable."""
        environment = os.environ if environment is None else environment
        known = [PREFIX + one.name.upper() for one in fields(cls)]
        found = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
        for name in found:
            if name not in known:
                raise DeclarationError(
                    f"unknown setting {name}{nearest(name, known) or '.'} Known: {', '.join(known)}."
                )
        kinds: dict[str, Callable[[str], Any]] = {"keys": Path, "cache": Path}
        values = {name.removeprefix(PREFIX).lower(): value for name, value in found.items()}
        return cls(**{name: kinds.get(name, str)(value) for name, value in values.items()})
