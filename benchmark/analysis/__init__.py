"""From stored predictions to scores, ranks, tests and intervals."""
