"""Scores leave the store: files in many formats, audiences for other tools, rows in a database.

exports      write_export: chosen customers and columns as one file, whole or not at all; Written
formats      FORMATS: csv, jsonl, parquet, klaviyo, braze, meta, google, generic
selection    who is in an export: filter, suppression, limit, addresses
suppression  read_suppression: whom no export may hold
people       the personal table and the suppression list from files, as --personal and --suppress take them
addresses    the personal table: one address and number a customer, with consent
writers      CSV, JSON Lines and Parquet, table by table: CsvWriter, JsonLinesWriter, ParquetWriter
audiences    what Klaviyo, Braze, Meta and Google take
hashes       addresses normalised and hashed as Meta and Google want them
aside        files that appear whole or not at all
postgres     upsert: scores in a table of PostgreSQL
"""

from serving.outputs.exports import Written, only_changed, tables_of, write_export
from serving.outputs.formats import FORMATS, Format

__all__ = ["FORMATS", "Format", "Written", "only_changed", "tables_of", "write_export"]
