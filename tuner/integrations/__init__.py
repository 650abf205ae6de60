"""Integrations with training frameworks and libraries: one file for each, the only one that imports it.

A callback finds its trial by itself, saves a checkpoint, reports, and lets the framework stop in the framework's own
way, with whatever that does at its end. Outside of a trial it does nothing: the same program runs without tuner.
What is here uses `tuner` as a person's program does.
"""
