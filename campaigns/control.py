"""The control group of a campaign: who is left alone, so that what the campaign earned can be measured.

A customer is a control if its draw, a hash of the campaign's name and its id, is below the share of its stratum. So
nobody chooses, the order of rows does not matter, campaigns are independent of each other, and a customer keeps its arm
when others join or leave. The price: a stratum's count of controls is binomial, not exact. An exact count would mean
that one newcomer pushes another customer into the other arm in the middle of a campaign, which spoils the measurement.
With one share for all strata a customer keeps its arm in whatever stratum it is; with several, those of a higher share
hold all whom a lower one would have drawn.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contracts.errors import ContractError, DeclarationError, nearest
from features.sampling import id_hashes

Floats = NDArray[np.float64]
Arms = NDArray[np.int8]
Share = float | Mapping[str, float]

TREATED, CONTROL = 0, 1
ARMS = ("treated", "control")  # by code


def assign(ids: pa.Array, strata: pa.Array, *, campaign: str, share: Share) -> Arms:
    """Return each customer's arm, TREATED or CONTROL; (n,).

    ids, strata: (n,) texts; share: of controls, one or by stratum, from 0 to 1 (0: nobody, 1: everybody).
    Raises DeclarationError for a share beyond that, or for strata without one.
    """
    if len(ids) != len(strata):
        raise ContractError(f"{len(ids)} ids, but {len(strata)} strata; each customer needs one of both.")
    below = shares_of(strata, share)
    return np.where(draws(ids, campaign) < below, CONTROL, TREATED).astype(np.int8)


def draws(ids: pa.Array, campaign: str) -> Floats:
    """Return each customer's draw in [0, 1) for a campaign: blake2b of both, its first 53 bits; (n,)."""
    if not campaign:
        raise DeclarationError("the campaign has no name, but the control group is drawn by it; name it.")
    head = f"{len(campaign)}:{campaign}:"  # its length first, so that no other campaign and id read the same
    names = np.array([head + one for one in ids.to_pylist()], dtype=object)
    return (id_hashes(names) >> np.uint64(11)).astype(np.float64) / 2.0**53


def shares_of(strata: pa.Array, share: Share) -> Floats:
    """Return the share of controls asked for each customer's stratum; (n,)."""
    found = pa.array(strata.to_pylist(), pa.string()).dictionary_encode()
    names = [str(one) for one in found.dictionary.to_pylist()]
    by_stratum = [of_stratum(name, share) for name in names]
    codes = found.indices.fill_null(len(names)).to_numpy(zero_copy_only=False).astype(np.int64)
    if len(codes) and codes.max() == len(names):
        raise ContractError("some customers have no stratum; name one for them, such as 'unknown'.")
    return np.array(by_stratum, dtype=np.float64)[codes] if names else np.zeros(0)


def of_stratum(name: str, share: Share) -> float:
    """Return the share of controls of one stratum."""
    if isinstance(share, Mapping) and name not in share:
        known = ", ".join(f"'{one}'" for one in share)
        raise DeclarationError(
            f"no share of controls is given for '{name}'{nearest(name, share) or '.'} Given: {known}."
        )
    value = share[name] if isinstance(share, Mapping) else share
    if not 0.0 <= value <= 1.0:
        raise DeclarationError(
            f"the share of controls is {value:g}; it must be from 0 to 1 (0.1 is one in ten)."
        )
    return float(value)


def log_of(arms: Arms, strata: pa.Array, *, campaign: str, share: Share) -> dict[str, object]:
    """Return what was done, for the campaign's log: method, name and, by stratum, customers and controls."""
    names = np.array(strata.to_pylist(), dtype=object)
    rows = []
    for name in sorted(set(names.tolist())):
        here = names == name
        controls = int((arms[here] == CONTROL).sum())
        asked = of_stratum(str(name), share)
        row = {"stratum": name, "customers": int(here.sum()), "controls": controls, "share_asked": asked}
        rows.append(row | {"share_reached": controls / int(here.sum())})
    return {
        "campaign": campaign,
        "method": "blake2b of campaign and customer_id, below the share of the stratum",
        "customers": len(arms),
        "controls": int((arms == CONTROL).sum()),
        "strata": rows,
    }
