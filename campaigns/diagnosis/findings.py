"""What a diagnosis found."""

from __future__ import annotations

from dataclasses import dataclass

from campaigns.diagnosis.advice import Advice
from campaigns.diagnosis.gaps import Gap
from campaigns.diagnosis.mode import Mode
from campaigns.diagnosis.repurchase_rate import Groups, Rates, Trend
from campaigns.diagnosis.retention import (
    Cohorts,
    MonthRevenue,
    Returned,
)
from campaigns.diagnosis.revenue import Concentration, Point, Tree
from campaigns.diagnosis.second_order import SecondOrder


@dataclass(frozen=True)
class Extent:
    """How much there is. of_customers: how many customers the sample stands for; None: these are all."""

    first_day: int
    last_day: int
    customers: int
    orders: int
    order_days: int
    revenue: float
    returned: float
    of_customers: int | None = None


@dataclass(frozen=True)
class Diagnosis:
    """What was found. Shares are of customers; amounts are in `currency`, sales less those cancelled by `as_of`."""

    as_of: int
    currency: str
    period: int
    extent: Extent
    rates: Rates
    mode: Mode
    trend: tuple[Trend, ...]
    groups: tuple[Groups, ...]
    second: tuple[SecondOrder, ...]
    monthly: Cohorts
    weekly: Cohorts
    returning: tuple[Returned, ...]
    months: tuple[MonthRevenue, ...]
    gaps: tuple[Gap, ...]
    trees: tuple[Tree, ...]
    point: Point | None
    concentration: Concentration
    advice: dict[str, Advice]
    absent: tuple[str, ...]
