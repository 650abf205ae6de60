"""Where trials run: `ray/` on all of a machine, `inline.py` in this process; both obey the controller."""
