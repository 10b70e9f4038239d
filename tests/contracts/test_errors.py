"""The error tree and its hints."""

from __future__ import annotations

import pytest

from contracts.errors import (
    ArtifactError,
    ContractError,
    DataError,
    DeclarationError,
    RepurchaseError,
    nearest,
)


@pytest.mark.parametrize("kind", [DataError, DeclarationError, ContractError, ArtifactError])
def test_every_error_is_one_of_ours(kind: type[RepurchaseError]) -> None:
    assert issubclass(kind, RepurchaseError)
    assert not issubclass(kind, OSError | ValueError | KeyError)


def test_the_nearest_known_word_is_offered() -> None:
    assert nearest("horizn", ["cutoffs", "horizons"]) == ", did you mean 'horizons'?"


def test_case_does_not_matter_and_the_known_spelling_is_kept() -> None:
    assert nearest("customer id", ["Invoice", "Customer ID"]) == ", did you mean 'Customer ID'?"


@pytest.mark.parametrize("known", [[], ["amount", "price"]])
def test_nothing_is_offered_where_nothing_is_near(known: list[str]) -> None:
    assert nearest("zzzzzz", known) == ""
