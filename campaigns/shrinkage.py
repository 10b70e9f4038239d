"""Rates of customers with little evidence, drawn towards those of their group.

Beta-binomial, the spread by moments (Kleinman 1973, JASA 68, 46-54).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import betainc

from features.kernel.running import Floats, Ints

GROUP_PRIOR = 20.0  # a segment's share counts as if it had this many more orders at the share of all
_SPREAD = (0.001, 0.95)


@dataclass(frozen=True)
class Shrunk:
    """Rates of n customers, drawn towards their group's by as much as their own evidence is thin; (n,) each.

    rate: the expected rate. above: the chance that it lies above the mean of all. own: the weight of the customer's own
    evidence, 0 to 1. used, evidence: counts. mean: of all.
    """

    rate: Floats
    above: Floats
    own: Floats
    used: Ints
    evidence: Ints
    mean: float

    @property
    def ratio(self) -> Floats:
        """The rate over the mean of all; 1 is average."""
        return self.rate / self.mean


def shrunk_rates(used: Ints, evidence: Ints, group: Ints) -> Shrunk:
    """Return beta-binomial rates. used of evidence: (n,) counts; group: (n,) numbers 0, 1, 2 …

    One spread for all groups: Kleinman's moment estimator with the weights `evidence`, summed over groups.
    """
    mean = (used.sum() + 0.5) / (evidence.sum() + 1.0)
    size = int(group.max(initial=0)) + 1
    total: Floats = np.bincount(group, evidence, size).astype(np.float64)
    share = (np.bincount(group, used, size) + GROUP_PRIOR * mean) / (total + GROUP_PRIOR)
    spread = _spread(used, evidence, group, total)
    strength = (1.0 - spread) / spread
    prior = share[group] * strength
    rate = (used + prior) / (evidence + strength)
    above = _chance_above(used, evidence, group, share=share, strength=strength, mean=mean)
    return Shrunk(rate, above, evidence / (evidence + strength), used, evidence, float(mean))


def _spread(used: Ints, evidence: Ints, group: Ints, total: Floats) -> float:
    """Return 1 / (a + b + 1) of the beta distribution within groups; the least where nothing tells."""
    some = evidence > 0
    x, n, g = used[some], evidence[some].astype(np.float64), group[some]
    p = (np.bincount(g, x, len(total)) / np.maximum(total, 1.0))[g]
    weight = 1.0 - n / total[g]
    seen = float(np.sum(n * (x / n - p) ** 2))
    binomial = float(np.sum(p * (1 - p) * weight))
    whole = float(np.sum(p * (1 - p) * weight * n))
    if whole - binomial <= 1e-9:
        return _SPREAD[0]
    return float(np.clip((seen - binomial) / (whole - binomial), *_SPREAD))


def _chance_above(
    used: Ints, evidence: Ints, group: Ints, *, share: Floats, strength: float, mean: float
) -> Floats:
    """Return P(rate > mean) given the counts; worked out once for equal counts."""
    most = int(evidence.max(initial=0)) + 1
    keys, back = np.unique((group * most + evidence) * most + used, return_inverse=True)
    x, rest = keys % most, keys // most
    n, prior = rest % most, share[rest // most] * strength
    return (1.0 - betainc(prior + x, strength - prior + n - x, mean))[back]
