"""Hydra finds `hydra/sweeper=tuner` here: plug-ins lie in the namespace package `hydra_plugins`."""
