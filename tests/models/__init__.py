"""Tests of models/, file by file."""
