"""The door to Ray: an executor, its loop and its session."""
