"""All of screening together."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.screening.account import Before, sentences, steps, to_dict
from campaigns.screening.screening import LABELS, Screened, screen
from campaigns.screening.settings import Settings
from contracts.errors import DeclarationError
from tests.campaigns.screening.bases import AS_OF, base_of, buyers, event, orders

BEFORE = Before(
    rows_read=10, rows_kept=7, rows_refused={"zero_quantity": 2}, rows_merged={"duplicate_line": 1}, rows_later=0,
    customers_read=5, customers_kept=4, people_of_several_ids=1, ids_of_these=2,
)  # fmt: skip
RHYTHM = orders("regular", range(AS_OF - 100, AS_OF, 10))
PEOPLE = [
    {"customer_id": name, "email": f"{name}@web.de", "phone": "+4915112345678"}
    for name in ("anna", "regular")
]
AGREED = [{"customer_id": name, "consent_email": True} for name in ("anna", "regular")]


def screened(folder: Path | None = None, text: str = "", **given: pa.Table) -> Screened:
    own = None
    if folder is not None:
        (folder / "my.toml").write_text(text, encoding="utf-8")
        own = Settings.read(folder / "my.toml")
    base = base_of(RHYTHM + buyers("anna", "bert"), personal=PEOPLE, customers=AGREED)
    return screen(base, settings=own, **given)


def test_each_customer_has_one_row_and_stands_in_one_screen_at_most() -> None:
    found = screened()
    assert found.labels.schema == LABELS
    assert found.labels["customer_id"].to_pylist() == ["anna", "bert", "regular"]
    assert found.potential.to_pylist() == [
        {"customer_id": "anna", "screen": "active_and_reachable"},
        {"customer_id": "bert", "screen": "active_if_reachable"},
        {"customer_id": "regular", "screen": "active_and_reachable"},
    ]


def test_labels_hold_no_address_and_no_number() -> None:
    found = screened()
    for table in (found.labels, found.potential):
        assert "web.de" not in str(table.to_pylist())
        assert "+49" not in str(table.to_pylist())


def test_a_customer_stands_in_the_first_layer_that_fits(tmp_path: Path) -> None:
    text = (
        '[screen.all]\nlayer = 0\nrule = "frequency >= 0"\n[screen.none]\nlayer = 1\nrule = "frequency < 0"\n'
    )
    found = screened(tmp_path, text)
    assert [(one.screen.name, one.fits, one.taken) for one in found.layers[:2]] == [
        ("all", 3, 3), ("active_and_reachable", 2, 0),
    ]  # fmt: skip
    assert found.potential["screen"].to_pylist() == ["all"] * 3


def test_rules_read_the_columns_of_a_ranking(tmp_path: Path) -> None:
    scores = pa.table(
        {"customer_id": ["regular", "bert"], "expected_value_90d": [50.0, 5.0], "tier": ["focus", None]}
    )
    text = "[screen.best]\nlayer = 0\nrule = \"expected_value_90d > 10 and tier == 'focus'\"\n"
    found = screened(tmp_path, text, scores=scores)
    assert found.potential["screen"].to_pylist() == ["active_and_reachable", "active_if_reachable", "best"]


def test_whoever_is_not_in_the_ranking_is_unknown_to_its_rules(tmp_path: Path) -> None:
    scores = pa.table({"customer_id": ["bert"], "rank": [1]})
    found = screened(tmp_path, '[screen.a]\nlayer = 0\nrule = "rank >= 1"\n', scores=scores)
    assert found.layers[0].fits == 1


def test_a_text_compared_with_a_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match=r"my.toml, \[screen.a\].*compares a text with a number"):
        screened(tmp_path, '[screen.a]\nrule = "activity > 3"\n')


def test_what_is_missing_is_said_with_what_it_would_add() -> None:
    found = screen(base_of(buyers("anna@web.de")))
    told = " ".join(found.missing)
    for words in ("whether customers can be reached is unknown", "consent_email", "bounces are not seen", "age, device",
                  "1 customer ids hold an @"):  # fmt: skip
        assert words in told


def test_the_funnel_counts_every_customer_once_at_each_step() -> None:
    found = screened()
    funnel = {step.name: step.counts for step in steps(found, BEFORE)}
    assert list(funnel) == ["clean", "merge", "screen", "label", "layer"]
    assert funnel["clean"]["rows read"] == 10
    assert sum(funnel["screen"][f"suspicious {word}"] for word in ("no", "doubtful", "yes")) == 3
    assert sum(funnel["screen"][f"reachable {word}"] for word in ("yes", "no", "unknown")) == 3
    assert sum(funnel["layer"].values()) == 3


def test_the_account_is_plain_values() -> None:
    found = screened()
    account = to_dict(found, BEFORE, Settings.ours(), {"currency": "EUR"})
    assert account["reachable"]["email"] == {"yes": {"ok": 2}, "no": {"no_address": 1}, "unknown": {}}
    assert account["screens"][0]["taken"] == 2
    assert sentences(found)[0] == "email: 2 yes, 1 no, 0 unknown – no address is known (1)."


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(["email_open", "unsubscribe", "bounce", "email_sent"]), max_size=6))
def test_another_customers_rows_change_nothing(kinds: list[str]) -> None:
    events = [event("anna", kind, AS_OF - 40 + i) for i, kind in enumerate(kinds)]
    lines = RHYTHM + buyers("anna", "bert")
    rows = [
        screen(base_of(lines, personal=PEOPLE, customers=AGREED, events=some)).labels.slice(1, 2).to_pylist()
        for some in (events, [])
    ]
    assert rows[0] == rows[1]
