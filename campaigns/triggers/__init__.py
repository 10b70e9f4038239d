"""Triggers: messages that are due because of what a customer did, each a declaration in triggers.toml.

trigger    Trigger, read_triggers: entry, wait, exit, offer ladder, priority, cooldown
starts     what can start a trigger, on which days; which start counts
columns    trigger_columns: what the rules may ask for
steps      which step of one trigger is due for whom
due        due_on: all triggers together, at most one message for each customer
listing    a night's list as tables and words
sending    when a shop sends: quiet hours, closed days, how often at most
loyalty    loyalty tiers and the days on which one was reached
purchases  products bought again and again, and when each is due
novelty    new products in a customer's favourite category
"""
