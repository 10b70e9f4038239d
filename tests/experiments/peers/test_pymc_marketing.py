from __future__ import annotations

import numpy as np
import pytest

from experiments.backtest_models import entrants, left_out
from experiments.peers.pymc_marketing import PymcBgNbd, installed
from tests.experiments import laboratory as lab

pytestmark = pytest.mark.lab  # long searches: make test-lab


@pytest.mark.skipif(installed(), reason="pymc-marketing is installed")
def test_without_its_package_it_is_left_out_and_that_is_said() -> None:
    assert PymcBgNbd.name not in entrants()
    assert "extra `peers`" in left_out()[PymcBgNbd.name]


@pytest.mark.skipif(not installed(), reason="pymc-marketing is not installed (extra `peers`)")
@pytest.mark.filterwarnings("ignore")
def test_its_maximum_a_posteriori_answers_every_customer() -> None:
    found = PymcBgNbd.fit(lab.known()).predict(lab.known().now, 60, day=lab.DAY)
    assert all(np.isfinite(values).all() for values in vars(found).values())
    assert ((found.p > 0) & (found.p < 1)).all()
