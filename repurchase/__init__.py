"""The front door: command line and settings; the only place that wires rooms together."""
