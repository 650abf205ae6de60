"""What `tuner run`, `resume`, `confirm` and `check` do."""
