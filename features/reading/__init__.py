"""Files of any shop as raw tables, and which of their columns is which.

Getting in
  locations    what is to be read: files, folders, globs, addresses (addresses, documents)
  sources      one thing as a raw table (raw_table, cells)
  text_files   delimited text (delimited, encodings), json_lines, workbooks, parquet, delta
  databases    SQLite and DuckDB files, postgres; objects: s3:// and the like
  exports      several files of one export, joined

Understanding
  mapping      which source column is which (TOML), checked by mapping_checks
  presets      the exports that are recognised
  conventions  what a file's own values settle: decimal mark, currency, ids (columns: how two headers differ)
  dates        how dates are written; numbers: how numbers are
  suggest      a mapping file with samples beside each guess (guesses, toml_text)
"""
