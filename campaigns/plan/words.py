"""Amounts, shares and sentences of a plan for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pages.html import Html, element, joined

LARGE, SMALLEST = 1_000.0, 0.005  # currency: told without pence, told as 0


def money(value: float, *, beside: Iterable[float] = ()) -> str:
    """Return an amount for people: whole where it, or one that stands beside it, is large."""
    large = max((abs(value), *map(abs, beside))) >= LARGE
    return f"{value:,.0f}" if large or abs(value) < SMALLEST else f"{value:,.2f}"


def pays_words(share: float) -> str:
    """Say from which share of the expected effect on a plan pays."""
    if share < 0.01:
        return "It still pays if the contacts have only 1% of the effect that is assumed."
    if share > 1:
        return (
            f"It is expected to lose: the contacts would need {share:.1f} times the effect that is assumed."
        )
    shown = f"{share:.0%}" if share >= 0.095 else f"{share:.1%}"
    return f"It still pays if the contacts have only {shown} of the effect that is assumed."


def said(text: str) -> Html:
    """Return a sentence in which `words` between such signs are something to write."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return joined([text])
    return joined(element("code", one) if place % 2 else one for place, one in enumerate(parts))


def in_columns(rows: Sequence[tuple[float, ...]]) -> list[tuple[str, ...]]:
    """Return rows of amounts, those of one column with the same precision."""
    beside = list(zip(*rows, strict=True))
    return [
        tuple(money(value, beside=column) for value, column in zip(row, beside, strict=True)) for row in rows
    ]
