"""Generated shops that have run randomised campaigns, with the true response of every customer to every offer.

    drawn = draw(CampaignWorld(customers=20_000, campaigns=8, response="segment", seed=1))
    drawn.lines(), drawn.contacts(), drawn.truth

In the response days after a contact a customer buys with the chance p + lift * (1 - p), at least 0, where p is the
chance without one: known from the hidden rate, rhythm and leaving of experiments/worlds_customers, at every day.

law        sizes of effects, hidden types, and the four ways in which they may be related to what can be seen
organic    what happens without campaigns, and the chance p of every customer at every hour
sending    past randomised campaigns: who was sent what, who was left alone, what came of it
world      a drawn world: its orders, contacts and truth
money      what was redeemed, and what an order of a customer is worth
tables     order lines, contacts, customers, products, events and truth as tables
files      all of them as a folder of Parquet files
scoring    a ranking of the drawn orders by BG/NBD, as the plan reads it
judging    what a plan truly earns
"""

from experiments.known_campaigns.law import RESPONSES
from experiments.known_campaigns.world import CampaignWorld, Drawn, draw

__all__ = ["RESPONSES", "CampaignWorld", "Drawn", "draw"]
