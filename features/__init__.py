"""Order lines in, one row per (customer, cutoff) out.

orders     read_orders: files become order lines, with an account of every row
reading    files as raw tables; which column is which
cleaning   raw rows become order lines; what is refused, and why
kernel     order lines become features at any day, without self-joins
catalog    the features
panel      features and outcomes for one or more cutoffs
sampling   a stable sample of customers
"""
