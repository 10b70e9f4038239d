"""Accounts that share an e-mail address, a telephone number or a numbered address, and use the same coupon.

Accounts with one address are one person where ids are merged (features/identity); what is found here are the addresses
of too many ids to be one person's, and everybody's where merging is off.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from campaigns.base import Base
from campaigns.screening.email_addresses import parts_of
from campaigns.screening.messages import customers_of
from features.kernel.buffers import as_arrow, filled, in_one
from features.kernel.codes import Text
from features.kernel.running import Floats, Ints

_DOTLESS = ("gmail.com", "googlemail.com")
_NUMBERED = r"^(?P<stem>.*?[^0-9])(?P<number>[0-9]{1,9})$"


def shared(base: Base, what: str) -> Floats:
    """Return how many accounts have the same normal address ('email') or number ('phone'); (n,), 0 for none."""
    group, customer = _groups(base, what)
    sizes = np.bincount(group[group >= 0], minlength=1).astype(np.float64)
    return _of_customers(np.where(group >= 0, sizes[np.maximum(group, 0)], 0.0), customer, len(base.sales))


def coupon_accounts(base: Base) -> Floats:
    """Return with how many accounts, itself included, that share its address or number a customer shares a coupon too.

    (n,), 0 for those who share none.
    """
    sales, coupon = base.sales, base.sales.text("coupon")
    codes = coupon.codes.astype(np.int64)
    some = codes >= 0
    span = len(coupon.values) + 1
    pairs = np.unique(sales.customer[some] * span + codes[some])
    user, used = pairs // span, pairs % span
    most = np.zeros(len(sales))
    for what in ("email", "phone"):
        group, customer = _groups(base, what)
        of_user = np.full(len(sales), -1)
        of_user[customer[customer >= 0]] = group[customer >= 0]
        known = of_user[user] >= 0
        keys = of_user[user[known]] * span + used[known]
        _, place, counts = np.unique(keys, return_inverse=True, return_counts=True)
        np.maximum.at(most, user[known], counts[place].astype(np.float64))
    return np.where(most >= 2, most, 0.0)


def numbered(base: Base, *, accounts: int, days: int, letters: int, providers: tuple[str, ...]) -> Floats:
    """Return how many accounts there are in a row whose addresses differ by a running number; (n,), 0 for none.

    anna.one1@, anna.one2@ … of `accounts` or more in an unbroken row, whose first orders lie within `days`. At a large
    provider, where every such row belongs to strangers, the text before the number must have `letters` letters.
    """
    assert base.personal is not None
    _, box, domain = parts_of(in_one(base.personal["email"]))
    found = pc.extract_regex(_plain(box, domain), pattern=_NUMBERED)
    stem = pc.struct_field(found, "stem")
    long = filled(pc.utf8_length(stem), np.int32(0)) >= letters
    large = filled(pc.is_in(domain, value_set=pa.array(providers, pa.string())), np.bool_(False))
    customer = customers_of(base.personal, base.sales.ids)
    rows = np.flatnonzero((customer >= 0) & filled(pc.is_valid(stem), np.bool_(False)) & (long | ~large))
    at = as_arrow(rows, pa.int64())
    group = Text.of(pc.binary_join_element_wise(stem, domain, "@").take(at)).codes.astype(np.int64)
    number = filled(pc.struct_field(found, "number").take(at).cast(pa.int64()), np.int64(0))
    runs = _Runs(group, number, base.sales.first_day[customer[rows]])
    sizes = np.zeros(len(base.sales))
    sizes[customer[rows]] = runs.sizes(days)
    return np.where(sizes >= accounts, sizes, 0.0)


@dataclass(frozen=True)
class _Runs:
    """Accounts by group and running number, and the day of their first order; (m,) each."""

    group: Ints
    number: Ints
    day: Ints

    def sizes(self, days: int) -> Floats:
        """Return how long the unbroken row of each account is, 0 where its first orders lie further apart; (m,)."""
        rank = np.lexsort((self.number, self.group))
        new = (np.diff(self.group[rank]) != 0) | (np.diff(self.number[rank]) > 1)
        run = np.cumsum(np.append(True, new)[: len(rank)]) - 1
        heads = np.flatnonzero(np.append(True, new)[: len(rank)])
        sizes = np.bincount(run).astype(np.float64) if len(run) else np.empty(0)
        if len(heads):
            day = self.day[rank]
            sizes[np.maximum.reduceat(day, heads) - np.minimum.reduceat(day, heads) >= days] = 0.0
        found = np.empty(len(rank))
        found[rank] = sizes[run]
        return found


def _groups(base: Base, what: str) -> tuple[Ints, Ints]:
    """Return for each row of the personal data its group (-1 without value) and its customer (-1: never ordered)."""
    assert base.personal is not None
    column = in_one(base.personal[what]).cast(pa.string())
    keys = normal_addresses(column) if what == "email" else column
    return Text.of(keys).codes.astype(np.int64), customers_of(base.personal, base.sales.ids)


def normal_addresses(column: pa.Array) -> pa.Array:
    """Return features.identity.keys.normal_email of a column of good addresses; null where there is none."""
    text, box, domain = parts_of(column)
    gmail = pc.is_in(domain, value_set=pa.array(_DOTLESS, pa.string()))
    joined = pc.binary_join_element_wise(
        _plain(box, domain), pc.if_else(pc.fill_null(gmail, False), _DOTLESS[0], domain), "@"
    )
    good = pc.fill_null(pc.match_substring_regex(text, r"^[^@\s]+@[^@\s]+\.[^@\s.]+$"), False)
    return pc.if_else(good, joined, None)


def _plain(box: pa.Array, domain: pa.Array) -> pa.Array:
    """Return boxes without +tag and, at Gmail, without dots."""
    plain = pc.replace_substring_regex(box, r"^([^+]+)\+.*$", r"\1")
    dotless = pc.fill_null(pc.is_in(domain, value_set=pa.array(_DOTLESS, pa.string())), False)
    return pc.if_else(dotless, pc.replace_substring(plain, ".", ""), plain)


def _of_customers(values: Floats, customer: Ints, count: int) -> Floats:
    found = np.zeros(count)
    found[customer[customer >= 0]] = values[customer >= 0]
    return found
