"""How we know: recipes, training data, evaluation, the champion's rule, MLflow."""
