"""Why a customer's chance is what it is, in words: features, model and wording put together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from contracts.training import Columns
from features.catalog import CATALOG
from features.ideas import ideas
from features.kernel.declaration import Catalog, FeatureTable
from features.wording import is_plain, sentence
from models.bundle import Bundle
from models.contract import sigmoid
from models.contributions import contributions
from models.reasons import Reason, reasons_of

SEASON_WORDS = "the time of year, the same for every customer"


@dataclass(frozen=True)
class Told:
    """A reason and its words."""

    text: str
    reason: Reason

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; an unknown value is None."""
        one = self.reason
        return {
            "text": self.text,
            "direction": one.direction,
            "strength": one.strength,
            "points": round(one.points, 4),
            "contribution_logit": one.contribution,
            "group": one.group,
            "feature": one.feature or None,
            "value": None if math.isnan(one.value) else one.value,
        }


@dataclass(frozen=True)
class Explained:
    """A customer's chance of an order in the horizon, that of a usual customer, and the reasons for the difference."""

    customer_id: str
    p: float
    usual_p: float
    reasons: tuple[Told, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "customer_id": self.customer_id,
            "probability": self.p,
            "usual_probability": self.usual_p,
            "reasons": [one.to_dict() for one in self.reasons],
        }


def explained(
    table: FeatureTable,
    bundle: Bundle,
    *,
    as_of: int,
    horizon: int,
    reference: Columns,
    catalog: Catalog = CATALOG,
    top: int = 5,
) -> list[Explained]:
    """Return the reasons of every customer of a table of the bundle's features (serving.rank.features_for).

    reference: the same columns of the customers to compare with. Slow: on request only.
    """
    if not len(table):
        return []
    by_name = {one.name: one for one in catalog}
    currency = str(bundle.manifest["currency"])
    found = contributions(bundle.model, table.columns, horizon, day=as_of, reference=reference)
    reasons = reasons_of(
        found,
        table.columns,
        groups=ideas(catalog),
        shown={one.name for one in catalog if is_plain(one)},
        top=top,
    )

    def told(one: Reason) -> Told:
        if not one.feature:
            return Told(SEASON_WORDS, one)
        return Told(sentence(by_name[one.feature], one.value, currency=currency), one)

    usual, chances = float(sigmoid(np.array(found.reference))), sigmoid(found.logits)
    return [
        Explained(str(name), float(p), usual, tuple(told(one) for one in some))
        for name, p, some in zip(table.customer_id, chances, reasons, strict=True)
    ]
