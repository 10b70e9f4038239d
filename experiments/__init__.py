"""How we know: recipes, training data, evaluation, the champion's rule, MLflow.

recipe        what decides a training
panels        training data as of any day
evaluate      models on one out-of-time window, with paired intervals
champion      the rule by which a recipe becomes champion
train         judge, decide, fit on everything, write the bundle
plots         calibration and lift
data_sets     real data that comes with packages
bench_accuracy  accuracy as a user would meet it
tracking      MLflow runs, registered models, aliases
pyfunc_model  the self-contained file that MLflow serves
"""
