"""The other tables of a shop: each optional, each read up to a day, each with an account of every row.

events     read_events: what customers did and were sent
customers  read_customers: attributes as they became known, personal data apart; customers_on
products   read_products; fill_lines: category and cost for order lines
contacts   read_contacts: who was sent what by which campaign, and what came of it
mapping    which source column is which: recognised, or from TOML
gate       files become one typed table of the rows up to a day (values: how a value is read)
account    refused and merged rows, and the report
"""
