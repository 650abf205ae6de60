"""Pretrained models: what their folders say (without torch), and the models themselves."""
