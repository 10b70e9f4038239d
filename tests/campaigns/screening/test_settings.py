"""The shop's own limits, checks, words and screens."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaigns.screening.screening import screens_ready
from campaigns.screening.settings import Settings
from contracts.errors import DeclarationError


def read(folder: Path, text: str) -> Settings:
    path = folder / "my.toml"
    path.write_text(text, encoding="utf-8")
    return Settings.read(path)


def test_our_own_entries_are_right() -> None:
    screens = screens_ready(Settings.ours(), scores=None)
    assert next(one.name for one, _ in screens.screens) == "active_and_reachable"
    assert screens.skipped == {}


def test_a_limit_can_be_changed_and_a_screen_switched_off(tmp_path: Path) -> None:
    found = read(tmp_path, "[limit.silent_gaps]\nvalue = 6\n[screen.to_look_at]\noff = true\n")
    assert found.limits["silent_gaps"] == 6.0
    assert "to_look_at" not in {one.name for one in found.screens}


def test_screens_stand_in_the_order_of_their_layers(tmp_path: Path) -> None:
    found = read(
        tmp_path, '[screen.first]\nlayer = 0\nrule = "frequency > 3"\n[screen.last]\nrule = "frequency > 2"\n'
    )
    assert [found.screens[0].name, found.screens[-1].name] == ["first", "last"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[limit.silent_gap]\nvalue = 6\n", "no such entry, did you mean 'silent_gaps'"),
        ("[limit.silent_gaps]\noff = true\n", r"\[limit.silent_gaps\]: this is needed"),
        ("[limit.silent_gaps]\nvalue = -1\n", "Write a finite number of at least 0"),
        ("[limit.silent_gaps]\nvalue = 'six'\n", "'value' is 'six'. Write a number"),
        ("[check.bots]\nverdict='yes'\ntext=''\nlimits={orders=3}\n", "no such entry, did you mean 'bot'"),
        ("[check.bot]\nverdict='perhaps'\ntext=''\nlimits={orders=3}\n", "'verdict' is 'perhaps'"),
        ("[check.bot]\nverdict='yes'\ntext=''\nlimits={order=3}\n", "names order. Write orders"),
        ("[check.bot]\nverdict='yes'\ntext='{count}'\nlimits={orders=3}\n", "In braces stand numbers: value, orders"),
        ("[check.bot]\nverdict='yes'\ntext='{value!q'\nlimits={orders=3}\n", "In braces stand numbers"),
        ("[screens.a]\nrule='x'\n", r"unknown section \[screens\], did you mean 'screen'"),
        ("[screen.a]\nrules='x'\n", "unknown key 'rules', did you mean 'rule'"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        read(tmp_path, text)


def test_an_unknown_column_is_refused_with_the_nearest(tmp_path: Path) -> None:
    found = read(tmp_path, "[screen.a]\nrule = \"reachable_mail == 'yes'\"\n")
    with pytest.raises(DeclarationError, match=r"my.toml, \[screen.a\].*'reachable_mail'.*'reachable_email'"):
        screens_ready(found, scores=None)


def test_a_screen_that_asks_for_scores_is_left_out_without_a_ranking(tmp_path: Path) -> None:
    found = read(tmp_path, "[screen.a]\nrule = \"p_repurchase_45d > 0.5 and tier == 'focus'\"\n")
    assert screens_ready(found, scores=None).skipped == {"a": ("p_repurchase_45d", "tier")}
    with pytest.raises(DeclarationError, match="'p_repurchase_45d'"):
        screens_ready(found, scores=["tier", "p_repurchase_90d"])
