"""From sources to partitions of whole customers.

ingest      sources become typed rows
overview    what cleaning must know of all rows together
partitions  typed rows kept in hash partitions of customers, which a nightly file is added to
"""
