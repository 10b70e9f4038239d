"""The published ranking as files: what `serving.store` opens and publishes.

publishing     a ranking written aside, synced, made current by one rename
shelf          the folder of numbered rankings and the link that says which is current
manifest       what stands in manifest.json, sealed by its own checksum
ranked_tables  scores that come table by table, checked
lookup_writer  lookup.arrow written from a stream; packed: a customer's whole row as bytes
lookup         finding by id, by rank, by filter; by_id: the ids in their order
where          which customers: a filter; choices: the texts that it may name
details        features and orders of one customer
"""
