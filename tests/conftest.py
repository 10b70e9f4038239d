"""What holds for all tests."""

import os

os.environ["COLUMNS"] = "200"  # consoles read their width once, when they are made

import models.boosters  # noqa: F401 (first, since OpenMP reads its settings once, when it is loaded)
