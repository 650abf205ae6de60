"""A study's model, to predict with: found in the study, exported to a folder, and loaded from there."""
