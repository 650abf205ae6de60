"""Questions about stored trials, answered without any input or output."""
