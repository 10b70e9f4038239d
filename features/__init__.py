"""Order lines in, one row per (customer, cutoff) out.

Orders in
  orders       read_orders: files become order lines, with an account of every row
  mapping      which source column is which (TOML); presets: the exports that are recognised
  sources      find and load files (text_files, buffers); dates: how dates are written
  conventions  what a file's own values settle: decimal mark, currency, ids
  cleaning     types and reasons to refuse; deliveries: rows delivered twice
  lines        the kept lines, sorted; cancellations: which sale a return undoes
  report       the account, printed; notes: what else was seen

Features
  history      order lines as sorted columns (level) with per-customer running sums (running)
  past         what is known of each customer at the end of one day; all that a feature can see
  declaration  the @feature declaration and the catalogue class
  catalog      the features
  panel        features and outcomes for one or more cutoffs
  sampling     a stable sample of customers
"""
