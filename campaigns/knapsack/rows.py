"""The resources as rows `use <= limit`: one for each limit, one with the sign turned for each lower limit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from campaigns.knapsack.problem import NEAREST, Bools, Floats, Ints, Problem


@dataclass(frozen=True)
class Rows:
    """m rows. per_head, per_cost: (m, groups, options) use of one customer, and of one unit of the customer's cost.

    limit: (m,); resource: (m,) position of each row's resource; sign: (m,) 1, or -1 of a lower limit.
    """

    per_head: Floats
    per_cost: Floats
    limit: Floats
    resource: Ints
    sign: Floats

    def __len__(self) -> int:
        return len(self.limit)

    @property
    def nearest(self) -> Floats:
        """How far beyond its limit a use still counts as equal to it; (m,)."""
        return NEAREST * np.maximum(1.0, np.abs(self.limit))

    @property
    def floors(self) -> Bools:
        """Which rows are lower limits; (m,)."""
        return self.sign < 0

    def of_cost(self) -> bool:
        """Whether any row needs the customers' own costs."""
        return bool(self.per_cost.any())

    def tables(self, prices: Floats) -> tuple[Floats, Floats]:
        """Return what one customer pays at `prices` (m,) for each option, and per unit of cost; (groups, options)."""
        return np.tensordot(prices, self.per_head, 1), np.tensordot(prices, self.per_cost, 1)

    def use(self, counts: Floats, spent: Floats) -> Floats:
        """Return the use (m,) by `counts` customers and their `spent` cost of each group and option."""
        heads = np.tensordot(self.per_head, counts, 2)
        return np.asarray(heads + np.tensordot(self.per_cost, spent, 2), dtype=np.float64)

    def scaled(self, share: float) -> Rows:
        """Return the rows of a sample that holds `share` of the customers."""
        return Rows(self.per_head, self.per_cost, self.limit * share, self.resource, self.sign)

    def only(self, kept: Ints) -> Rows:
        """Return some of the rows."""
        return Rows(
            self.per_head[kept], self.per_cost[kept], self.limit[kept], self.resource[kept], self.sign[kept]
        )


def rows_of(problem: Problem) -> Rows:
    """Return the rows of a problem's resources, in their order, an upper limit before a lower one."""
    heads, costs, limits, resources, signs = [], [], [], [], []
    for position, one in enumerate(problem.resources):
        uses = np.zeros((problem.groups, problem.options))
        uses[slice(None) if one.group is None else one.group] = one.uses
        for sign, limit in ((1.0, one.limit), (-1.0, -one.at_least)):
            if not np.isfinite(limit) or (sign < 0 and limit == 0):
                continue
            heads.append(np.zeros_like(uses) if one.of_cost else sign * uses)
            costs.append(sign * uses if one.of_cost else np.zeros_like(uses))
            limits.append(limit)
            resources.append(position)
            signs.append(sign)
    shape = (len(limits), problem.groups, problem.options)
    return Rows(
        np.array(heads).reshape(shape),
        np.array(costs).reshape(shape),
        np.array(limits, dtype=np.float64),
        np.array(resources, dtype=np.int64),
        np.array(signs, dtype=np.float64),
    )
