"""What is to be done: settings, models, folds, tasks. Nothing here computes a result."""
