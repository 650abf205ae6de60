"""Where trials run: `ray_tune.py` on all of a machine, `inline.py` in this process; both obey the controller."""
