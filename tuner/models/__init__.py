"""A study's model, for who wants answers: found in the study, exported to a folder, and loaded from there."""
