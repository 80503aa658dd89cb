"""What a run does: its settings, models, folds and tasks. Nothing here computes a result."""
