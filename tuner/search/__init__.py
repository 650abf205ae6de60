"""The controller, which decides what is trained and what is stopped, and its policies."""
