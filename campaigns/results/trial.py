"""A randomised test as columns: who was in which arm, what came of it, and what was known before.

trial = Trial.of_arrays(arm, control="No E-Mail", rates={"visit": visit}, money={"spend": spend},
                        covariates={"recency": recency, "channel": channel}, groups={"newbie": newbie})
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike

from contracts.errors import ContractError, DataError, nearest
from features.kernel.codes import Text
from features.kernel.running import Bools, Floats, Ints

Values = Floats | Text


@dataclass(frozen=True, kw_only=True)
class Trial:
    """n customers, each once. arm: (n,) places in `arms`, whose first is the control.

    rates: 0 or 1 for each customer; money: currency for each customer, 0 if nothing was bought. covariates: known
    before the test, NaN or -1 where unknown. groups: labels known before the test. shares: of each arm as planned.
    """

    name: str
    arms: tuple[str, ...]
    arm: Ints
    rates: Mapping[str, Floats]
    money: Mapping[str, Floats]
    covariates: Mapping[str, Values] = field(default_factory=dict)
    groups: Mapping[str, Text] = field(default_factory=dict)
    shares: tuple[float, ...] = ()

    @staticmethod
    def of_arrays(
        arm: ArrayLike | Text,
        *,
        control: str,
        rates: Mapping[str, ArrayLike],
        money: Mapping[str, ArrayLike] | None = None,
        covariates: Mapping[str, ArrayLike | Text] | None = None,
        groups: Mapping[str, ArrayLike | Text] | None = None,
        shares: Mapping[str, float] | None = None,
        name: str = "test",
    ) -> Trial:
        """Return a test from plain columns of n customers; texts are labels, all else numbers.

        shares: planned share of each arm by name; None: equal. Raises DataError for columns that are no such test.
        """
        arms, codes = _arms(arm, control)
        n = len(codes)
        trial = Trial(
            name=name,
            arms=arms,
            arm=codes,
            rates={one: _rate(one, values) for one, values in rates.items()},
            money={one: _numbers(one, values) for one, values in (money or {}).items()},
            covariates={one: values_of(values) for one, values in (covariates or {}).items()},
            groups={one: labels_of(values) for one, values in (groups or {}).items()},
            shares=planned(arms, shares),
        )
        trial.require_length(n)
        return trial

    def __len__(self) -> int:
        return len(self.arm)

    @property
    def outcomes(self) -> dict[str, Floats]:
        """All outcomes by name, the rates first."""
        return {**self.rates, **self.money}

    @property
    def counts(self) -> Ints:
        """The customers of each arm; (arms,)."""
        return np.bincount(self.arm, minlength=len(self.arms))

    def of(self, chosen: Bools) -> Trial:
        """Return the test among the chosen (n,) customers."""
        return replace(
            self,
            arm=self.arm[chosen],
            rates={one: values[chosen] for one, values in self.rates.items()},
            money={one: values[chosen] for one, values in self.money.items()},
            covariates={one: _chosen(values, chosen) for one, values in self.covariates.items()},
            groups={one: Text(labels.codes[chosen], labels.values) for one, labels in self.groups.items()},
        )

    def require_length(self, n: int) -> None:
        """Raise ContractError if a column has not n values."""
        columns: dict[str, Any] = {**self.outcomes, **self.covariates, **self.groups}
        for one, values in columns.items():
            found = len(values.codes) if isinstance(values, Text) else len(values)
            if found != n:
                raise ContractError(f"'{one}' has {found:,} values for {n:,} customers. Give one for each.")


def planned(arms: Sequence[str], shares: Mapping[str, float] | None) -> tuple[float, ...]:
    """Return the planned share of each arm, adding up to 1; DataError for a wrong one."""
    if shares is None:
        return (1 / len(arms),) * len(arms)
    for one in shares:
        if one not in arms:
            raise DataError(f"there is no arm '{one}'{nearest(one, arms) or '.'} Arms: {', '.join(arms)}.")
    given = [float(shares.get(one, 0.0)) for one in arms]
    if any(share <= 0 for share in given) or abs(sum(given) - 1) > 1e-3:
        raise DataError(
            f"the planned shares of {', '.join(arms)} are {', '.join(f'{share:g}' for share in given)}. Give each arm "
            "a share above 0; together they are 1."
        )
    return tuple(share / sum(given) for share in given)


def labels_of(values: ArrayLike | Text) -> Text:
    """Return labels as codes; numbers become texts, empty ones -1."""
    if isinstance(values, Text):
        return values
    texts = [None if one is None or one != one else str(one) for one in np.asarray(values).tolist()]
    return Text.of(pa.array(texts, pa.string()))


def values_of(values: ArrayLike | Text) -> Values:
    """Return a covariate: texts as labels, all else as numbers."""
    if isinstance(values, Text):
        return values
    array = np.asarray(values)
    return labels_of(array) if array.dtype.kind in "OUS" else array.astype(np.float64)


def _arms(arm: ArrayLike | Text, control: str) -> tuple[tuple[str, ...], Ints]:
    labels = labels_of(arm)
    names = [str(one) for one in labels.texts]
    if labels.has_gaps:
        raise DataError(
            f"{int((labels.codes < 0).sum()):,} customers have no arm. Leave them out of the test."
        )
    if control not in names:
        raise DataError(
            f"no customer is in the control arm '{control}'{nearest(control, names) or '.'} "
            f"Arms: {', '.join(names[:8])}."
        )
    arms = (control, *sorted(one for one in names if one != control))
    if len(arms) < 2:
        raise DataError(
            f"every customer is in the control arm '{control}'. A test needs a treated arm as well."
        )
    place = {one: number for number, one in enumerate(arms)}
    return arms, np.array([place[one] for one in names])[labels.codes]


def _rate(name: str, values: ArrayLike) -> Floats:
    numbers = _numbers(name, values)
    wrong = (numbers != 0) & (numbers != 1)
    if wrong.any():
        raise DataError(
            f"'{name}' is {numbers[wrong][0]:g} for one customer. A counted outcome is 0 or 1; amounts are money."
        )
    return numbers


def _numbers(name: str, values: ArrayLike) -> Floats:
    numbers = np.asarray(values).astype(np.float64)
    unknown = int((~np.isfinite(numbers)).sum())
    if unknown:
        raise DataError(
            f"'{name}' is unknown for {unknown:,} customers. Every customer of an arm counts: write 0 where nothing "
            "happened."
        )
    return numbers


def _chosen(values: Values, chosen: Bools) -> Values:
    return Text(values.codes[chosen], values.values) if isinstance(values, Text) else values[chosen]
