"""Order lines in, one row per (customer, cutoff) out.

Orders in
  orders      read_orders: files become order lines, with an account of every row
  reading     files as raw tables; which column is which
  rulebook    the cleaning rules: what each does, and whether it looks at other rows
  cleaning    raw rows become order lines; what is refused, and why
  prepared    typed rows in partitions of whole customers, which nightly files are added to
  identity    one person under several ids
  tables      events, customers, products, contacts
  shop        all of these together, as known at the end of a day

Features
  kernel      order lines become features at any day, without self-joins
  catalog     the features by family; own: those of a data scientist's file; references: numbers of the population
  panel       features and outcomes for one or more cutoffs
  sampling    a stable sample of customers
  ideas       which features tell the same idea; wording: a value in words
  spark       the same on Spark
"""
