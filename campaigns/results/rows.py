"""The account's findings as tables: one row for each effect, check, covariate, grouping and comparison."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from campaigns.results.checks import Balance, Check
from campaigns.results.comparison import Compared
from campaigns.results.effect import Effect, effects
from campaigns.results.intervals import Difference, holm
from campaigns.results.subgroups import Grouped
from campaigns.results.trial import Trial

ComparedIn = tuple[str, Compared]
_TEXT, _REAL, _WHOLE = pa.string(), pa.float64(), pa.int64()
EFFECTS = pa.schema(
    [
        pa.field("campaign_id", _TEXT, nullable=False),
        pa.field("by", _TEXT, nullable=False),  # all, offer, or a column
        pa.field("group", _TEXT),
        pa.field("arm", _TEXT, nullable=False),
        pa.field("outcome", _TEXT, nullable=False),
        pa.field("unit", _TEXT, nullable=False),  # rate, or money: currency per customer of the arm
        pa.field("treated", _WHOLE, nullable=False),  # customers
        pa.field("control", _WHOLE, nullable=False),
        pa.field("treated_mean", _REAL, nullable=False),
        pa.field("control_mean", _REAL, nullable=False),
        pa.field("difference", _REAL, nullable=False),  # Newcombe for rates, Welch for money; 95 %
        *(pa.field(name, _REAL) for name in ("lower", "upper")),
        *(pa.field(name, _REAL) for name in ("lift", "lift_lower", "lift_upper")),
        pa.field("p_value", _REAL),  # of the plain difference
        *(pa.field(name, _REAL) for name in ("adjusted", "adjusted_lower", "adjusted_upper")),
        pa.field("adjusted_p", _REAL),
        pa.field("narrower", _REAL),  # share by which the adjusted interval is shorter
        pa.field("p_holm", _REAL),  # for all offers, or all groups of the column; adjusted if so
        *(
            pa.field(name, _REAL) for name in ("total", "total_lower", "total_upper")
        ),  # of all treated; adjusted if so
        *(
            pa.field(name, _REAL) for name in ("pooled", "pooled_lower", "pooled_upper")
        ),  # groups: empirical Bayes
    ]
)
CHECKS = pa.schema(
    [
        pa.field("campaign_id", _TEXT, nullable=False),
        pa.field("check", _TEXT, nullable=False),
        pa.field("verdict", _TEXT, nullable=False),  # ok, doubt, refused
        pa.field("p_value", _REAL),
        pa.field("told", _TEXT, nullable=False),
    ]
)
BALANCE = pa.schema(
    [
        pa.field("campaign_id", _TEXT, nullable=False),
        pa.field("arm", _TEXT, nullable=False),
        pa.field("covariate", _TEXT, nullable=False),
        *(
            pa.field(name, _REAL)
            for name in ("treated_mean", "control_mean", "standardised_difference", "p_holm")
        ),
    ]
)
SPREADS = pa.schema(
    [
        pa.field("campaign_id", _TEXT, nullable=False),
        pa.field("by", _TEXT, nullable=False),
        pa.field("arm", _TEXT, nullable=False),
        pa.field("outcome", _TEXT, nullable=False),
        pa.field("groups", _WHOLE, nullable=False),
        pa.field("deviation", _REAL, nullable=False),  # of the true effects between groups
        pa.field("p_value", _REAL, nullable=False),  # of equal effects (Cochran's Q)
        pa.field("own_weight", _REAL, nullable=False),  # mean share of a group's own figure in its pooled one
    ]
)
COMPARED = pa.schema(
    [
        pa.field("campaign_id", _TEXT, nullable=False),
        pa.field("what", _TEXT, nullable=False),  # effect of an arm, or level of the control
        pa.field("arm", _TEXT, nullable=False),
        pa.field("outcome", _TEXT, nullable=False),
        pa.field("first", _TEXT, nullable=False),
        pa.field("second", _TEXT, nullable=False),
        pa.field("first_deviation", _REAL, nullable=False),  # between the groups' true means
        pa.field("second_deviation", _REAL, nullable=False),
        *(pa.field(name, _REAL) for name in ("variance_difference", "lower", "upper", "p_value")),
        pa.field("better", _TEXT),  # null: cannot be told
    ]
)


@dataclass
class Rows:
    """Rows as they are found; told: what must be said about them."""

    effects: list[dict[str, Any]] = field(default_factory=list)
    checks: list[dict[str, Any]] = field(default_factory=list)
    balances: list[dict[str, Any]] = field(default_factory=list)
    spreads: list[dict[str, Any]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def add_checks(self, campaign: str, checks: Sequence[Check], balances: Sequence[Balance]) -> None:
        """Add the checks of a campaign."""
        self.checks += [
            {"campaign_id": campaign, "check": one.name} | _fields(one, "verdict", "p_value", "told")
            for one in checks
        ]
        self.balances += [
            {"campaign_id": campaign, "standardised_difference": one.difference}
            | _fields(one, "arm", "covariate", "treated_mean", "control_mean", "p_holm")
            for one in balances
        ]

    def add_effects(self, campaign: str, found: Sequence[Effect]) -> None:
        """Add the effects of all arms, with Holm's p-values where there are several."""
        self.effects += _of_arms(campaign, "all", found)
        unadjusted = [one for one in found if one.adjusted is None]
        if unadjusted and len(unadjusted) < len(found):
            self.told.append(f"{campaign}: some arms have too few customers for the adjusted differences.")

    def add_offers(self, campaign: str, by_offer: Trial, checks: Sequence[Check]) -> None:
        """Add the effect of each offer against the one control, unless the offers were not drawn at random."""
        if any(one.verdict == "refused" for one in checks):
            self.told.append(
                f"{campaign}: no effect is shown by offer. {checks[0].told} Offers that are chosen for customers need "
                "the control's rows to name the offer that each would have had."
            )
            return
        self.effects += _of_arms(campaign, "offer", effects(by_offer))
        if not checks:
            self.told.append(
                f"{campaign}: the effects by offer hold only if the offers were drawn at random; nothing is known from "
                "before to check it."
            )

    def add_groups(self, campaign: str, found: Grouped) -> None:
        """Add the effects by the groups of a column."""
        for one in found.effects:
            row = _effect(campaign, one.column, one.group, one.effect)
            row |= {"p_holm": one.p_holm, "pooled": one.pooled.value}
            self.effects.append(row | {"pooled_lower": one.pooled.lower, "pooled_upper": one.pooled.upper})
        self.spreads += [
            {"campaign_id": campaign, "by": one.column, "own_weight": one.weight}
            | _fields(one, "arm", "outcome", "groups", "deviation", "p_value")
            for one in found.spreads
        ]
        if found.left_out:
            names = ", ".join(found.left_out[:5]) + (", …" if len(found.left_out) > 5 else "")
            self.told.append(
                f"{campaign}: too few customers for an effect in {len(found.left_out)} groups ({names})."
            )

    def effects_table(self) -> pa.Table:
        """Return EFFECTS."""
        return pa.Table.from_pylist(self.effects, schema=EFFECTS)

    def checks_table(self) -> pa.Table:
        """Return CHECKS."""
        return pa.Table.from_pylist(self.checks, schema=CHECKS)

    def balance_table(self) -> pa.Table:
        """Return BALANCE."""
        return pa.Table.from_pylist(self.balances, schema=BALANCE)

    def spreads_table(self) -> pa.Table:
        """Return SPREADS."""
        return pa.Table.from_pylist(self.spreads, schema=SPREADS)


def compared_table(found: Sequence[ComparedIn]) -> pa.Table:
    """Return COMPARED."""
    rows = [
        {
            "campaign_id": campaign,
            "first": one.first_column,
            "second": one.second_column,
            "first_deviation": one.first,
            "second_deviation": one.second,
            "variance_difference": one.difference.value,
            "lower": one.difference.lower,
            "upper": one.difference.upper,
            "p_value": one.difference.p_value,
        }
        | _fields(one, "what", "arm", "outcome", "better")
        for campaign, one in found
    ]
    return pa.Table.from_pylist(rows, schema=COMPARED)


def _of_arms(campaign: str, by: str, found: Sequence[Effect]) -> list[dict[str, Any]]:
    """Return effects as rows; several arms against one control have Holm's p-values, outcome by outcome."""
    rows = [_effect(campaign, by, one.arm if by == "offer" else None, one) for one in found]
    if by == "offer":
        rows = [row | {"arm": "treated"} for row in rows]
    for outcome in dict.fromkeys(row["outcome"] for row in rows):
        family = [row for row in rows if row["outcome"] == outcome]
        if len(family) > 1:
            for row, p in zip(family, holm([_p(row) for row in family]), strict=True):
                row["p_holm"] = p
    return rows


def _effect(campaign: str, by: str, group: str | None, one: Effect) -> dict[str, Any]:
    row = {"campaign_id": campaign, "by": by, "group": group} | _fields(one, "arm", "outcome", "unit")
    row |= {"treated": one.treated.n, "control": one.control.n}
    row |= {"treated_mean": one.treated.mean, "control_mean": one.control.mean}
    row |= _ends(one.raw, "difference", "lower", "upper") | {"p_value": one.raw.p_value}
    row |= dict(zip(("lift", "lift_lower", "lift_upper"), one.relative or (None,) * 3, strict=True))
    row |= _ends(one.adjusted, "adjusted", "adjusted_lower", "adjusted_upper")
    row |= {"adjusted_p": one.adjusted and one.adjusted.p_value, "narrower": one.narrower}
    return row | _ends(one.best, "total", "total_lower", "total_upper", times=one.treated.n)


def _p(row: dict[str, Any]) -> float | None:
    return row["p_value"] if row["adjusted_p"] is None else row["adjusted_p"]


def _ends(found: Difference | None, *names: str, times: int = 1) -> dict[str, float | None]:
    if found is None:
        return dict.fromkeys(names)
    ends = (found.value, found.lower, found.upper)
    return {name: times * one if math.isfinite(one) else None for name, one in zip(names, ends, strict=True)}


def _fields(one: object, *names: str) -> dict[str, Any]:
    return {name: getattr(one, name) for name in names}
