"""From sources to partitions of whole customers.

ingest      sources become typed rows; overview: what cleaning must know of all rows together
partitions  typed rows in partitions of whole customers: in memory, or in a folder
store       such a folder, which nightly files are added to (chunks: its files; cache: cleaned lines kept beside them)
process     work on every partition: clean it, hand its lines to a function
parts       a folder of results that appears as a whole
"""
