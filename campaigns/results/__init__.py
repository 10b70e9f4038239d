"""The account of campaigns: contacts in, what came back and what was caused out.

trial         a randomised test as plain columns                 campaign     the log's campaigns as such tests
intervals     Wilson, Newcombe, Welch, Holm                      log          the contacts as columns
effect        treated less control, plain and adjusted           outcomes     what followed, from orders or the sender
subgroups     by group, shrunk towards all                       response     sent, opened, bought, revenue, cost
checks        sizes and balance of the arms                      contact_checks  times, mix-ups, silent controls
comparison    two groupings side by side                         priors       measured effects, for the planner
account       all of it                                          rows, words  its tables and its sentences
trial_file    a test described by a TOML file                    plain        CSV and Parquet files as they are
"""

from campaigns.results.account import Account, account_of, account_of_trial
from campaigns.results.campaign import Known, Money
from campaigns.results.priors import MEASURED, measured_effects
from campaigns.results.trial import Trial

__all__ = [
    "MEASURED",
    "Account",
    "Known",
    "Money",
    "Trial",
    "account_of",
    "account_of_trial",
    "measured_effects",
]
