"""Who gets which offer, on which channel, in which week, so that the expected incremental profit is largest.

terms      what a campaign may do: budget, weeks, margin, floors, control (plan.toml)
customers  what is known of each customer when planning
weeks      the days of a campaign: events, days without sending, and when each stage may be contacted
lifts      what one contact moves: measured by past tests, else the offers' stated assumptions
economics  options, and what each earns and costs with each customer
limits     budget, capacities, stock, caps and floors as resources
planning   control first, then the best plan within the limits; policies: the plainer ways to choose
table      the plan as a table, with reasons; what_if: other budgets and offers; page: one page about it
reengage   subscribers who do not open e-mails any more, as a list of their own
"""
