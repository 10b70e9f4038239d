"""How we know: recipes, training data, evaluation, the champion's rule, MLflow, the laboratory.

Training
  recipe        what decides a training
  panels        training data as of any day
  train         judge, decide, fit on everything, write the bundle
  evaluate      models on one out-of-time window, with paired intervals
  champion      the rule by which a recipe becomes champion
  leakage       the gate: nothing sees the future
  tuning        Optuna on out-of-time folds
  tracking      MLflow runs, registered models, aliases; pyfunc_model: the self-contained file that MLflow serves

The laboratory
  backtest      every model and peer at rolling origins (backtest_*), peers: what others would have used
  answers       what models answered; bootstrap: paired intervals over origins (weighted*); slices: groups apart
  leaderboard   the figures as rows; report: one page that opens offline (report_*); plots: the pictures
  known_worlds  generated customers whose law is known; oracle: the best that can be said of them
  coverage      do intervals hold what they say; learning_curve: would more rows help
  bench_*       measured claims; worlds: large generated shops; data_sets: real data that comes with packages
"""

import os

# Small matrices everywhere: BLAS threads that wait for each other cost several times the work. Read once, by numpy.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
