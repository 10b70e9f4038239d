"""What kind of shop is this? The diagnosis of a customer base.

shares.py, periods.py, survival.py   shares with intervals, calendar months and weeks, Kaplan-Meier
first_orders.py, repurchase_rate.py  the 90-day repurchase rate, by month and by group
mode.py, advice.py, advice.toml      acquisition, hybrid or loyalty, how sure that is, and what to do
second_order.py, seasons.py          how soon the second order comes; first orders in seasons apart (seasons.toml)
retention.py, gaps.py                cohorts, who comes back, existing customers' revenue, time between orders
revenue.py                           the revenue tree, the best customers, a point of retention
diagnosis.py, findings.py            all together
sentences.py, notes.py, words.py     five sentences about a shop, and what cannot be said
tables.py, page*.py, page.css        CSV, JSON and the HTML page
"""
