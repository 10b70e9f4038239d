"""From what was asked to what is answered: no HTTP here.

answers    customers and pages of the ranking, live scores
card       the model's card
previews   what contacting so many would bring
explain    why one customer has this chance; reasons: in words
inference  order lines as Open Inference and MLflow send them
"""
