"""Newer models and rankings, taken while requests run.

watch     the watcher: looks, verifies, swaps by one assignment
source    one watched folder: what is new in it, each state looked at once
trials    a store or a model is opened in a child process and asked, before it is opened here
golden    what a store must show
"""
