"""The advice of each finding: ours, and the shop's own words."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaigns.diagnosis.advice import read_texts
from contracts.errors import DeclarationError


def test_each_kind_of_shop_has_advice() -> None:
    advice = read_texts().advice
    assert {"too_few", "acquisition", "hybrid", "loyalty"} <= set(advice)
    assert all(one.todo for one in advice.values())


def test_a_shop_writes_its_own_words_and_switches_others_off(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text('[advice.hybrid]\nlabel = "Both"\nsays = "Do both."\n[advice.point]\noff = true\n')
    advice = read_texts(path).advice
    assert (advice["hybrid"].says, advice["hybrid"].todo, "point" in advice) == ("Do both.", (), False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[advice.loyalti]\nlabel = "x"\nsays = "x"', "no finding has this name, did you mean 'loyalty'"),
        ('[advice.loyalty]\nlabel = "x"\nsays = " "', "a text is empty"),
        ('[advice.loyalty]\nlabel = "x"', "'says' is missing"),
        ('[advices.loyalty]\nlabel = "x"', r"unknown section \[advices\], did you mean 'advice'"),
        ("advice", "not a TOML file"),
    ],
)
def test_what_nobody_would_read_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(DeclarationError, match=message):
        read_texts(path)
