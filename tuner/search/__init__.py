"""Who decides: the controller, and the policies it asks."""
