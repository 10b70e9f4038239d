"""Raw rows become order lines; what is refused is kept aside with its reason.

rules          each row typed, and the first row rule that refuses it (SQL)
clean          the rules that look at other rows; the kept lines in their one order (kept, sorting)
deliveries     rows delivered twice; made: order numbers and cancellations that the source says otherwise
cancellations  which sale a return undoes; flags: resellers, bots, outliers
counts         what became of the rows (account adds up); report: the same for people; notes
quarantine     the refused rows as they were written
"""
