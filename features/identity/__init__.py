"""One person under several ids: which ids belong together, from when on, and order lines keyed accordingly.

keys        normal e-mail addresses and telephone numbers, hashed: no personal data passes on
evidence    which id was seen with which key since when; keys of too many ids are poisoned
links       Links: which two ids are linked, by what, and since when; pairs that are kept apart
link_files  link tables and the pairs to keep apart, from files
components  the ids of one person on a day (components), and how that changes (history_of; merging)
report      merge_report: who was merged, since when and why
apply       merged, split_as_known: order lines keyed by person
"""
