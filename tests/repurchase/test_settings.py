from __future__ import annotations

from pathlib import Path

import pytest

from contracts.errors import DeclarationError
from repurchase.settings import Settings


def test_without_variables_everything_is_in_the_present_folder() -> None:
    settings = Settings.of_environment({})
    assert settings == Settings("sqlite:///mlflow.db", "shop", Path("keys.json"))


def test_each_variable_sets_one_value() -> None:
    environment = {
        "REPURCHASE_TRACKING_URI": "http://mlflow:5000",
        "REPURCHASE_SHOP": "garden",
        "REPURCHASE_KEYS": "/etc/keys.json",
    }
    assert Settings.of_environment(environment) == Settings(
        "http://mlflow:5000", "garden", Path("/etc/keys.json")
    )


def test_other_programs_variables_are_none_of_ours() -> None:
    assert Settings.of_environment({"MLFLOW_TRACKING_URI": "x", "PATH": "/bin"}) == Settings()


def test_an_unknown_variable_is_refused_with_the_nearest_known() -> None:
    wanted = "unknown setting REPURCHASE_TRACKING, did you mean 'REPURCHASE_TRACKING_URI'"
    with pytest.raises(DeclarationError, match=wanted):
        Settings.of_environment({"REPURCHASE_TRACKING": "sqlite:///x.db"})


def test_the_environment_is_read_when_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPURCHASE_SHOP", "toys")
    assert Settings.of_environment().shop == "toys"
