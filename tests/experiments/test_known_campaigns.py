"""Generated shops with campaigns: the campaigns do what the truth says, and every reader takes the tables."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from campaigns.plan.table import CONTACT, PLAN
from campaigns.results.priors import measured_effects
from campaigns.sales import Sales
from contracts.errors import DataError, DeclarationError
from contracts.tables import CONTACTS, ORDER_LINES
from experiments.known_campaigns import RESPONSES, CampaignWorld, Drawn, draw
from experiments.known_campaigns.contest import Shop, contest
from experiments.known_campaigns.files import write
from experiments.known_campaigns.judging import Judge, of_files
from experiments.known_campaigns.law import OFFERS, STAGES
from experiments.known_campaigns.money import first_in_window
from experiments.known_campaigns.organic import DAY
from experiments.known_campaigns.sending import send_all, stages_at
from experiments.known_campaigns.tables import contacts, order_lines, truth_table
from features.orders import read_orders
from features.shop.files import OtherFiles, read_tables
from repurchase.commands_orders import generate
from tests import worlds

pytestmark = pytest.mark.lab

SMALL = CampaignWorld(600, campaigns=5, seed=3)
OTHERS = ("events", "customers", "products", "contacts")


@cache
def drawn(response: str = "segment", customers: int = 3_000, seed: int = 1) -> Drawn:
    return draw(CampaignWorld(customers, campaigns=6, response=response, seed=seed))


@cache
def folder() -> Path:
    """Return the folder of a small written world, made once."""
    out = worlds.home() / "known_campaigns"
    write(SMALL, out)
    return out


def digest(out: Path) -> list[str]:
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(out.iterdir())]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    write(SMALL, tmp_path / "again")
    write(CampaignWorld(600, campaigns=5, seed=4), tmp_path / "other")
    assert digest(tmp_path / "again") == digest(folder())
    assert not set(digest(tmp_path / "other")) & set(digest(folder()))


def test_every_table_is_read_without_a_mapping_and_nothing_is_refused() -> None:
    events, customers, products, contacts = ((str(folder() / f"{name}.parquet"),) for name in OTHERS)
    files = OtherFiles(events=events, customers=customers, products=products, contacts=contacts)
    found = read_tables(files, until=SMALL.as_of, timezone="UTC")
    assert all(table.num_rows == 0 for table in found.refused.values())
    assert found.contacts is not None and found.contacts.schema.equals(CONTACTS)
    assert found.contacts.num_rows == pq.read_metadata(folder() / "contacts.parquet").num_rows
    orders = read_orders(str(folder() / "orders.parquet"), until=SMALL.as_of)
    assert orders.lines.num_rows == pq.read_metadata(folder() / "orders.parquet").num_rows


def test_order_lines_are_those_that_the_readers_would_give() -> None:
    table = order_lines(drawn())
    assert all(field.type == ORDER_LINES.field(field.name).type for field in table.schema)
    rank = pc.sort_indices(table, [("customer_id", "ascending"), ("ordered_at", "ascending")])
    assert rank.to_pylist() == list(range(table.num_rows))
    assert len(Sales.of_lines(table, SMALL.as_of)) == 3_000


def test_the_chance_without_a_contact_is_what_happens() -> None:
    world = draw(CampaignWorld(30_000, campaigns=0, seed=5))
    at = (SMALL.as_of - 99) * DAY
    p, bought = world.organic.chance(at, days=30), world.organic.ordered(at, at + 30 * DAY)
    for low, high in ((0.0, 1e-12), (1e-12, 0.1), (0.1, 0.3), (0.3, 1.0)):
        here = (p >= low) & (p < high) & (world.organic.last_order(at) >= 0)
        error = np.sqrt((p * (1 - p))[here].mean() / here.sum())
        assert abs(p[here].mean() - bought[here].mean()) <= 4 * error + 1e-12


@pytest.mark.parametrize("response", RESPONSES[:3])
def test_the_mean_lift_of_every_offer_is_the_drawn_one(response: str) -> None:
    world = draw(CampaignWorld(20_000, campaigns=0, response=response, seed=2))
    p, lifts = world.truth.p[:, None], world.truth.lifts
    mean = (lifts * (1 - p)).sum(axis=0) / (1 - p).sum()
    assert mean == pytest.approx(world.responses.means, rel=0.02)
    assert (world.responses.means >= 0.003).all() and (world.responses.means <= 0.03).all()


def test_campaigns_add_as_many_buyers_as_the_lifts_say() -> None:
    quiet = draw(CampaignWorld(30_000, campaigns=0, seed=6))
    # Ten times the size, so that one campaign of this size can show it.
    loud = replace(quiet.responses, scale=10 * quiet.responses.scale)
    orders, (sending,) = send_all(quiet.organic, loud, dict(quiet.agreed), campaigns=1, seed=6)
    p = quiet.organic.chance(sending.at, days=30)
    stage, _ = stages_at(
        quiet.organic.orders.customer.astype(np.int64), quiet.organic.orders.at, sending.at, 30_000
    )
    p, lifts, treated = p[sending.customer], loud.lifts(stage, p)[sending.customer], sending.offer >= 0
    bought = first_in_window(sending, orders) >= 0
    assert bought[~treated].mean() == pytest.approx(p[~treated].mean(), abs=0.012)
    added = (np.take_along_axis(lifts, sending.offer[:, None], axis=1)[:, 0] * (1 - p))[treated].mean()
    assert added > 0.05
    assert bought[treated].mean() == pytest.approx(p[treated].mean() + added, abs=0.012)


def test_where_nobody_responds_treated_and_control_buy_alike() -> None:
    world = drawn("none", 20_000)
    assert not world.truth.lifts.any() and len(world.orders.at) == len(world.organic.orders.at)
    table = measured_effects(contacts(world), sales=Sales.of_lines(order_lines(world), world.world.as_of))
    rows = table.to_pylist()
    z = np.array([row["headroom_effect"] / row["headroom_error"] for row in rows])
    assert len(z) >= 8 and np.abs(z).max() < 4


def test_lifts_go_by_stage_only_where_they_should() -> None:
    def by_stage(world: Drawn) -> np.ndarray:
        return np.array([world.truth.lifts[world.truth.stage == k, 0].mean() for k in range(len(STAGES))])

    seen, hidden = by_stage(drawn("segment", 20_000)), by_stage(drawn("hidden", 20_000))
    assert seen.max() / seen.min() > 2 > hidden.max() / hidden.min()
    p, lift = drawn("potential").truth.p, drawn("potential").truth.lifts[:, 0]
    assert lift == pytest.approx(p * lift.sum() / p.sum())


def test_some_do_not_want_to_be_disturbed_but_nobody_loses_more_than_there_is() -> None:
    truth = drawn("hidden").truth
    assert (truth.lifts < 0).any()
    assert (truth.lifts * (1 - truth.p)[:, None] >= -truth.p[:, None] - 1e-12).all()


def test_worlds_of_one_seed_differ_only_by_their_responses() -> None:
    one, other = drawn("segment"), drawn("none")
    assert np.array_equal(one.truth.p, other.truth.p)
    assert np.array_equal(one.organic.orders.at, other.organic.orders.at)


def test_a_written_plan_is_judged_as_the_choices_are() -> None:
    world = drawn("segment", 1_000)
    economics = Shop.of(world).economics()
    (row,) = [
        one for one in contest(world, economics, budgets=(0.5,), oracle=False) if one.policy == "profit"
    ]
    chance = np.random.default_rng(1)
    choice = np.where(chance.random(1_000) < 0.3, chance.integers(0, len(economics.options), 1_000), -1)
    some = [economics.options[one] for one in choice[choice >= 0]]
    columns = {name: pa.nulls(len(some), PLAN.field(name).type) for name in PLAN.names}
    columns["customer_id"] = economics.customers.ids.filter(pa.array(choice >= 0))
    columns["action"] = pa.array([CONTACT] * len(some))
    columns["offer"] = pa.array([one.offer.name for one in some])
    columns["channel"] = pa.array([one.channel.name for one in some])
    judged, again = Judge(world, economics).of(choice), of_files(pa.table(columns), truth_table(world))
    assert again.profit == pytest.approx(judged.profit, rel=1e-6) and again.customers == judged.customers
    assert again.cost == pytest.approx(judged.cost, rel=1e-6) and row.true.customers > 0


def test_a_truth_of_another_kind_is_refused() -> None:
    plan = pa.table({"action": [CONTACT], "customer_id": ["x"], "offer": ["message"], "channel": ["email"]})
    with pytest.raises(DataError, match=r"no truth\.parquet"):
        of_files(plan, pa.table({"customer_id": ["x"]}))
    with pytest.raises(DataError, match="1 planned customers are not in the truth"):
        of_files(plan, truth_table(drawn()))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"campaigns": 40}, "40 campaigns do not fit into 730 days"),
        ({"customers": 5}, "5 customers cannot be generated"),
        ({"response": "hiden"}, "did you mean 'hidden'"),
        ({"seed": -1}, "seed -1 cannot be generated"),
    ],
)
def test_a_world_that_cannot_be_is_refused(asked: dict[str, int | str], said: str) -> None:
    with pytest.raises(DeclarationError, match=said):
        CampaignWorld(**asked)  # type: ignore[arg-type]


def test_nothing_half_written_is_left_behind(tmp_path: Path) -> None:
    (tmp_path / "events.parquet").mkdir()
    with pytest.raises(OSError):
        write(SMALL, tmp_path)
    assert not [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")]


def test_all_offers_are_in_our_catalogue() -> None:
    assert set(OFFERS) == set(drawn().offers)


def test_the_command_writes_all_tables(tmp_path: Path) -> None:
    generate(tmp_path / "world", campaigns=2, customers=300)
    assert {path.stem for path in (tmp_path / "world").iterdir()} == {"orders", "truth", *OTHERS}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"campaigns": 3, "lines": 1000}, "Give --customers in place of --lines"),
        ({"customers": 300}, "Give --campaigns 8"),
        ({"campaigns": 3, "response": "segmnt"}, "did you mean 'segment'"),
    ],
)
def test_bad_options_are_refused_and_nothing_is_written(
    tmp_path: Path, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(DeclarationError, match=said):
        generate(tmp_path / "world", **options)
    assert not (tmp_path / "world").exists()
