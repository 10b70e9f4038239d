"""Tests of contracts/, file by file."""
