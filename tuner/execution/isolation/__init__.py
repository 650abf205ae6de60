"""Trials in processes of their own, which know nothing of Ray: what people's code runs in.

A worker starts one `template` process, which imports the objective's module once and forks a `trial_process` for each
trial. `IsolatedWorker` stands in the worker for what trains in there. See `docs/decisions/0022-a-trial-is-a-guest.md`.
"""
