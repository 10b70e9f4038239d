"""From sorted order lines to features at any day, without self-joins.

history      all that is known of a set of customers: order lines, and events and attributes where there are any
lines        order lines as columns; text as codes (codes); Arrow and numpy over the same memory (buffers)
views        which sales counted when, as cancellations became known
known        one row per day of each customer as known (level), with running sums (running) of declared columns
columns      how each column is made of order lines; of order days (order_day_columns)
taste        what the values of a text column say: latest, commonest, how many, how mixed
other_tables events and attributes of the customers
past         what is known of each customer at the end of one day; all that a feature can see
reference    numbers about the population, read by features; how they are fitted (population); quarters as keys
declaration  the @feature declaration and the catalogue class; the source of a feature and what it calls (source)
"""
