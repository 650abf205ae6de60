"""What is measured: torch lives here and nowhere else.

A file here is an objective, named after it.
"""
