"""Customer features in, answers out. One file is one model.

contract     what every model offers
recency, persistence              baselines
bgnbd, mbgnbd, paretonbd, mbgcnbdk  buy till you die; gamma_gamma: spend. btyd_model is what they share, btyd_fit,
             btyd_pareto_fit and btyd_erlang_fit fit them, closed_form, btyd_pareto and btyd_erlang answer
base         the BTYD model that does best out of time
lightgbm     boosters (boosters) that bend a base model
level        the season and the trend, as a function of the date
ensemble     the default: base and bend, weighed out of time, on the level of the date; its curve (curve)
spread       how far values and totals may be off; clv: lifetime value; confidence: a grade and its reason
contributions, reasons            why a customer's chance is what it is
bundle       a trained model as a folder of plain numbers
"""
