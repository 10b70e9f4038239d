"""The nightly run over a whole base, in partitions, so that memory is bounded by one of them.

checkpoint   what an interrupted run left, and whether it is of the same run
parts        one partition: scores, details and counts, each in files of its own
carried      parts that other machines make, and how they come here
details      what stands behind a customer's scores: features and order days
ranking      the order of all customers, from a few numbers of each
buckets      rows brought into rank order with bounded memory
drift        whether the base still looks like the training data
history      what was predicted on earlier days, beside what happened
changed      who is new, gone or moved since the previous ranking
stages       time, CPU and counts of each stage
"""
