"""What others would use: the peers of our models, each as its own users run it. One file is one family.

A peer learns from the same TrainingData as our models and answers the same customers; `now` holds all features of
the customers at that day, not the BTYD summary alone.
"""
