"""A shop's inputs together: its orders, who is one person under several ids, and its other tables.

shop         Shop, open_shop: partitions cleaned, own ids merged, histories made of order lines
files        OtherFiles: which files there are besides the orders; read_tables
identity     Identity: the linked own ids of a shop, in blocks of whole people
sightings    which own id was seen with which e-mail address or telephone, from all tables
people       People: which own ids are one customer from which day to which
histories    histories of people as known, and of customers who are described several times
merging      order lines of several ids become the history of their people
by_customer  rows of a table found by customer
set_aside    the lines of linked ids, kept until all partitions have been seen
sample       the order lines of a sample of whole people
"""
