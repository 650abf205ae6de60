"""A running study as a terminal, a notebook or a browser shows it."""
