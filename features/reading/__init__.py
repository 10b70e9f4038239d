"""Files of any shop as raw tables, and which of their columns is which.

sources      find and load files (text_files); dates: how dates are written
mapping      which source column is which (TOML); presets: the exports that are recognised
conventions  what a file's own values settle: decimal mark, currency, ids
"""
