"""Products: what each one is for, which go together, and what each customer may buy next.

goods.py          which products there are, and who bought them when
demand.py         how much each is asked for now
role_figures.py   the figures that roles are judged by
roles.py          traffic, hot and profit items inside each category
lists.py          what is new, what sells best
affinity.py       what is bought together
owned.py          what each customer has bought, how often, and when it is due again
candidates.py     what each customer may buy next, old and new apart
favour.py         what suits which stage of a customer's life
chances.py        what their scores were worth last month
next_products.py  the picks for each customer
reasons.py        why, in words
baselines.py      the plain rules that picks are held against
evaluation.py     how good the picks would have been
"""
