"""How customers respond to offers: sizes, hidden types, and what the response is related to.

segment    (a) hidden types whose shares depend on the stage of the customer's life with the shop; liking a kind of
           offer shows in the past use of coupons and discounts
hidden     (b) the same types and likings, drawn apart from everything that can be seen
potential  (c) the lift of a customer is proportional to the chance p to buy without a contact: the keenest respond most
none       (d) no contact moves anybody

The mean lift of each offer, over the headroom 1 - p of all customers, is drawn anew for each seed around MEAN_LIFTS:
sizes as the one public e-mail test of a shop has them (Hillstrom 2008: .003 and .007 of the headroom within two weeks),
more for what gives more away. The assumptions of campaigns/offers.toml are of like sizes, but each offer and each shop
is off by a factor of its own. How many are of which type is an assumption; nothing was tuned to let a policy win.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from campaigns.sensitivity import KINDS
from contracts.errors import DeclarationError, nearest

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SEGMENT, HIDDEN, POTENTIAL, NONE = RESPONSES = ("segment", "hidden", "potential", "none")
MEAN_LIFTS = {
    "message": 0.005,
    "sample": 0.006,
    "value_pack": 0.006,
    "gift": 0.008,
    "coupon_small": 0.009,
    "special_price": 0.010,
    "free_shipping": 0.010,
    "discount_10": 0.012,
    "coupon_large": 0.020,
}
OFFERS = tuple(MEAN_LIFTS)
LEAST_MEAN, MOST_MEAN = 0.003, 0.03
_OFFER_SPREAD, _SHOP_SPREAD = 0.35, 0.25  # of the logarithms of the means

STAGES = ("new", "active", "cooling", "gone")
ACTIVE_UNTIL, COOLING_UNTIL = 1.75, 4.0  # silence in own gaps
USUAL_GAP = 60.0  # days; counts as one gap of the customer's own
SURE, PERSUADABLE, LOST, DISTURBED = range(4)
TYPES = ("sure thing", "persuadable", "lost cause", "do not disturb")
TYPE_SHARES = np.array(
    [
        [0.25, 0.40, 0.25, 0.10],  # new
        [0.50, 0.25, 0.10, 0.15],  # active
        [0.15, 0.45, 0.30, 0.10],  # cooling
        [0.05, 0.15, 0.75, 0.05],  # gone
    ]
)
TYPE_LIFTS = np.array([0.5, 2.5, 0.1, -1.0])  # before the mean is set
_OWN_SPREAD, _TASTE_SPREAD = 0.4, 0.6
_ROUNDS = 8


@dataclass(frozen=True)
class Natures:
    """What is true of n customers, whatever they have done so far.

    place: (n,) where a customer stands among the types of a stage, 0 to 1; own: (n,) factor on all lifts; taste: by
    kind of offer (n,) factor, mean 1; deals: (n,) how often coupons are used unasked, mean 1.
    """

    place: Floats
    own: Floats
    taste: dict[str, Floats]
    deals: Floats

    @staticmethod
    def draw(n: int, response: str, chance: np.random.Generator) -> Natures:
        """Draw the customers; only in SEGMENT worlds do the deals tell of the taste."""
        place, own = chance.random(n), _around_one(n, _OWN_SPREAD, chance)
        taste = {kind: _around_one(n, _TASTE_SPREAD, chance) for kind in KINDS}
        apart = _around_one(n, _TASTE_SPREAD, chance)
        deals = (taste["coupon"] + taste["discount"]) / 2 if response == SEGMENT else apart
        return Natures(place, own, taste, deals)


def stage_of(count: Ints, first: Floats, last: Floats, day: float) -> Ints:
    """Return the stage as a place in STAGES; (n,). count: orders so far; first, last: their days."""
    gap = (last - first + USUAL_GAP) / np.maximum(count, 1)
    silence = (day - last) / gap
    found = np.searchsorted([ACTIVE_UNTIL, COOLING_UNTIL], silence, side="left") + 1
    return np.where((count == 1) & (found == 1), 0, found).astype(np.int64)


@dataclass(frozen=True)
class Responses:
    """How the customers of a world respond.

    scale: (offers,) by place in OFFERS, which sets the mean lift of each offer.
    """

    response: str
    natures: Natures
    kinds: tuple[str, ...]
    means: Floats
    scale: Floats

    @staticmethod
    def of(
        response: str, natures: Natures, stage: Ints, p: Floats, *, kinds: tuple[str, ...], seed: int
    ) -> Responses:
        """Set the sizes so that the mean lifts hold for customers in these stages with these chances; (n,) each.

        kinds: of the OFFERS. Raises DeclarationError for an unknown response.
        """
        if response not in RESPONSES:
            hint = nearest(response, RESPONSES) or "."
            raise DeclarationError(f"response is '{response}'{hint} Known: {', '.join(RESPONSES)}.")
        chance = np.random.default_rng(np.random.SeedSequence([seed, 11]))
        shop = chance.normal(0.0, _SHOP_SPREAD)
        factors = np.exp(shop + chance.normal(0.0, _OFFER_SPREAD, len(OFFERS)))
        means = np.clip(np.array(list(MEAN_LIFTS.values())) * factors, LEAST_MEAN, MOST_MEAN)
        scale = means
        for _ in range(0 if response == NONE else _ROUNDS):
            lifts = Responses(response, natures, kinds, means, scale).lifts(stage, p)
            # What is lost cannot be more than p, so the mean is not quite proportional to the scale.
            scale = scale * means / np.maximum((lifts * (1 - p)[:, None]).sum(axis=0) / (1 - p).sum(), 1e-9)
        return Responses(response, natures, kinds, means, scale)

    def types(self, stage: Ints) -> Ints:
        """Return each customer's type as a place in TYPES; (n,). In HIDDEN worlds the stage does not matter."""
        shares = TYPE_SHARES[stage] if self.response == SEGMENT else TYPE_SHARES.mean(axis=0)[None, :]
        below = np.cumsum(shares, axis=1)[:, :-1]
        return (self.natures.place[:, None] >= below).sum(axis=1)

    def lifts(self, stage: Ints, p: Floats) -> Floats:
        """Return the share of the headroom that each offer wins, at least -p / (1 - p); (n, offers)."""
        if self.response == NONE:
            return np.zeros((len(p), len(OFFERS)))
        if self.response == POTENTIAL:
            return p[:, None] * self.scale
        of_type = TYPE_LIFTS[self.types(stage)] * self.natures.own
        plain = np.ones(len(p))
        liked = np.column_stack([self.natures.taste.get(kind, plain) for kind in self.kinds])
        # Whoever does not want to be disturbed is not appeased by an offer that is liked.
        wanted = np.where(of_type[:, None] > 0, of_type[:, None] * liked, of_type[:, None])
        return np.clip(wanted * self.scale, -(p / np.maximum(1 - p, 1e-9))[:, None], 1.0)


def _around_one(n: int, spread: float, chance: np.random.Generator) -> Floats:
    """Return log-normal factors of mean 1."""
    return np.exp(chance.normal(-(spread**2) / 2, spread, n))
