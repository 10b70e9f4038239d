"""What is to be solved: customers who take at most one option each, and resources that the options use.

    maximise  Σ profit[i, choice[i]]   with   at_least[r] <= use of r <= limit[r]   for every resource r

(a multiple-choice knapsack with several resources: Kellerer, Pferschy & Pisinger 2004, Knapsack Problems, ch. 11).
Customers come in blocks, option-major, so that ten million of them need not be in memory several times.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from contracts.errors import ContractError, DeclarationError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Codes = NDArray[np.int16]
# Profits and costs may be float32 where memory counts.
Values = NDArray[np.floating]
# Which customers: a range of positions, or positions.
Which = slice | Ints

CHUNK = 65_536  # customers at a time: a few arrays of this length stay in the processor's cache
NEAREST = 1e-9  # a use within this share of its limit counts as equal to it


@dataclass(frozen=True)
class Resource:
    """Something that options use up: money, messages of a channel in a week, stock of an offer.

    uses: (k,) per customer who takes the option; times the customer's own cost of it where `of_cost`.
    limit, at_least: of the sum over customers, in `unit`; group: only customers of this group code use it.
    """

    name: str
    uses: Floats
    limit: float = np.inf
    at_least: float = 0.0
    of_cost: bool = False
    group: int | None = None
    unit: str = ""

    def __post_init__(self) -> None:
        if not (np.all(np.isfinite(self.uses)) and np.all(self.uses >= 0)):
            raise ContractError(f"resource '{self.name}': uses must be numbers of at least 0.")
        if np.isnan(self.limit) or not np.isfinite(self.at_least) or min(self.limit, self.at_least) < 0:
            raise DeclarationError(
                f"'{self.name}' is between {self.at_least} and {self.limit}; both must be 0 or more."
            )
        if self.limit < self.at_least:
            raise DeclarationError(
                f"'{self.name}' contradicts itself: at least {self.at_least:g} are asked for, "
                f"but at most {self.limit:g} allowed. Lower the one or raise the other."
            )


@dataclass(frozen=True)
class Block:
    """Some customers, option-major. profit: (k, b), -inf where not eligible; cost: (k, b); group: (b,) codes."""

    profit: Values
    cost: Values | None = None
    group: Ints | None = None


@dataclass(frozen=True)
class Problem:
    """`count` customers, `options` options, the resources, and how to get some customers' numbers.

    block(which) returns the customers at the positions `which`, the same numbers at every call. It may compute them
    from something smaller. groups: how many group codes there are.
    """

    count: int
    options: int
    resources: tuple[Resource, ...]
    block: Callable[[Which], Block] = field(repr=False)
    groups: int = 1

    def __post_init__(self) -> None:
        names = [one.name for one in self.resources]
        if len(set(names)) < len(names):
            raise ContractError(f"resources need names of their own, but they are {', '.join(names)}.")
        for one in self.resources:
            if one.uses.shape != (self.options,):
                raise ContractError(f"resource '{one.name}': uses must have shape ({self.options},).")
            if one.group is not None and not 0 <= one.group < self.groups:
                raise ContractError(f"resource '{one.name}': there is no group {one.group}.")
        if not 1 <= self.options < np.iinfo(np.int16).max:
            raise ContractError(f"{self.options} options; between 1 and {np.iinfo(np.int16).max - 1} can be.")

    @classmethod
    def of(
        cls,
        profit: Values,
        resources: Sequence[Resource],
        *,
        cost: Values | None = None,
        group: Ints | None = None,
    ) -> Problem:
        """Return the problem of arrays: profit and cost (n, k), group (n,) codes from 0.

        Quickest where profit and cost are in Fortran order (one option after the other); nothing is copied.
        """
        refuse_arrays(profit, cost, group, needs_cost=any(one.of_cost for one in resources))

        def block(which: Which) -> Block:
            return Block(
                by_option(profit, which),
                None if cost is None else by_option(cost, which),
                None if group is None else group[which],
            )

        groups = 1 if group is None or not len(group) else int(group.max()) + 1
        named = [one.group + 1 for one in resources if one.group is not None]
        return cls(len(profit), profit.shape[1], tuple(resources), block, max(groups, *named, 1))

    def chunks(self) -> Iterator[slice]:
        """Yield all customers, a chunk at a time."""
        for begin in range(0, self.count, CHUNK):
            yield slice(begin, min(begin + CHUNK, self.count))

    def of_customers(self, positions: Ints) -> Problem:
        """Return the problem of some customers, their numbers held in memory; limits stay as they are."""
        held = self.block(positions)
        return self.with_block(
            len(positions),
            lambda which: Block(
                held.profit[:, which],
                None if held.cost is None else held.cost[:, which],
                None if held.group is None else held.group[which],
            ),
        )

    def with_block(self, count: int, block: Callable[[Which], Block]) -> Problem:
        """Return the same options and resources for other customers."""
        return Problem(count, self.options, self.resources, block, self.groups)


def by_option(values: Values, which: Which) -> Values:
    """Return some rows of (n, k) values as (k, b), each option's values side by side in memory."""
    some = values[which].T
    return some if some.strides[1] == some.itemsize else np.ascontiguousarray(some)


def refuse_arrays(profit: Values, cost: Values | None, group: Ints | None, *, needs_cost: bool) -> None:
    """Raise ContractError unless the arrays fit each other and hold what they may."""
    if profit.ndim != 2:
        raise ContractError(f"profit must have shape (customers, options), not {profit.shape}.")
    if needs_cost and cost is None:
        raise ContractError("a resource is of cost, but no cost is given.")
    if cost is not None and cost.shape != profit.shape:
        raise ContractError(f"cost has shape {cost.shape}, profit {profit.shape}; they must be equal.")
    if group is not None and (group.shape != (len(profit),) or (len(group) and group.min() < 0)):
        raise ContractError(f"group must be ({len(profit)},) codes from 0.")
    for begin in range(0, len(profit), CHUNK):
        some = slice(begin, begin + CHUNK)
        if not np.all(profit[some] < np.inf):
            raise ContractError("profit holds NaN or infinity; -inf says that an option is not eligible.")
        if cost is not None and not np.all((cost[some] >= 0) & (cost[some] < np.inf)):
            raise ContractError("cost must be numbers of at least 0.")
