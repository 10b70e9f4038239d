"""What holds for all tests."""

import os

os.environ["COLUMNS"] = "200"  # consoles read their width once, when they are made

from hypothesis import settings

import models.boosters  # noqa: F401 (first, since OpenMP reads its settings once, when it is loaded)
from tests.spark_sessions import any_spark, spark, spark_home

__all__ = ["any_spark", "spark", "spark_home"]

# The same examples on every run, so that a landing does not depend on luck; new ones: HYPOTHESIS_PROFILE=search.
settings.register_profile("same", derandomize=True)
settings.register_profile("search")
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))
