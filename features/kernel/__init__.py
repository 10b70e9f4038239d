"""From sorted order lines to features at any day, without self-joins.

buffers      Arrow and numpy over the same memory
history      order lines as sorted columns (level) with per-customer running sums (running)
past         what is known of each customer at the end of one day; all that a feature can see
declaration  the @feature declaration and the catalogue class
"""
