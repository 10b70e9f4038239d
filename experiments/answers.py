"""What models answered at rolling origins, and whether the answers fit together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.errors import ContractError, nearest
from contracts.training import Outcome, Prediction


@dataclass(frozen=True)
class Answers:
    """What models answered at one origin and what then happened.

    customers: (n,) numbers that mean the same customer at every origin, none twice; predictions: by model.
    A model without values or order counts has NaN there for every customer.
    """

    origin: int
    customers: NDArray[np.int64]
    outcome: Outcome
    predictions: Mapping[str, Prediction]

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> Answers:
        """Return some customers: a slice."""
        some = {
            name: Prediction(told.p[rows], told.expected_orders[rows], told.expected_value[rows])
            for name, told in self.predictions.items()
        }
        return Answers(self.origin, self.customers[rows], self.outcome.take(rows), some)


def check(answers: Sequence[Answers], *, default: str) -> None:
    """Raise ContractError if the answers cannot be compared with the default model's."""
    if not answers:
        raise ContractError("there is nothing to compare: no answers. Give one Answers for each origin.")
    origins = [one.origin for one in answers]
    if len(set(origins)) < len(origins):
        raise ContractError(
            f"origins {sorted(origins)} occur more than once. Give one Answers for each origin."
        )
    models = sorted({name for one in answers for name in one.predictions})
    if default not in models:
        raise ContractError(f"the default model '{default}' answered nowhere{nearest(default, models)}")
    for one in answers:
        _check_one(one)


def _check_one(one: Answers) -> None:
    n, where = len(one.customers), f"the answers at origin {one.origin}"
    if n == 0 or len(np.unique(one.customers)) < n:
        raise ContractError(f"{where} have no customer, or one twice. Each customer must stand there once.")
    if not all(len(values) == n and np.isfinite(values).all() for values in vars(one.outcome).values()):
        raise ContractError(
            f"{where} have outcomes that are not {n} finite numbers. Leave out what is unknown."
        )
    for model, told in one.predictions.items():
        for name, values in vars(told).items():
            known = np.isfinite(values)
            if values.shape != (n,) or not (known.all() or np.isnan(values).all()):
                raise ContractError(
                    f"{where}: {name} of '{model}' has shape {values.shape} and {int(known.sum())} finite numbers, "
                    f"but there are {n} customers. Answer for all of them, or NaN for all."
                )
