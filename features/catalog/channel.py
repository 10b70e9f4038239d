"""Through which channels the customer orders, and from which countries."""

from __future__ import annotations

import sys

import numpy as np

from features.kernel.declaration import Catalog, feature
from features.kernel.past import Past
from features.kernel.running import Floats


@feature("Distinct channels ordered through.", unit="channels", family="channel", needs=("channel",))
def channels(past: Past) -> Floats:
    return past.sum("new_channels")


@feature("Share of lines through the commonest channel.", unit="ratio", family="channel", needs=("channel",))
def channel_mode_share(past: Past) -> Floats:
    return past.mode_share("channel")


@feature("The last channel is another than the first.", unit="0 or 1", family="channel", needs=("channel",))
def channel_switched(past: Past) -> Floats:
    first = past.first_code("channel")
    return np.where(first >= 0, past.last_code("channel") != first, np.nan)


@feature(
    "Commonest channel, as its place by number of customers.",
    unit="rank", family="channel", needs=("channel",), needs_reference=("channel_rank",),
)  # fmt: skip
def channel_mode_rank(past: Past) -> Floats:
    return past.reference("channel_rank", "channel", past.mode("channel"))


@feature(
    "Last channel, as its place by number of customers.",
    unit="rank", family="channel", needs=("channel",), needs_reference=("channel_rank",),
)  # fmt: skip
def channel_last_rank(past: Past) -> Floats:
    return past.reference("channel_rank", "channel", past.last_code("channel"))


@feature(
    "Last country, as its place by number of customers.",
    unit="rank", family="channel", needs=("country",), needs_reference=("country_rank",),
)  # fmt: skip
def country_rank(past: Past) -> Floats:
    return past.reference("country_rank", "country", past.last_code("country"))


FEATURES = Catalog.of_module(sys.modules[__name__])
