"""Customer features in, answers out. One file is one model.

contract     what every model offers
recency, persistence              baselines
bgnbd, mbgnbd, gamma_gamma        buy-till-you-die and spend, fitted by lifetimes (btyd_fit), answered by
                                  closed forms (closed_form)
lightgbm     boosters (boosters) that bend a base model (base)
ensemble     the default: base and bend, weighed and levelled on out-of-time folds; its curve (curve)
bundle       a trained model as a folder of plain numbers
"""
