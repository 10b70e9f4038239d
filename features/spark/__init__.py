"""Features on a Spark session, where one machine is not enough: the same rules and the same kernel on every worker.

engine       write_features: orders that Spark can read become a folder of features, and the account of every row
session      a session for a master URL, with a Java runtime to start it
java         which Java runs Spark
orders       Parquet folders and tables as a source whose columns are named like those of a local one
conventions  what text columns show (decimal mark, currency, day or month first), counted over all rows
typing       rows as they stand become typed rows
blocks       a sorted stream of batches becomes blocks of whole customers
customers    blocks of whole customers become rows: of features, or of whatever a caller makes of them
job          orders opened and counted, and what the workers make of them
references   reference tables fitted on everyone
folder       the folder that is written, put in place as a whole
failures     what Spark reports, said as an error of ours

Nothing but columns of Arrow passes between Spark and workers, times as whole microseconds, so that neither the
session's time zone nor pandas plays a part. Workers need Python packages (numpy, pyarrow, duckdb; lightgbm where they
score) and this one.
"""
