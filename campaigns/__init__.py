"""From scores to who, what, when and where; and afterwards, what it earned.

The customers
  base          all that is known of them on a day; sales: what they had bought
  tiers         focus, cultivate, reduce      lifecycle     stages by the own rhythm, with their policy
  rfm           groups with the usual names   segments      a shop's own groups; sizes, moves between two days
  layers        what of this stands in a ranking
  screening     who can be reached, who is active, who is suspicious
  diagnosis     what kind of shop this is

What to say
  offers        the catalogue                 sensitivity   how customers answer to each kind (shrinkage, elasticity)
  channels      cost, capacity, response      contact_interval  how often is too often (messages)
  products      roles, what each may buy next
  timing        weekday, hour, next order     calendar      holidays and platform events
  triggers      who is due what on a night    preferences   all of this for each customer, in one table

The plan
  plan          everyone at most one action   knapsack      the best within all limits, with proof
  control       who is left alone             power         how many must be
  results       what it earned

Shared
  declarations  entries of TOML files         rules         conditions over columns
  sheets        CSV files without harm
"""
