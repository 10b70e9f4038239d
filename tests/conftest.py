"""What holds for all tests."""

import models.boosters  # noqa: F401 (first, since OpenMP reads its settings once, when it is loaded)
