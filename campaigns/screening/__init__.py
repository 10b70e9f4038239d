"""Organise before you send: who can be reached, who is active, who is no ordinary customer, and who is potential.

settings         limits, word lists, checks and screens from TOML
channels         the channels, and the words that shops have for them
email_addresses  whether an address is one that may be written to, without asking the network
phone_numbers    the region and kind of numbers
messages         what came of earlier messages: answers, bounces, unsubscriptions
reachability     customer and channel: reachable yes, no, unknown, with the reason
activity         active, low, silent: by the customer's own rhythm and by e-mails
suspicious       bots, resellers, coupon abuse, with reasons
shared           accounts that share an address or a number
labels           region, age band, device, spending for the cohort
interests        the categories that a customer buys more than the shop
screens          which combination counts as potential
screening        all of it: the labels, the potentials, the counts of each step
account          the counts as sentences and as JSON
"""
