"""Commands as objectives: a program of any language is started for each trial, and its output is read for metrics."""
