"""The front door: command line and settings; the only place that wires rooms together."""

import os

# Small matrices everywhere: BLAS threads that wait for each other cost several times the work. Read once, by numpy.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
