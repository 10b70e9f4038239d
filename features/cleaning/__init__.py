"""Raw rows become order lines; what is refused is kept aside with its reason.

rules          types and reasons to refuse; deliveries: rows delivered twice
lines          the kept lines, sorted; cancellations: which sale a return undoes
report         the account, printed; notes: what else was seen
"""
