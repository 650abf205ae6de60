"""What may vary: one file per named space, exporting it as `space`; no torch, no machinery.

A file here is a search space under its own name: `search_spaces/image_classifier.py` is `image_classifier`. It sets
`__all__ = ["space"]`. Blocks shared by several spaces live in `_blocks.py`.
"""
