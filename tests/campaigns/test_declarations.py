"""Declarations in TOML are closed, and a shop's file adds to ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaigns.declarations import read_declarations, require_sections
from campaigns.lifecycle import Stage, read_stages
from contracts.errors import DeclarationError

MATURE = """
[stages.mature]
label = "Regulars"
says = "Steady."
when = "order_days >= 2"
contact = "limited"
discount = "none"
inactive = "small"
advice = "Leave them in peace."
"""


def read(path: Path, text: str) -> dict[str, Stage]:
    path.write_text(text, encoding="utf-8")
    return read_declarations(Stage, section="stages", default="lifecycle.toml", path=path)


def test_an_entry_of_the_shop_takes_the_place_of_ours(tmp_path: Path) -> None:
    stages = read(tmp_path / "my.toml", MATURE)
    assert stages["mature"].label == "Regulars"
    assert stages["lost"].label == "Lost"


def test_off_removes_an_entry_of_ours(tmp_path: Path) -> None:
    assert "mature" not in read(tmp_path / "my.toml", "[stages.mature]\noff = true")


def test_switching_off_what_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="no 'matur' to switch off, did you mean 'mature'"):
        read(tmp_path / "my.toml", "[stages.matur]\noff = true")


def test_an_unknown_key_names_the_nearest_known(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="unknown key 'discout', did you mean 'discount'"):
        read(tmp_path / "my.toml", MATURE + 'discout = "none"')


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match=r"\[stages.mature\]: 'says' is missing"):
        read(tmp_path / "my.toml", MATURE.replace('says = "Steady."', ""))


@pytest.mark.parametrize("value", ["3", "true", '["a"]'])
def test_a_value_of_another_type_says_what_to_write(tmp_path: Path, value: str) -> None:
    with pytest.raises(DeclarationError, match=r"'label' is .* Write a text in quotation marks"):
        read(tmp_path / "my.toml", MATURE.replace('"Regulars"', value))


def test_a_word_that_cannot_be_meant_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match=r"my.toml, \[stages.mature\]: discount is 'huge'"):
        read(tmp_path / "my.toml", MATURE.replace('discount = "none"', 'discount = "huge"'))


def test_a_rule_over_an_unknown_column_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match=r"order_day.*order_days"):
        read(tmp_path / "my.toml", MATURE.replace("order_days >= 2", "order_day >= 2"))


def test_a_section_that_nobody_reads_is_refused(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text("[stage.mature]\n", encoding="utf-8")
    with pytest.raises(DeclarationError, match=r"unknown section \[stage\], did you mean 'stages'"):
        require_sections(tmp_path / "my.toml", {"stages", "offers"})


def test_all_six_stages_are_needed(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text("[stages.new]\noff = true", encoding="utf-8")
    with pytest.raises(DeclarationError, match="stages new are switched off"):
        read_stages(tmp_path / "my.toml")
