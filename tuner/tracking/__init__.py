"""Experiment tracking: what happens in a study, handed on to MLflow, TensorBoard and Weights & Biases."""
