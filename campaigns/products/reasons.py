"""Why a product is picked for a customer, in words."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from campaigns.products.candidates import Candidates
from features.kernel.buffers import as_arrow
from features.kernel.running import Bools, Floats, Ints

_DUE = (0.8, 2.0)  # of the usual gap: due between these, overdue beyond


def repeat_reasons(candidates: Candidates, pair: Ints) -> pa.Array:
    """Say when each product bought before was bought, and whether it is due. pair: (n,) rows in Owned."""
    owned = candidates.owned
    times, last = owned.times[pair], owned.last_days[pair]
    own, usual = owned.own_gap[pair], owned.product_gap[pair]
    ago = _joined("last ", _days(last), " ago")
    every = _joined("bought every ", _days(np.nan_to_num(own)), ", ")
    state = pa.array(["", "due", "overdue, "], pa.string())
    rhythm = np.where(last < _DUE[0] * own, 0, np.where(last <= _DUE[1] * own, 1, 2))
    with_rhythm = pc.binary_join_element_wise(
        every,
        state.take(as_arrow(np.where(times > 2, rhythm, 0).astype(np.int64), pa.int64())),
        pc.if_else(as_arrow((rhythm == 1) & (times > 2), pa.bool_()), "", ago),
        "",
    )
    twice = _joined("bought twice, ", ago)
    once = _joined("bought ", _days(last), " ago")
    again = _joined(once, "; usually bought again after ", _days(np.nan_to_num(usual)))
    due = np.isfinite(usual) & (last >= _DUE[0] * usual) & (last <= _DUE[1] * usual)
    return _chosen([(times > 2, with_rhythm), (times == 2, twice), (due, again)], once)


def new_reasons(candidates: Candidates, product: Ints, partner: Ints) -> pa.Array:
    """Say what each product never bought goes with, or what speaks for it. partner: (n,) products or -1."""
    goods, demand = candidates.goods, candidates.demand
    with_what = goods.ids.take(as_arrow(np.maximum(partner, 0).astype(np.int64), pa.int64()))
    where = goods.category_names(product)
    if not goods.has_categories:
        where = pa.repeat(pa.scalar("the shop"), len(product))
    rest = pa.repeat(pa.scalar("bought by many for the first time lately"), len(product))
    return _chosen(
        [
            (partner >= 0, _joined("often bought with ", with_what)),
            (demand.new[product], _joined("new in ", where)),
            (demand.best[product], _joined("bestseller in ", where)),
        ],
        rest,
    )


def _chosen(cases: list[tuple[Bools, pa.Array]], rest: pa.Array) -> pa.Array:
    """Return of each row the text of the first case that holds."""
    for holds, text in reversed(cases):
        rest = pc.if_else(as_arrow(np.asarray(holds, dtype=np.bool_), pa.bool_()), text, rest)
    return rest


def _days(days: Ints | Floats) -> pa.Array:
    whole = np.rint(days).astype(np.int64)
    number = as_arrow(whole, pa.int64()).cast(pa.string())
    unit = pa.array([" days", " day"], pa.string()).take(as_arrow((whole == 1).astype(np.int64), pa.int64()))
    return pc.binary_join_element_wise(number, unit, "")


def _joined(*parts: pa.Array | str) -> pa.Array:
    return pc.binary_join_element_wise(*parts, "")
