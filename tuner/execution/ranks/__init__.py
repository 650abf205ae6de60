"""Trials of several processes, as torch.distributed has them: the ranks of a trial, on one machine."""
