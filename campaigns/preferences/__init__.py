"""What is known of each customer besides the scores: offers, channels, times, how often, and which days come.

preferences  all of it          groups    RFM groups, else activity      by_channel  who may be met where, and best
by_time      weekday, hour, week, personal dates                         intervals   days between two messages
days         holidays and events ahead                                   table       one row per customer
sentence     the row in words   missing   what is not known, and what it would add     account   counts
"""
