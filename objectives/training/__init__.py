"""How one configuration becomes metrics: data, learner, loop, metrics, checkpoints."""
