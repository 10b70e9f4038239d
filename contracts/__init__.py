"""The tables that pass between rooms, the metrics, and the error tree. Imports nothing of ours."""
