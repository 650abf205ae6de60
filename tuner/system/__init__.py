"""Files, processes, signals and the hardware of this machine."""
