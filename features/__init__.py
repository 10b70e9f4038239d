"""Order lines in, one row per (customer, cutoff) out.

orders       read, map and clean order files into order lines
history      order lines as sorted columns with per-customer running sums
past         what is known of each customer at the end of one day; all that a feature can see
declaration  the @feature declaration and the catalogue class
catalog      the features
panel        features and outcomes for one or more cutoffs
"""
