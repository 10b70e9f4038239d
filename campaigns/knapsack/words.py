"""Shadow prices in plain words: what a little more of each resource would earn."""

from __future__ import annotations

from math import floor, isfinite, log10

from campaigns.knapsack.solution import Solution, Use

SMALLEST = 0.005  # less than half a hundredth of the currency is nothing


def shadow_prices(solution: Solution, *, currency: str) -> list[str]:
    """Return one sentence for each limit of a solution, in the order of its resources.

    A price is the slope at the limit: it holds for small changes, and more of the same never earns more per unit.
    """
    sentences = []
    for use in solution.uses:
        if isfinite(use.limit):
            sentences.append(limit_sentence(use, currency))
        if use.at_least > 0:
            sentences.append(floor_sentence(use, currency))
    return sentences


def limit_sentence(use: Use, currency: str) -> str:
    """Say what more of a resource would earn, or that it is not what holds the plan back."""
    step = small_step(use.limit)
    earned = step * use.limit_price
    if use.limit == 0:
        return f"'{use.name}' is 0: nothing that uses it is planned."
    if earned >= SMALLEST:
        more = (
            f"{amount(step)} {use.unit} more"
            if use.unit == currency
            else f"{amount(step)} more {use.unit}".rstrip()
        )
        return f"{more} of '{use.name}' would earn about {amount(earned)} {currency}."
    used = f"{amount(use.used)} of {amount(use.limit)} {use.unit}".rstrip()
    return f"More of '{use.name}' would earn nothing: {used} used."


def floor_sentence(use: Use, currency: str) -> str:
    """Say what asking for less would earn, or that the plan does as much anyway."""
    step = small_step(use.at_least)
    earned = step * use.floor_price
    if earned >= SMALLEST:
        fewer = f"{amount(step)} {use.unit}".rstrip()
        return f"Asking for {fewer} less in '{use.name}' would earn about {amount(earned)} {currency}."
    asked = f"{amount(use.used)} {use.unit}".rstrip()
    return f"'{use.name}' costs nothing: {asked} planned, at least {amount(use.at_least)} asked for."


def small_step(limit: float) -> float:
    """Return a round step of 1 to 10 % of a limit, at least 1."""
    return float(10 ** max(floor(log10(limit)) - 1, 0)) if limit > 0 else 1.0


def amount(value: float) -> str:
    """Return a number for people: whole where it is large or whole, else with two decimals."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == round(value) else f"{value:,.2f}"
